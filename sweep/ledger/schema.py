"""The tables of a store and their schemas, and how an engine's results become tables."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from sweep.parts import FACTORS, METHODS
from sweep.result import TrialResult
from sweep.trial import Trial, not_training

_TEXT, _INTEGER, _NUMBER = pa.string(), pa.int64(), pa.float64()
_OF_FACTORS = {str: _TEXT, int: _INTEGER, float: _NUMBER}
_MEASURED = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "gradient_norm")


def _required(kind: pa.DataType, *names: str) -> list[pa.Field]:
    return [pa.field(name, kind, nullable=False) for name in names]


def _optional(kind: pa.DataType, *names: str) -> list[pa.Field]:
    return [pa.field(name, kind) for name in names]


_SIZE = [*_required(_INTEGER, "parameters", "forward_flops"), *_required(_NUMBER, "determination_ratio")]
_NETWORK = _optional(_INTEGER, "classes", "blocks", "layers_per_block")
"""Null where the network is of a kind that this program does not know."""
_OF_TRIALS = [
    *_required(_TEXT, "status"),
    *_optional(_TEXT, "error"),
    *_optional(_INTEGER, "diverged_epoch"),
    *_required(_INTEGER, "epochs_run"),
    *_optional(_NUMBER, *_MEASURED),
    *_SIZE,
    *_NETWORK,
    *_required(_NUMBER, "seconds"),
    *_required(_INTEGER, "fused_with", "peak_memory_bytes"),
    *_required(_TEXT, "device"),
    *_optional(_TEXT, "kernel"),
    *_required(pa.timestamp("us", "UTC"), "finished_at"),
]
_CURVES = [
    *_required(_TEXT, "trial_id"),
    *_required(_INTEGER, "epoch"),
    *_required(_NUMBER, *_MEASURED, "seconds"),
]
_MEASUREMENTS = [
    *_required(_TEXT, "trial_id", "measurement", "subject"),
    *_required(_INTEGER, "size", "draw"),
    *_required(_TEXT, "metric"),
    *_optional(_NUMBER, "value"),
    *_optional(_INTEGER, "epoch"),
]
_OTHERS = {"curves": pa.schema(_CURVES), "measurements": pa.schema(_MEASUREMENTS)}


class _Schemas(Mapping[str, pa.Schema]):
    """Schemas with a column for each factor that exists now, as parts can be registered at any time."""

    def __getitem__(self, table: str) -> pa.Schema:
        return pa.schema([*_identity_fields(), *_OF_TRIALS]) if table == "trials" else _OTHERS[table]

    def __iter__(self) -> Iterator[str]:
        return iter(("trials", *_OTHERS))

    def __len__(self) -> int:
        return 1 + len(_OTHERS)


SCHEMAS = _Schemas()
"""Table name to schema; one row per trial, per trial and epoch, and per trial and thing measured on its network."""


def plan_schema() -> pa.Schema:
    """The columns that are known of a trial before it runs."""
    return pa.schema([*_identity_fields(), *_SIZE, *_NETWORK])


def training_factors() -> tuple[str, ...]:
    """Columns that say how a network was trained, not for which study or what was measured on it."""
    return tuple(name for name in FACTORS if name not in not_training())


def method_factors() -> tuple[str, ...]:
    """Those of `training_factors` that say by which method."""
    return ("method", *METHODS.own_factors())


def _identity_fields() -> list[pa.Field]:
    factors = [field for name, each in FACTORS.items() for field in _required(_OF_FACTORS[each.kind], name)]
    return [*_required(_TEXT, "trial_id", "pair_id"), *factors]


Tables = dict[str, pa.Table]


def to_tables(results: Sequence[TrialResult]) -> Tables:
    """The results of one pack as tables by name."""
    now = dt.datetime.now(dt.UTC)
    rows = {
        "trials": [_trial_row(result, now) for result in results],
        "curves": [{"trial_id": of.trial.trial_id, **vars(epoch)} for of in results for epoch in of.epochs],
        "measurements": [{"trial_id": of.trial.trial_id, **vars(row)} for of in results for row in of.measurements],
    }
    return {name: pa.Table.from_pylist(rows[name], schema=schema) for name, schema in SCHEMAS.items()}


def plan_row(trial: Trial) -> dict[str, Any]:
    """A trial as a row of `plan_schema`."""
    return {
        "trial_id": trial.trial_id,
        "pair_id": trial.pair_id,
        **trial.as_dict(),
        "parameters": trial.shape.parameters,
        "forward_flops": trial.shape.forward_flops,
        "determination_ratio": trial.determination_ratio,
        **network_columns(trial),
    }


def network_columns(trial: Trial) -> dict[str, int]:
    """Columns of a trial's network: classes, blocks, weighted layers in a block."""
    shape = trial.shape
    return {"classes": shape.classes, "blocks": len(shape.blocks), "layers_per_block": shape.layers_per_block}


def _trial_row(result: TrialResult, finished_at: dt.datetime) -> dict[str, Any]:
    last = {name: getattr(result.last, name, None) for name in _MEASURED}
    counted = {"epochs_run": len(result.epochs), "finished_at": finished_at}
    return {**vars(result), **plan_row(result.trial), **last, **counted}
