"""Which commits of a store have been written to one tracking URI: a note that may be lost, never wrong.

It saves asking MLflow for thousands of runs before a sweep that has nothing left to do.
"""

import hashlib
import json
import time
from collections.abc import Iterable
from pathlib import Path

from sweep.ledger import Ledger

_SAVE_SECONDS = 5.0
_SQLITE = "sqlite:///"


class Note:
    """The note of one store and URI."""

    def __init__(self, ledger: Ledger, uri: str) -> None:
        self._files = ledger.files
        # A digest, since an address may carry a password.
        self._name = f"tracking/{hashlib.sha256(uri.encode()).hexdigest()[:16]}.json"
        self._saved = time.monotonic()
        self.commits: set[str] = set()
        if uri.startswith(_SQLITE) and not Path(uri.removeprefix(_SQLITE)).exists():
            return
        content = self._files.read(self._name)
        if content is not None:
            try:
                self.commits = set(json.loads(content)["commits"])
            except (ValueError, KeyError, TypeError):
                self.commits = set()

    def add(self, commits: Iterable[str]) -> None:
        """Remember commits; the note is saved every few seconds."""
        self.commits.update(commits)
        if time.monotonic() - self._saved > _SAVE_SECONDS:
            self.save()

    def save(self) -> None:
        """Write the note to the store."""
        self._files.write(self._name, json.dumps({"commits": sorted(self.commits)}).encode())
        self._saved = time.monotonic()


def is_complete(ledger: Ledger, uri: str) -> bool:
    """Whether every commit of the store has been written to the tracking URI."""
    return ledger.contents.commits.keys() <= Note(ledger, uri).commits
