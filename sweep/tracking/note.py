"""Which commits of a store have been written to one tracking URI: a note that may be lost, never wrong.

It saves asking MLflow for thousands of runs before a sweep that has nothing left to do.
"""

import hashlib
import json
import time
from collections.abc import Iterable

from sweep.ledger import Commit, Ledger, covered
from sweep.tracking.location import sqlite_path

_SAVE_SECONDS = 5.0


class Note:
    """The note of one store and URI."""

    def __init__(self, ledger: Ledger, uri: str) -> None:
        self._files = ledger.files
        # A digest, since an address may carry a password.
        self._name = f"tracking/{hashlib.sha256(uri.encode()).hexdigest()[:16]}.json"
        self._saved = time.monotonic()
        database = sqlite_path(uri)
        if database is not None and not database.exists():
            self.clear()
        self.commits = self._load()

    def add(self, commits: Iterable[Commit]) -> None:
        """Remember commits, with what was merged into them; the note is saved every few seconds."""
        for commit in commits:
            self.commits |= {commit.name} | commit.replaces
        if time.monotonic() - self._saved > _SAVE_SECONDS:
            self.save()

    def clear(self) -> None:
        """Forget all."""
        self._files.delete(self._name)
        self.commits = set()

    def save(self) -> None:
        """Write the note to the store, with what a sweep beside this one has noted."""
        self.commits |= self._load()
        self._files.write(self._name, json.dumps({"commits": sorted(self.commits)}).encode())
        self._saved = time.monotonic()

    def _load(self) -> set[str]:
        try:
            return set(json.loads(self._files.read(self._name) or b"")["commits"])
        except (ValueError, KeyError, TypeError):
            return set()


def is_complete(ledger: Ledger, uri: str, trial_ids: Iterable[str] | None = None) -> bool:
    """Whether every commit of the store, or of the given trials, has been written to the tracking URI."""
    commits, sources = ledger.contents.commits, ledger.contents.source
    wanted = set(sources.values()) if trial_ids is None else {sources[i] for i in trial_ids if i in sources}
    written = Note(ledger, uri).commits
    return all(covered(commits[name], written) for name in wanted)
