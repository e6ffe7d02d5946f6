"""Merging: many small commits become few large ones, so that a store is quick to open and to scan.

Trials, rows and the order of commits stay what they are. The commits that were merged are kept for a day, for whoever
is reading them.
"""

from collections.abc import Iterator, Sequence

from sweep.ledger.commit import Commit
from sweep.ledger.ledger import Ledger
from sweep.ledger.schema import SCHEMAS

_SMALL = 8 << 20
_LARGE = 64 << 20


def merge_commits(ledger: Ledger, least: int) -> int:
    """Merge the small commits of a store if there are at least so many; how many were merged.

    Raises SweepError where a file cannot be read, or the store cannot be written.
    """
    small = [commit for _, commit in sorted(ledger.contents.commits.items()) if commit.size < _SMALL]
    if len(small) < max(least, 2):
        return 0
    merged = 0
    for batch in _batches(small):
        names = [commit.name for commit in batch]
        tables = {table: ledger.read(table, names) for table in SCHEMAS}
        if tables["trials"].num_rows:
            ledger.write(tables, replaces={name for commit in batch for name in (commit.name, *commit.replaces)})
            merged += len(names)
    return merged


def _batches(commits: Sequence[Commit]) -> Iterator[list[Commit]]:
    batch: list[Commit] = []
    size = 0
    for commit in commits:
        batch.append(commit)
        size += commit.size
        if size >= _LARGE:
            yield batch
            batch, size = [], 0
    if len(batch) > 1:
        yield batch
