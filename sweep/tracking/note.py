"""Records in the store which published commits a tracking URI has: the note may be lost, but is never wrong.

Thanks to it, a sweep that has nothing left to do need not ask MLflow for thousands of runs.
"""

import hashlib
import json
import time
from collections.abc import Collection, Iterable, Set

from sweep.ledger import Commit, Ledger
from sweep.tracking.location import own_database, sqlite_path

_SAVE_SECONDS = 5.0


class Note:
    """The note of one store and URI."""

    def __init__(self, ledger: Ledger, uri: str) -> None:
        self._files = ledger.files
        # The store's own database moves with it. A digest, since an address may hold a password.
        key = "own" if own_database(ledger, uri) else uri
        self._key = hashlib.sha256(key.encode()).hexdigest()[:16]
        self._name = f"tracking/{self._key}.json"
        self._saved = time.monotonic()
        self._changed: dict[str, bool] = {}
        database = sqlite_path(uri)
        if database is not None and not database.exists():
            self.clear()
        self.commits, self.open = self._load()

    def missing(self, commit: Commit, trial_ids: Set[str] | None = None) -> dict[str, Collection[str]]:
        """The published parts of a commit that are not noted yet, with their trials.

        `trial_ids` leaves out the parts that hold none of them.
        """
        return {
            name: trials
            for name, trials in commit.parts.items()
            if name not in self.commits and (trial_ids is None or not trial_ids.isdisjoint(trials))
        }

    def add(self, commits: Iterable[str]) -> None:
        """Note published commits, and save the note every few seconds."""
        self.commits.update(commits)
        if time.monotonic() - self._saved > _SAVE_SECONDS:
            self.save()

    def begin(self, sweep_id: str) -> None:
        """Note that a sweep's parent run is open, before it is."""
        self._changed[sweep_id] = True
        if sweep_id not in self.open:
            self.save()

    def end(self, sweep_id: str) -> None:
        """Note that a sweep's parent run has ended, and all else."""
        self._changed[sweep_id] = False
        self.save()

    def clear(self) -> None:
        """Forget everything."""
        self._files.delete(self._name)
        self.commits, self.open = set(), set()

    def save(self) -> None:
        """Write the note to the store, together with what a concurrent sweep has noted."""
        commits, others = self._load()
        self.commits |= commits
        self.open = {name for name in {*others, *self._changed} if self._changed.get(name, True)}
        noted = {"of": self._key, "commits": sorted(self.commits), "open": sorted(self.open)}
        self._files.write(self._name, json.dumps(noted).encode())
        self._saved = time.monotonic()

    def _load(self) -> tuple[set[str], set[str]]:
        try:
            noted = json.loads(self._files.read(self._name) or b"")
            # Earlier versions noted neither whose note it is nor which runs were open.
            if noted.get("of", self._key) == self._key:
                return set(noted["commits"]), set(noted.get("open", ()))
            return set(), set()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return set(), set()


def is_complete(ledger: Ledger, uri: str, trial_ids: Iterable[str] | None = None, sweep_id: str | None = None) -> bool:
    """Whether the tracking URI has every commit of the store, or of the given trials, and the end of a sweep's run."""
    commits, sources = ledger.contents.commits, ledger.contents.source
    wanted = sources.keys() if trial_ids is None else sources.keys() & set(trial_ids)
    note = Note(ledger, uri)
    if sweep_id in note.open:
        return False
    return not any(note.missing(commits[name], wanted) for name in {sources[trial_id] for trial_id in wanted})
