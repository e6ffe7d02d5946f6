"""Tries random inputs until one fails or Ctrl-C: ``python -m tests.fuzz SEED`` tries those of one seed."""

import faulthandler
import os
import random
import sys
import tempfile
from pathlib import Path

from tests.fuzz.kinds import KINDS, Place, prepare, run_case

_SECONDS = 60


def _try(seed: int, place: Place) -> None:
    """All cases of a seed. Raises whatever fails, and ends the process with a traceback where a case hangs."""
    print(f"seed {seed}", flush=True)
    for kind, (_, cases) in KINDS.items():
        for number in range(cases):
            faulthandler.dump_traceback_later(_SECONDS, exit=True)
            run_case(kind, seed, number, place)
            faulthandler.cancel_dump_traceback_later()


def main(arguments: list[str]) -> None:
    """Try the given seeds, or new ones without end."""
    with tempfile.TemporaryDirectory(prefix="sweep-fuzz-") as folder:
        place = prepare(Path(folder))
        os.environ["SWEEP_DATA"] = str(Path(folder, "data"))
        for seed in map(int, arguments):
            _try(seed, place)
        while not arguments:
            _try(random.SystemRandom().randrange(2**32), place)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
