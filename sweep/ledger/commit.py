"""Commits: what one marker says, and what all markers of a store say together."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property

STORE_SCHEMA = 4
"""Version of a store's layout; a reader refuses a newer one. New columns need no new version: see `sweep.ledger.forms`.
"""

OLDEST_SCHEMA = 3
"""The oldest version that is read."""

MERGED = "-merged"
"""How the name of a commit ends that other commits were merged into."""


@dataclass(frozen=True)
class FileMark:
    """What a table's file of a commit is: size in bytes, SHA-256 of all of it, and of its Parquet footer."""

    size: int
    sha256: str
    footer_size: int
    footer_sha256: str


@dataclass(frozen=True)
class Commit:
    """A published pack, or several merged: status by trial identity, and its file in each table that it has rows of."""

    name: str
    statuses: dict[str, str]
    files: dict[str, FileMark]
    replaces: dict[str, list[str]] = field(default_factory=dict)
    """Commits that are not read any more, since their rows are in this one, and those that they had replaced; for each
    that was published its trials here."""

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(file.size for file in self.files.values())

    @cached_property
    def parts(self) -> dict[str, Collection[str]]:
        """The published commits that it holds rows of, with their trials: itself, where nothing was merged into it."""
        return {name: trials for name, trials in self.replaces.items() if trials} or {self.name: self.statuses}

    @cached_property
    def origin(self) -> dict[str, str]:
        """Trial identity to the commit that it was published in."""
        return {trial_id: name for name, trials in self.parts.items() for trial_id in trials}

    def to_json(self) -> bytes:
        """The marker."""
        files = {
            table: [file.size, file.sha256, file.footer_size, file.footer_sha256] for table, file in self.files.items()
        }
        marker = {"schema": STORE_SCHEMA, "trials": self.statuses, "files": files, "replaces": self.replaces}
        return json.dumps(marker, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, name: str, content: bytes | None) -> "Commit | None":
        """The commit of a marker, or None where that is not one."""
        try:
            marker = json.loads(content or b"")
            files = {table: FileMark(*values[:4]) for table, values in marker["files"].items()}
            replaces = {replaced: list(trials) for replaced, trials in marker["replaces"].items()}
            return cls(name, dict(marker["trials"]), files, replaces)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


@dataclass
class Contents:
    """What a store holds: which commit each trial is read from, and its status there."""

    commits: dict[str, Commit] = field(default_factory=dict)
    source: dict[str, str] = field(default_factory=dict)
    status: dict[str, str] = field(default_factory=dict)
    replaced: dict[str, str] = field(default_factory=dict)
    """Commit to the one that it was merged into."""
    damaged: dict[str, str] = field(default_factory=dict)
    """Commit to what is wrong with it; its trials count as missing."""

    @property
    def known(self) -> set[str]:
        """Every commit that has been looked at, or need not be."""
        return self.commits.keys() | self.replaced.keys() | self.damaged.keys()

    def add(self, commit: Commit) -> None:
        """Count a whole commit in; in whatever order commits are added, the same rows are read."""
        if commit.name in self.replaced:
            return
        known = len(self.commits)
        for name in commit.replaces:
            # The latest: it is the one that is read.
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
        """Trials of a commit that are read from another one."""
        return sorted(trial_id for trial_id in commit.statuses if self.source[trial_id] != commit.name)

    def _count(self, commit: Commit) -> None:
        for trial_id, status in commit.statuses.items():
            source = self.source.get(trial_id)
            if source is None or _rank(commit, trial_id) < _rank(self.commits[source], trial_id):
                self.source[trial_id], self.status[trial_id] = commit.name, status


def _rank(commit: Commit, trial_id: str) -> tuple[bool, str, str]:
    """The least is read: a result before a failure, then what was published first, wherever that is now."""
    return commit.statuses[trial_id] == "failed", commit.origin.get(trial_id, commit.name), commit.name
