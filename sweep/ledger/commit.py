"""Commits: the content of one marker, and of all markers of a store together."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import astuple, dataclass, field
from functools import cached_property

STORE_SCHEMA, OLDEST_SCHEMA = 4, 3
"""Versions of a store's layout: the one that is written, and the oldest that is read; a newer one is refused.

New columns need no new version: see `sweep.ledger.forms`.
"""

_SEAL = "sha256"

MERGED = "-merged"
"""The end of the name of a commit that others were merged into."""


@dataclass(frozen=True)
class FileMark:
    """Marks of a commit's file of one table: size in bytes, SHA-256 of the whole and of its Parquet footer."""

    size: int
    sha256: str
    footer_size: int
    footer_sha256: str


@dataclass(frozen=True)
class Commit:
    """A published pack, or several merged: status by trial identity, and a file for each table in which it has rows."""

    name: str
    statuses: dict[str, str]
    files: dict[str, FileMark]
    replaces: dict[str, list[str]] = field(default_factory=dict)
    """Commits that are no longer read, since this one has their rows, and those that they had replaced before; for each
    published one, its trials here."""
    sealed: bool = field(default=True, compare=False)
    """Whether its marker has a digest of itself; those of earlier versions have none."""

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(file.size for file in self.files.values())

    @cached_property
    def parts(self) -> dict[str, Collection[str]]:
        """The published commits whose rows it holds, with their trials: itself, unless others were merged into it."""
        return {name: trials for name, trials in self.replaces.items() if trials} or {self.name: self.statuses}

    @cached_property
    def origin(self) -> dict[str, str]:
        """Trial identity to the commit that it was published in."""
        return {trial_id: name for name, trials in self.parts.items() for trial_id in trials}

    def to_json(self) -> bytes:
        """The marker."""
        files = {table: astuple(mark) for table, mark in self.files.items()}
        marker = {"schema": STORE_SCHEMA, "trials": self.statuses, "files": files, "replaces": self.replaces}
        return _compact({**marker, _SEAL: _seal(self.name, marker)})

    @classmethod
    def from_json(cls, name: str, content: bytes | None) -> "Commit | None":
        """The commit of a marker, or None if the content is not a marker, or not as it was written under this name."""
        try:
            marker = json.loads(content or b"")
            seal = marker.pop(_SEAL, None)
            if seal not in (None, _seal(name, marker)):
                return None
            files = {table: FileMark(*values[:4]) for table, values in marker["files"].items()}
            replaces = {replaced: list(trials) for replaced, trials in marker["replaces"].items()}
            return cls(name, dict(marker["trials"]), files, replaces, seal is not None)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None


def _seal(name: str, marker: object) -> str:
    """The digest of a marker's content under its name; JSON that reads the same has the same."""
    return hashlib.sha256(name.encode() + _compact(marker)).hexdigest()


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


@dataclass
class Contents:
    """A store's commits, the commit from which each trial is read, and the trial's status there."""

    commits: dict[str, Commit] = field(default_factory=dict)
    source: dict[str, str] = field(default_factory=dict)
    status: dict[str, str] = field(default_factory=dict)
    replaced: dict[str, str] = field(default_factory=dict)
    """Commit to the one that it was merged into."""
    damaged: dict[str, str] = field(default_factory=dict)
    """Commit to its fault; its trials count as missing."""

    @property
    def known(self) -> set[str]:
        """Every commit that has been read, or need not be."""
        return self.commits.keys() | self.replaced.keys() | self.damaged.keys()

    def add(self, commit: Commit) -> None:
        """Count a whole commit in; the order in which commits are added does not matter."""
        if commit.name in self.replaced:
            return
        known = len(self.commits)
        for name in commit.replaces:
            # The latest one is read.
            self.replaced[name] = max(commit.name, self.replaced.get(name, ""))
            self.commits.pop(name, None)
            self.damaged.pop(name, None)
        anew = len(self.commits) < known
        if anew:
            self.source, self.status = {}, {}
        self.commits[commit.name] = commit
        for each in self.commits.values() if anew else (commit,):
            self._count(each)

    def foreign(self, commit: Commit) -> list[str]:
        """The trials of a commit that are read from another one."""
        return sorted(trial_id for trial_id in commit.statuses if self.source[trial_id] != commit.name)

    def _count(self, commit: Commit) -> None:
        for trial_id, status in commit.statuses.items():
            source = self.source.get(trial_id)
            if source is None or _rank(commit, trial_id) < _rank(self.commits[source], trial_id):
                self.source[trial_id], self.status[trial_id] = commit.name, status


def _rank(commit: Commit, trial_id: str) -> tuple[bool, str, str]:
    """The lowest rank is read: a result before a failure, then what was published first, wherever it is now."""
    return commit.statuses[trial_id] == "failed", commit.origin.get(trial_id, commit.name), commit.name
