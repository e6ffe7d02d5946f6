"""What killed writers leave in a store, and what to do about it.

A file is deleted only if this program can prove that nobody needs it: a commit that was merged into one that is whole,
and a file whose name says that it was being written. A table without a marker proves nothing, since markers can be
lost: it is reported and stays.
"""

import contextlib
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from sweep.errors import SweepError
from sweep.ledger.names import is_unfinished
from sweep.ledger.schema import SCHEMAS

if TYPE_CHECKING:
    from sweep.ledger.ledger import Ledger

_DAY = 24 * 3600
_HOUR = 3600
_FOLDERS = (".", *SCHEMAS, "commits", "sweeps", "checkpoints", "locks", "tracking")


def remove_litter(ledger: "Ledger") -> None:
    """Delete what nobody has needed for a day: commits that were merged into others, and files left unfinished."""
    held = ledger.listed("commits")
    merged: defaultdict[str, list[str]] = defaultdict(list)
    for name in held:
        if (into := ledger.contents.replaced.get(name)) is not None:
            merged[into].append(name)
    for into, names in merged.items():
        if _age(into) > _DAY and ledger.is_readable(into):
            # They are in nobody's way where they cannot be deleted. The marker goes last, as no table may be without.
            with contextlib.suppress(SweepError):
                for name in names:
                    for path in (*(f"{table}/{name}.parquet" for table in SCHEMAS), f"commits/{name}.json"):
                        ledger.files.delete(path)
    if ledger.files.local is not None:
        for folder in _FOLDERS:
            _remove_unfinished(ledger.files.local / folder)


def unmarked(ledger: "Ledger") -> list[str]:
    """Tables without a marker, which nothing reads: a killed writer's, or those of a store that lost its markers."""
    marked = {*ledger.listed("commits"), *ledger.contents.known}
    found = {table: ledger.listed(table) for table in SCHEMAS}
    # A writer that is at work has not written its marker yet.
    return [
        f"{table}/{name}.parquet"
        for table, names in found.items()
        for name in names
        if name not in marked and _age(name) > _HOUR
    ]


def unmarked_note(ledger: "Ledger") -> str | None:
    """What to tell the user about `unmarked`; None where there is none."""
    found: list[str] = []
    # A folder that cannot be listed is told of by whoever needs it.
    with contextlib.suppress(SweepError):
        found = unmarked(ledger)
    if not found:
        return None
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return (
        f"{found[0]}{more} have no marker in commits/, so they are not read; if commits/ was lost, put a copy of it "
        "back, else a killed writer has left them, and they may be deleted"
    )


def _age(commit: str) -> float:
    """Seconds since a commit was named, which its name begins with."""
    return time.time() - int(commit.partition("-")[0]) / 1e9


def _remove_unfinished(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        for path in folder.iterdir():
            # Another process may remove it first, and another user's file may stay.
            with contextlib.suppress(OSError):
                if is_unfinished(path.name) and time.time() - path.stat().st_mtime > _DAY:
                    path.unlink()
