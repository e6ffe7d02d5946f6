"""The ledger: a store's record of which trials are done, and the only authority on that.

Layout of a store, version 1::

    store.json              schema version
    sweeps/SWEEP.json       what was planned: study and trial identities
    trials/COMMIT.parquet   one row a trial, one file a pack
    curves/COMMIT.parquet   one row a trial and epoch
    commits/COMMIT.json     written last: what the commit holds, and size and SHA-256 of its files

Files without a marker do not exist for any reader. A trial in several commits is read from one of them: a result
before a failure, then the earliest.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sweep.errors import SweepError
from sweep.ledger.files import StoreFiles
from sweep.ledger.schema import SCHEMAS, STORE_SCHEMA, Tables, check_table

_LOCAL_READERS, _REMOTE_READERS = 4, 16
_LITTER_AGE = 24 * 3600


@dataclass(frozen=True)
class Commit:
    """One published pack: status by trial identity, and the size in bytes and SHA-256 of its file in each table."""

    name: str
    statuses: dict[str, str]
    sizes: dict[str, int]
    digests: dict[str, str]


@dataclass
class Contents:
    """What a store holds: which commit each trial is read from, and its status there."""

    commits: dict[str, Commit] = field(default_factory=dict)
    source: dict[str, str] = field(default_factory=dict)
    status: dict[str, str] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)
    """Commit to what is wrong with it; its trials count as missing."""

    def add(self, commit: Commit) -> None:
        """Count a whole commit in."""
        self.commits[commit.name] = commit
        for trial_id, status in commit.statuses.items():
            rank = (status == "failed", commit.name)
            if trial_id not in self.source or rank < (self.status[trial_id] == "failed", self.source[trial_id]):
                self.source[trial_id], self.status[trial_id] = commit.name, status


class Ledger:
    """One store's record. Raises SweepError for a store that cannot be used, in one sentence."""

    def __init__(self, uri: str | os.PathLike[str]) -> None:
        self.files = StoreFiles(uri)
        self.contents = Contents()

    @property
    def uri(self) -> str:
        return self.files.uri

    @property
    def _readers(self) -> int:
        # An object store's answers are waited for, a local file's are decoded under one lock.
        return _REMOTE_READERS if self.files.local is None else _LOCAL_READERS

    @classmethod
    def create(cls, uri: str | os.PathLike[str]) -> "Ledger":
        """Open a store, making it where there is none."""
        ledger = cls(uri)
        if not ledger._check_version():
            ledger.files.write("store.json", _json({"schema": STORE_SCHEMA}))
        ledger._remove_litter()
        ledger.refresh()
        return ledger

    @classmethod
    def open(cls, uri: str | os.PathLike[str]) -> "Ledger":
        """Open a store that exists."""
        ledger = cls(uri)
        if not ledger._check_version():
            raise SweepError(f"there is no store at {ledger.uri}; `sweep run STUDY --store {ledger.uri}` makes one")
        ledger.refresh()
        return ledger

    def refresh(self) -> Contents:
        """Read the commits that are new since the last look."""
        known = self.contents.commits.keys() | self.contents.damaged.keys()
        names = sorted(name.removesuffix(".json") for name in self.files.list("commits"))
        new = [name for name in names if name not in known]
        if new:
            sizes = {table: self.files.list(table) for table in SCHEMAS}
            with ThreadPoolExecutor(self._readers) as pool:
                for name, marker in zip(new, pool.map(self._read_marker, new), strict=True):
                    fault = _fault(name, marker, sizes)
                    if marker is None or fault:
                        self.contents.damaged[name] = fault or f"commits/{name}.json is not a marker"
                    else:
                        self.contents.add(marker)
        return self.contents

    def publish(self, tables: Tables) -> str | None:
        """Commit the results of one pack; the commit's name.

        Trials that another process has published meanwhile are left out, and nothing is written, giving None, where
        none remains. The marker is written last, so a reader sees all of the commit or nothing.
        """
        for name, table in tables.items():
            check_table(name, table)
        tables = self._unpublished(tables)
        trials = tables["trials"]
        if not trials.num_rows:
            return None
        name = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
        encoded = {table: _encode(content) for table, content in tables.items()}
        commit = Commit(
            name,
            dict(zip(trials["trial_id"].to_pylist(), trials["status"].to_pylist(), strict=True)),
            {table: len(content) for table, content in encoded.items()},
            {table: _digest(content) for table, content in encoded.items()},
        )
        marker = {"schema": STORE_SCHEMA, "trials": commit.statuses, "bytes": commit.sizes, "sha256": commit.digests}
        try:
            for table, content in encoded.items():
                self.files.write(f"{table}/{name}.parquet", content)
            self.files.write(f"commits/{name}.json", _json(marker))
        except SweepError:
            self._withdraw(name)
            raise
        self.contents.add(commit)
        return name

    def read(self, table: str, commits: Sequence[str] | None = None) -> pa.Table:
        """All rows of a table, or those of the given commits, each trial from the one commit that it is read from.

        Raises SweepError for a file that cannot be read.
        """
        names = sorted(self.contents.commits) if commits is None else commits
        with ThreadPoolExecutor(self._readers) as pool:
            parts = list(pool.map(lambda name: self._read_part(table, name), names))
        return pa.concat_tables([SCHEMAS[table].empty_table(), *parts])

    def require_whole(self) -> None:
        """Raise SweepError if a damaged commit hides results that no whole commit has."""
        for name, fault in self.contents.damaged.items():
            marker = self._read_marker(name)
            if marker is None or marker.statuses.keys() - self.contents.source.keys():
                raise SweepError(
                    f"the store {self.uri} is damaged: {fault}; run its sweep again to train these trials anew, "
                    f"then delete commits/{name}.json"
                )

    def record_sweep(self, sweep_id: str, study: str, trial_ids: Sequence[str]) -> None:
        """Keep what a sweep has planned."""
        name = f"sweeps/{sweep_id}.json"
        content = _json({"study": study, "trials": list(trial_ids)})
        if self.files.read(name) != content:
            self.files.write(name, content)

    def sweeps(self) -> dict[str, dict[str, Any]]:
        """Sweep identity to its study and planned trial identities."""
        found: dict[str, dict[str, Any]] = {}
        for name in sorted(self.files.list("sweeps")):
            content = self.files.read(f"sweeps/{name}")
            with contextlib.suppress(ValueError, KeyError, TypeError):
                sweep = json.loads(content or b"")
                found[name.removesuffix(".json")] = {"study": str(sweep["study"]), "trials": list(sweep["trials"])}
        return found

    @contextlib.contextmanager
    def lock(self, name: str, wait: bool = False) -> Iterator[None]:
        """Hold a named lock for this process; the system lets go of it however the process ends.

        A local store only: an object store has no lock, and `publish` alone keeps its rows single.
        Raises SweepError if another process holds it, unless told to wait.
        """
        if self.files.local is None:
            yield
            return
        path = self.files.local / "locks" / name
        try:
            path.parent.mkdir(exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise SweepError(f"the store {self.uri} cannot be written: {error.strerror}") from None
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                raise SweepError(
                    f"this sweep is already running on the store {self.uri}; wait for it, or end it and run again"
                ) from None
            except OSError as error:
                raise SweepError(
                    f"the store {self.uri} cannot be locked: {error.strerror}; choose another with --store"
                ) from None
            yield
        finally:
            os.close(descriptor)

    def _check_version(self) -> bool:
        content = self.files.read("store.json")
        if content is None:
            return False
        try:
            version = json.loads(content)["schema"]
        except (ValueError, KeyError, TypeError):
            version = None
        if not isinstance(version, int):
            raise SweepError(
                f"{self.uri} has a store.json that is not a store's; choose another store, or if this is one, delete "
                "that file and run its sweep again"
            )
        if version > STORE_SCHEMA:
            raise SweepError(
                f"the store {self.uri} has schema {version}, newer than this program's {STORE_SCHEMA}; upgrade it"
            )
        return True

    def _read_marker(self, name: str) -> Commit | None:
        content = self.files.read(f"commits/{name}.json")
        try:
            marker = json.loads(content or b"")
            return Commit(name, dict(marker["trials"]), dict(marker["bytes"]), dict(marker["sha256"]))
        except (ValueError, KeyError, TypeError):
            return None

    def _read_part(self, table: str, commit: str) -> pa.Table:
        content = self.files.read(f"{table}/{commit}.parquet") or b""
        marker, source = self.contents.commits[commit], self.contents.source
        try:
            if _digest(content) != marker.digests.get(table):
                raise SweepError("it is not what was written")
            part = pq.ParquetFile(pa.BufferReader(content)).read()
            check_table(table, part)
        except (pa.ArrowException, OSError, SweepError) as error:
            raise SweepError(
                f"{self.uri}/{table}/{commit}.parquet cannot be read ({str(error).splitlines()[0]}); delete "
                f"commits/{commit}.json and run its sweep again to train these trials anew"
            ) from None
        foreign = {i for i in marker.statuses if source[i] != commit}
        return part.filter(~pc.field("trial_id").isin(sorted(foreign))) if foreign else part

    def _unpublished(self, tables: Tables) -> Tables:
        """Rows of trials that are not done yet; a failure adds nothing to any earlier row."""
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

    def _withdraw(self, name: str) -> None:
        """Remove what there is of a commit that could not be written whole, the marker first."""
        with contextlib.suppress(SweepError):
            for path in (f"commits/{name}.json", *(f"{table}/{name}.parquet" for table in SCHEMAS)):
                self.files.delete(path)

    def _remove_litter(self) -> None:
        """Delete what killed writers left: temporary files, and tables that never got a marker."""
        if self.files.local is None:
            return
        commits = {name.removesuffix(".json") for name in self.files.list("commits")}
        for folder in (*SCHEMAS, "commits", "sweeps"):
            for path in (self.files.local / folder).glob("*"):
                orphan = folder in SCHEMAS and path.stem not in commits
                with contextlib.suppress(OSError):
                    if (orphan or path.name.startswith(".tmp-")) and time.time() - path.stat().st_mtime > _LITTER_AGE:
                        path.unlink()


def _fault(name: str, marker: Commit | None, sizes: dict[str, dict[str, int]]) -> str | None:
    for table, expected in (marker.sizes if marker else {}).items():
        found = sizes.get(table, {}).get(f"{name}.parquet")
        if found is None:
            return f"{table}/{name}.parquet is missing"
        if found != expected:
            return f"{table}/{name}.parquet has {found} bytes where {expected} were written"
    return None


def _encode(table: pa.Table) -> bytes:
    """The table as Parquet, read back before it is believed."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    content = sink.getvalue()
    back = pq.read_table(pa.BufferReader(content))
    if back.num_rows != table.num_rows or not back.schema.equals(table.schema):
        raise SweepError("a table changed on its way into Parquet; this is a fault of the pyarrow installed")
    return content.to_pybytes()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
