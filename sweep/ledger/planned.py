"""The plan of a sweep in one file: its trials, all their factors, and the margins declared with them."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sweep.errors import SweepError
from sweep.identity import ALWAYS, set_digest
from sweep.ledger.files import StoreFiles
from sweep.ledger.forms import in_form
from sweep.ledger.schema import plan_row, plan_schema
from sweep.margins import Margins, declaration_time
from sweep.trial import Trial

_KEY, _SEAL = b"sweep", "sha256"
_KNOWN_AT_FIRST = ("trial_id", "pair_id", *ALWAYS)


@dataclass(frozen=True)
class PlannedSweep:
    """One sweep of a store; `trials` has the columns of `plan_schema`, then any that this program does not know."""

    study: str
    margins: Margins
    declared_at: str
    """When the margins were first written, ISO 8601 in UTC."""
    trials: pa.Table
    whole: tuple[str, int] | None = None
    """Of a shard: the identity of the sweep that it is a part of, and how many trials that has."""

    @property
    def trial_ids(self) -> list[str]:
        """Identities of the planned trials, in order."""
        return self.trials["trial_id"].to_pylist()

    @classmethod
    def of(
        cls, study: str, trials: Sequence[Trial], margins: Margins, whole: tuple[str, int] | None = None
    ) -> "PlannedSweep":
        """A sweep that is declared now."""
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        table = pa.Table.from_pylist([plan_row(trial) for trial in trials], schema=plan_schema())
        return cls(study, margins, now, table, whole)

    def to_bytes(self, sweep_id: str) -> bytes:
        """The file of the sweep of this identity: its trials as Parquet, the rest in the metadata."""
        facts = {
            "study": self.study,
            "margins": self.margins.as_dict(),
            "declared_at": self.declared_at,
            "whole": self.whole,
        }
        facts[_SEAL] = seal(sweep_id, facts, self.trials)
        sink = pa.BufferOutputStream()
        table = self.trials.replace_schema_metadata({_KEY: json.dumps(facts)})
        pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
        return sink.getvalue().to_pybytes()

    @classmethod
    def from_bytes(cls, sweep_id: str, content: bytes) -> "PlannedSweep":
        """The sweep of a file's content. Raises SweepError if that is not a plan, or not the one that was written."""
        try:
            table = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True).read()
            facts = json.loads((table.schema.metadata or {})[_KEY])
            sealed = facts.pop(_SEAL, None)
            # Plans of earlier versions have no seal.
            trial_ids = table["trial_id"].to_pylist()
            if not (set_digest(trial_ids) == sweep_id if sealed is None else sealed == seal(sweep_id, facts, table)):
                raise ValueError
            declared, study, declared_at = dict(facts["margins"]), str(facts["study"]), str(facts["declared_at"])
            declaration_time(declared_at)
            whole = facts.get("whole")
            whole = None if whole is None else (str(whole[0]), int(whole[1]))
            if not set(_KNOWN_AT_FIRST) <= set(table.schema.names):
                raise ValueError
        except (pa.ArrowException, OSError, ValueError, KeyError, IndexError, TypeError, RecursionError):
            raise SweepError(
                "it is damaged; put a copy of it back, or move it away and run its sweep again, whose margins then "
                "count as declared that day"
            ) from None
        try:
            margins = Margins.kept(declared)
            trials = in_form(table.replace_schema_metadata(None), plan_schema())
        except SweepError as error:
            raise SweepError(f"{error}; read it with the version of this program that wrote it") from None
        return cls(study, margins, declared_at, trials, whole)


def seal(sweep_id: str, facts: Mapping[str, Any], trials: pa.Table) -> str:
    """The digest of a plan's facts and of the names, types and values of its columns, whatever file they are in."""
    columns = [(field.name, str(field.type)) for field in trials.schema]
    found = hashlib.sha256(json.dumps([sweep_id, facts, columns]).encode())
    for column in trials.columns:
        # Most columns have few levels, which come in the order of the rows.
        coded = column.combine_chunks().dictionary_encode("encode")
        found.update(json.dumps(coded.dictionary.to_pylist()).encode())
        found.update(_bytes(coded.indices))
    return found.hexdigest()


def _bytes(indices: pa.Array) -> memoryview:
    """The numbers of an array of int32 without nulls; through NumPy, Arrow would import pandas first."""
    size = indices.type.bit_width // 8
    return memoryview(indices.buffers()[1])[indices.offset * size : (indices.offset + len(indices)) * size]


class UnreadablePlan(SweepError):
    """The fault of a plan; `study` is the plan's study, None if that cannot be read either."""

    def __init__(self, message: str, study: str | None) -> None:
        super().__init__(message)
        self.study = study


@dataclass(frozen=True)
class Plans:
    """The plans of a store by sweep identity."""

    readable: dict[str, PlannedSweep]
    unreadable: dict[str, UnreadablePlan]

    @classmethod
    def of(cls, names: Sequence[str], read: Sequence[PlannedSweep | UnreadablePlan | None]) -> "Plans":
        """What was read of each sweep, None if its plan is gone."""
        found = dict(zip(names, read, strict=True))
        return cls(
            {name: plan for name, plan in found.items() if isinstance(plan, PlannedSweep)},
            {name: fault for name, fault in found.items() if isinstance(fault, UnreadablePlan)},
        )


def read_plan(files: StoreFiles, sweep_id: str) -> PlannedSweep | UnreadablePlan | None:
    """A sweep's plan, or what is wrong with it; None if the store has none."""
    name = f"sweeps/{sweep_id}.parquet"
    content = None
    try:
        content = files.read(name)
        return None if content is None else PlannedSweep.from_bytes(sweep_id, content)
    except SweepError as error:
        return UnreadablePlan(f"{files.address_of(name)} cannot be read: {error}", _study(content or b""))


def _study(content: bytes) -> str | None:
    """The study of a plan whose other content cannot be read, or None."""
    try:
        return str(json.loads((pq.read_schema(pa.BufferReader(content)).metadata or {})[_KEY])["study"])
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
