"""Publishes packs to a store: ``publisher.py STORE FIRST_PACK PACKS PACK_SIZE MERGE``; prints each that is kept.

Pack i holds the trials of seeds i * PACK_SIZE and up. Whenever there are MERGE small commits, they are merged.
"""

import sys

from sweep.engine.null import train
from sweep.ledger import Ledger, merge_commits, to_tables
from sweep.result import Setting
from sweep.trial import Trial


class WithoutPandas:
    """PyArrow imports pandas where it is installed, which takes longer than all that is tested here."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name=name)


def main(store: str, first: int, packs: int, size: int, merge: int) -> None:
    sys.meta_path.insert(0, WithoutPandas)
    ledger = Ledger.create(store)
    print("ready", flush=True)
    sys.stdin.readline()
    for pack in range(first, first + packs):
        trials = [Trial("s", seed=seed) for seed in range(pack * size, (pack + 1) * size)]
        for results in train(trials, Setting()):
            if isinstance(results, list) and ledger.publish(to_tables(results)):
                print(pack, flush=True)
                merge_commits(ledger, merge)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
