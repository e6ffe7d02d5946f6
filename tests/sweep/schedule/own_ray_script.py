"""Connects to a Ray of its own, kills the server that it is told to, and prints what it saw as JSON."""

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path

from sweep.errors import SweepError
from sweep.schedule.cluster import connected

# isort: split
import ray

_LISTENS = "0A"


def tree(root: int) -> list[int]:
    """A process and all its descendants."""
    text = [
        Path(f"/proc/{root}/task/{task.name}/children").read_text() for task in Path(f"/proc/{root}/task").iterdir()
    ]
    return [root, *(each for child in " ".join(text).split() for each in tree(int(child)))]


def addresses(processes: list[int]) -> set[str]:
    """Where processes listen, as dotted addresses of IPv4."""
    owned = set[str]()
    for process in processes:
        for descriptor in Path(f"/proc/{process}/fd").iterdir():
            # It may be closed by now.
            with contextlib.suppress(OSError):
                owned.add(str(descriptor.readlink()))
    found = set[str]()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == _LISTENS and f"socket:[{words[9]}]" in owned:
                found.add(".".join(map(str, reversed(bytes.fromhex(words[1].partition(":")[0][-8:])))))
    return found


@ray.remote
def where() -> str | None:
    import numpy

    import models

    assert numpy.arange(2).sum() == 1
    return models.__file__


def main(server: str) -> None:
    found: dict[str, object] = {}
    began = 0.0
    try:
        with connected(None, 1):
            found["models"] = ray.get(where.remote())
            ours = tree(os.getpid())
            found["addresses"] = sorted(addresses(ours))
            (victim,) = (each for each in ours if Path(f"/proc/{each}/comm").read_text().strip() == server)
            os.kill(victim, signal.SIGKILL)
            began = time.monotonic()
            time.sleep(100)
    except SweepError as error:
        found |= {"error": str(error), "seconds": time.monotonic() - began}
    print(json.dumps(found))


main(sys.argv[1])
