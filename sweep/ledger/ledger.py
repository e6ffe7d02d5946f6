"""The ledger: a store's record of which trials are done, and the only authority on that.

Layout of a store::

    store.json                    schema version
    sweeps/SWEEP.parquet          a plan: trials with their factors, study, margins
    trials/COMMIT.parquet         one row per trial, one file per pack
    curves/COMMIT.parquet         one row per trial and epoch
    measurements/COMMIT.parquet   one row per trial and thing measured
    commits/COMMIT.json           written last: the commit's trials, and the size and digests of its files
    checkpoints/TRAINING          networks, trained or in training
    locks/                        which sweeps are running

A store made by an older program is read as it is (`sweep.ledger.forms`). Before this program writes to it, it marks the
store as its own (`sweep.ledger.version`), so that the older program refuses the store and does not misread it.

Readers ignore files without a marker. A trial in several commits is read from one of them: a result before a failure,
then the earliest. Many small commits are merged into a larger one, which replaces them.
"""

import contextlib
import os
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from sweep.errors import SweepError
from sweep.ledger.checkpoints import Checkpoints
from sweep.ledger.commit import MERGED, STORE_SCHEMA, Commit, Contents
from sweep.ledger.encoding import decode, digest, encode
from sweep.ledger.forms import in_form, together, unified
from sweep.ledger.lease import hold
from sweep.ledger.litter import remove_litter
from sweep.ledger.lock import Lock, file_lock
from sweep.ledger.names import ours
from sweep.ledger.planned import PlannedSweep, Plans, read_plan
from sweep.ledger.schema import SCHEMAS, Tables
from sweep.ledger.version import VersionedFiles
from sweep.margins import Margins
from sweep.trial import Trial

_LOCAL_READERS, _REMOTE_READERS = 4, 16

T = TypeVar("T")
R = TypeVar("R")


class Ledger:
    """One store's record. Raises SweepError for a store that cannot be used."""

    def __init__(self, uri: str | os.PathLike[str]) -> None:
        self.files = VersionedFiles(uri)
        self.checkpoints = Checkpoints(self.files)
        self.contents = Contents()

    @property
    def uri(self) -> str:
        """The store's address without keys, for messages."""
        return self.files.uri

    @property
    def address(self) -> str:
        """The store's address, to open it again with."""
        return self.files.address

    def parallel(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Apply the function to each item, several at a time; returns the results in order."""
        # Reading an object store is mostly waiting; local files are decoded under one lock.
        with ThreadPoolExecutor(_REMOTE_READERS if self.files.local is None else _LOCAL_READERS) as pool:
            return list(pool.map(function, items))

    @classmethod
    def create(cls, uri: str | os.PathLike[str]) -> "Ledger":
        """Open a store, and make it if it does not exist."""
        ledger = cls(uri)
        if ledger.files.version() is None:
            ledger.files.mark()
        ledger.refresh()
        remove_litter(ledger)
        return ledger

    @classmethod
    def open(cls, uri: str | os.PathLike[str]) -> "Ledger":
        """Open a store that exists."""
        ledger = cls(uri)
        # An object store may take seconds to answer each.
        if ledger.parallel(lambda look: look(), [ledger.files.version, ledger.refresh])[0] is None:
            raise SweepError(f"there is no store at {ledger.uri}; `sweep run STUDY --store {ledger.uri}` makes one")
        return ledger

    def refresh(self) -> Contents:
        """Read the commits that are new since the last call."""
        new = [name for name in self.listed("commits") if name not in self.contents.known]
        if not new:
            return self.contents
        # Listed after the markers, so that no file of theirs can be missing here, and while they are read.
        with ThreadPoolExecutor(1) as pool:
            sizes = pool.submit(lambda: dict(zip(SCHEMAS, self.parallel(self.files.list, SCHEMAS), strict=True)))
            # Merged commits first: those that they replace need not be read.
            for names in ([name for name in new if name.endswith(MERGED)], new):
                read = self._read_markers([name for name in names if name not in self.contents.known])
                faults = self.parallel(lambda found: self._fault(*found, sizes.result()), read.items())
                for (name, commit), fault in zip(read.items(), faults, strict=True):
                    if fault is not None:
                        self.contents.damaged[name] = fault
                    elif commit is not None:
                        self.contents.add(commit)
        return self.contents

    def publish(self, tables: Tables) -> str | None:
        """Commit the results of one pack; returns the commit's name.

        It leaves out trials that another process has published meanwhile; if none remains it writes nothing and
        returns None. The marker is written last, so a reader sees all of the commit or nothing.
        """
        for name, table in tables.items():
            if not table.schema.equals(SCHEMAS[name]):
                raise SweepError(f"a table {name!r} does not have version {STORE_SCHEMA} of its schema")
        tables = self.unpublished(tables)
        if not tables["trials"].num_rows:
            return None
        return self.write(tables)

    def write(self, tables: Tables, replaces: Mapping[str, list[str]] | None = None) -> str:
        """Commit tables as they are, in place of the commits that it `replaces`; returns the commit's name."""
        trials = tables["trials"]
        name = f"{time.time_ns():020d}-{secrets.token_hex(4)}{MERGED if replaces else ''}"
        encoded = {table: encode(content) for table, content in tables.items() if content.num_rows}
        commit = Commit(
            name,
            _by_trial(trials),
            {table: mark for table, (_, mark) in encoded.items()},
            dict(replaces or {}),
        )
        try:
            for table, (content, _) in encoded.items():
                self.files.write(f"{table}/{name}.parquet", content)
            self.files.write(f"commits/{name}.json", commit.to_json())
        except SweepError:
            with contextlib.suppress(SweepError):
                for path in (f"commits/{name}.json", *(f"{table}/{name}.parquet" for table in SCHEMAS)):
                    self.files.delete(path)
            raise
        self.contents.add(commit)
        return name

    def read(self, table: str, commits: Sequence[str] | None = None) -> pa.Table:
        """All rows of a table, or those of the given commits; each trial's are read from only one commit.

        Raises SweepError for a file that cannot be read.
        """
        names = sorted(self.contents.commits) if commits is None else commits
        held = [name for name in names if table in self.contents.commits[name].files]
        parts = self.parallel(lambda name: self._read_part(table, name), held)
        return together([SCHEMAS[table].empty_table(), *parts])

    def hiding(self) -> dict[str, str]:
        """Damaged commits that hide results which no whole commit has, and their faults."""
        return {
            name: fault
            for name, fault in self.contents.damaged.items()
            if (found := self._trials_of(name)) is None or not found <= self.contents.source.keys()
        }

    def require_whole(self) -> None:
        """Raise SweepError if a damaged commit hides results that no whole commit has."""
        for fault in self.hiding().values():
            raise SweepError(
                f"the store {self.uri} is damaged: {fault}; put a copy of it back, or run its sweep again to train "
                "these trials anew"
            )

    def record_sweep(
        self,
        sweep_id: str,
        study: str,
        trials: Sequence[Trial],
        margins: Margins | None = None,
        whole: tuple[str, int] | None = None,
    ) -> None:
        """Keep a sweep's plan; `whole` is that of `Plan`.

        Raises SweepError where an earlier plan cannot be read, for a factor that has another type in another plan, and
        for margins that differ from those declared before, once a trial of the sweep may be done.
        """
        margins = margins or Margins()
        plans = self.plans()
        if sweep_id in plans.unreadable:
            # Otherwise its margins could be replaced although there are results.
            raise plans.unreadable[sweep_id]
        earlier = plans.readable.get(sweep_id)
        if earlier is not None and earlier.margins == margins:
            return
        if earlier is not None and self._may_have_results({trial.trial_id for trial in trials}):
            raise SweepError(
                f"this sweep's margins were declared on {earlier.declared_at} as {earlier.margins}, and it has "
                "results; run it with the same margins, or with others into another store"
            )
        planned = PlannedSweep.of(study, trials, margins, whole)
        unified([planned.trials.schema, *(plan.trials.schema for plan in plans.readable.values())])
        self.files.write(f"sweeps/{sweep_id}.parquet", planned.to_bytes(sweep_id))

    def sweeps(self) -> dict[str, PlannedSweep]:
        """Sweep identity to its plan. Raises SweepError for a plan that cannot be read."""
        plans = self.plans()
        for fault in plans.unreadable.values():
            raise fault
        return plans.readable

    def plans(self) -> Plans:
        """Every plan that can be read, and the faults of the others."""
        names = self.listed("sweeps")
        return Plans.of(names, self.parallel(lambda name: read_plan(self.files, name), names))

    def lock(
        self, name: str, wait: bool = False, note: Callable[[str], None] = lambda line: None
    ) -> contextlib.AbstractContextManager[Lock]:
        """Hold a named lock for this process: the system's on a local store, a lease on any other.

        `note` is told the reason for a long wait. Raises SweepError if another process holds it, unless told to wait.
        """
        if self.files.local is None:
            return hold(self.files, name, wait, note)
        return file_lock(self.uri, self.files.local / "locks" / name, wait)

    def _may_have_results(self, trial_ids: set[str]) -> bool:
        """Whether any of these trials is done, even in a damaged commit."""
        if trial_ids & self.contents.status.keys():
            return True
        return any((found := self._trials_of(name)) is None or trial_ids & found for name in self.contents.damaged)

    def _trials_of(self, name: str) -> Set[str] | None:
        """The trials of a damaged commit, from its rows or its marker; None where neither can be read.

        Where all that was planned is done, it hides nothing, whatever it holds.
        """
        rows = self._statuses(name)
        if rows is not None:
            return rows.keys()
        marker = self._read_markers([name])[name]
        if marker is not None:
            return marker.statuses.keys()
        plans = self.plans()
        planned = {trial_id for plan in plans.readable.values() for trial_id in plan.trial_ids}
        return planned if planned and not plans.unreadable and planned <= self.contents.source.keys() else None

    def _statuses(self, name: str) -> dict[str, str] | None:
        """Status by trial, from the rows of a commit's file; None where it cannot be read."""
        content = self.files.read(f"trials/{name}.parquet")
        try:
            return None if content is None else _by_trial(decode(content))
        except (pa.ArrowException, OSError, KeyError):
            return None

    def _fault(self, name: str, commit: Commit | None, sizes: Mapping[str, Mapping[str, int]]) -> str | None:
        """What is wrong with a commit, as far as markers and sizes tell."""
        if commit is None:
            return f"commits/{name}.json is not the marker that was written"
        for table, mark in commit.files.items():
            if table not in sizes:
                # A newer program's, which this one does not read.
                continue
            found = sizes[table].get(f"{name}.parquet")
            if found is None:
                return f"{table}/{name}.parquet is missing"
            if found != mark.size:
                return f"{table}/{name}.parquet has {found} bytes where {mark.size} were written"
        # A marker without a digest of itself is as good as the rows that it names.
        if not commit.sealed and (rows := self._statuses(name)) is not None and rows != commit.statuses:
            return f"commits/{name}.json does not name the trials of its files"
        return None

    def listed(self, folder: str) -> list[str]:
        """The names that this program gave to the files of a folder, sorted, without their endings."""
        return ours(folder, self.files.list(folder))

    def _read_markers(self, names: Sequence[str]) -> dict[str, Commit | None]:
        read = self.parallel(lambda name: Commit.from_json(name, self.files.read(f"commits/{name}.json")), names)
        return dict(zip(names, read, strict=True))

    def _read_part(self, table: str, name: str) -> pa.Table:
        commit = self.contents.commits[name]
        content = self.files.read(f"{table}/{name}.parquet") or b""
        if digest(content) != commit.files[table].sha256:
            raise unreadable(self, table, name, "it is damaged")
        try:
            part = in_form(decode(content), SCHEMAS[table])
        except (pa.ArrowException, OSError, SweepError) as error:
            # It is what was written, so it is not damaged.
            raise SweepError(
                f"{self.uri}/{table}/{name}.parquet was written by a newer program, which has to read it: "
                f"{str(error).splitlines()[0]}"
            ) from None
        if table == "trials" and _by_trial(part) != commit.statuses:
            raise unreadable(self, table, name, "its rows are not those that its marker names")
        foreign = self.contents.foreign(commit)
        return part.filter(~pc.field("trial_id").isin(foreign)) if foreign else part

    def is_readable(self, name: str) -> bool:
        """Whether a commit is whole and undamaged."""
        commit = self.contents.commits.get(name)
        try:
            for table in commit.files.keys() & set(SCHEMAS) if commit else ():
                self._read_part(table, name)
        except SweepError:
            return False
        return commit is not None

    def unpublished(self, tables: Tables) -> Tables:
        """The rows of trials that are not done yet; a failure does not replace an earlier row."""
        self.refresh()
        status = self.contents.status
        trials = tables["trials"]
        done = [
            trial_id
            for trial_id, new in zip(trials["trial_id"].to_pylist(), trials["status"].to_pylist(), strict=True)
            if trial_id in status and (status[trial_id] != "failed" or new == "failed")
        ]
        if not done:
            return tables
        return {name: table.filter(~pc.field("trial_id").isin(done)) for name, table in tables.items()}


def unreadable(ledger: Ledger, table: str, commit: str, reason: str) -> SweepError:
    """The error for a damaged file of a commit."""
    return SweepError(
        f"{ledger.uri}/{table}/{commit}.parquet cannot be read ({reason.splitlines()[0]}); delete "
        f"commits/{commit}.json and run its sweep again to train these trials anew"
    )


def _by_trial(trials: pa.Table) -> dict[str, str]:
    """Status by trial."""
    return dict(zip(trials["trial_id"].to_pylist(), trials["status"].to_pylist(), strict=True))
