"""Merging: many small commits become few large ones, so that a store is quick to open and to scan.

Trials, rows and the order of commits stay the same. Merged commits are kept for a day, for processes that are reading
them.
"""

from collections.abc import Iterator, Sequence

from sweep.errors import SweepError
from sweep.ledger.commit import Commit
from sweep.ledger.forms import together
from sweep.ledger.ledger import Ledger
from sweep.ledger.schema import SCHEMAS, Tables

_SMALL = 8 << 20
_LARGE = 64 << 20


def merge_commits(ledger: Ledger, least: int) -> int:
    """Merge the small commits of a store if there are at least `least`; returns how many were merged.

    A commit that cannot be read stays as it is. Raises SweepError where the store cannot be written.
    """
    if len(_small(ledger)) < max(least, 2):
        return 0
    # Commits that another process has merged meanwhile must not be merged again.
    ledger.refresh()
    merged = 0
    for batch in _batches(_small(ledger)):
        read = ledger.parallel(lambda commit: _read(ledger, commit.name), batch)
        parts = [(commit, tables) for commit, tables in zip(batch, read, strict=True) if tables is not None]
        if len(parts) > 1 and any(tables["trials"].num_rows for _, tables in parts):
            # Columns that this program does not know stay.
            merging = {name: together([tables[name] for _, tables in parts]) for name in SCHEMAS}
            ledger.write(merging, replaces=_replaced(parts))
            merged += len(parts)
    return merged


def _small(ledger: Ledger) -> list[Commit]:
    commits = sorted(ledger.contents.commits.items())
    # Tables that a newer program has added cannot be merged by this one.
    return [commit for _, commit in commits if commit.size < _SMALL and commit.files.keys() <= set(SCHEMAS)]


def _read(ledger: Ledger, name: str) -> Tables | None:
    """The tables of a commit; None if one cannot be read, which the readers of the commit report."""
    try:
        return {table: ledger.read(table, [name]) for table in SCHEMAS}
    except SweepError:
        return None


def _replaced(parts: Sequence[tuple[Commit, Tables]]) -> dict[str, list[str]]:
    """The commits that one of these parts replaces, and the trials that each published commit has in it."""
    replaced: dict[str, list[str]] = {name: [] for commit, _ in parts for name in (commit.name, *commit.replaces)}
    for commit, tables in parts:
        held = set(tables["trials"]["trial_id"].to_pylist())
        # Two commits merged at once hold the same published commits, and each trial is read from one of the two.
        for name, trials in commit.parts.items():
            replaced[name] += [trial for trial in trials if trial in held]
    return replaced


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
