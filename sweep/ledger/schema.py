"""The tables of a store and their versioned schemas, and how an engine's results become tables."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from sweep.errors import SweepError
from sweep.factors import Factor
from sweep.ledger.commit import STORE_SCHEMA
from sweep.result import Epoch, TrialResult
from sweep.trial import FACTORS, METHODS, NOT_TRAINING, Trial

_ARROW = {str: pa.string(), int: pa.int64(), float: pa.float64()}


def _arrow_type(factor: Factor) -> pa.DataType:
    return _ARROW[factor.kind]


_IDENTITY = [
    pa.field("trial_id", pa.string(), nullable=False),
    pa.field("pair_id", pa.string(), nullable=False),
    *(pa.field(name, _arrow_type(factor), nullable=False) for name, factor in FACTORS.items()),
]
_SIZE = [
    pa.field("parameters", pa.int64(), nullable=False),
    pa.field("forward_flops", pa.int64(), nullable=False),
    pa.field("determination_ratio", pa.float64(), nullable=False),
]
_MEASURED = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "gradient_norm")

SCHEMAS: dict[str, pa.Schema] = {
    "trials": pa.schema(
        [
            *_IDENTITY,
            pa.field("status", pa.string(), nullable=False),
            pa.field("error", pa.string()),
            pa.field("diverged_epoch", pa.int64()),
            pa.field("epochs_run", pa.int64(), nullable=False),
            *(pa.field(name, pa.float64()) for name in _MEASURED),
            *_SIZE,
            pa.field("seconds", pa.float64(), nullable=False),
            pa.field("fused_with", pa.int64(), nullable=False),
            pa.field("peak_memory_bytes", pa.int64(), nullable=False),
            pa.field("device", pa.string(), nullable=False),
            pa.field("finished_at", pa.timestamp("us", "UTC"), nullable=False),
        ]
    ),
    "curves": pa.schema(
        [
            pa.field("trial_id", pa.string(), nullable=False),
            pa.field("epoch", pa.int64(), nullable=False),
            *(pa.field(name, pa.float64(), nullable=False) for name in _MEASURED),
            pa.field("seconds", pa.float64(), nullable=False),
        ]
    ),
    "measurements": pa.schema(
        [
            pa.field("trial_id", pa.string(), nullable=False),
            pa.field("measurement", pa.string(), nullable=False),
            pa.field("subject", pa.string(), nullable=False),
            pa.field("size", pa.int64(), nullable=False),
            pa.field("draw", pa.int64(), nullable=False),
            pa.field("metric", pa.string(), nullable=False),
            pa.field("value", pa.float64()),
        ]
    ),
}
"""Table name to schema: one row a trial; a trial and epoch; a trial and thing measured on its network."""

PLAN_SCHEMA = pa.schema([*_IDENTITY, *_SIZE])
"""What is known of a trial before it is run."""

TRAINING_FACTORS = tuple(name for name in FACTORS if name not in NOT_TRAINING)
"""Columns that say how a network was trained, rather than for what, or what was measured on it."""

METHOD_FACTORS = ("method", *dict.fromkeys(field for takes in METHODS.values() for field in takes))
"""Those of them that say by which method."""

Tables = dict[str, pa.Table]


def to_tables(results: Sequence[TrialResult]) -> Tables:
    """The results of one pack as tables by name."""
    now = dt.datetime.now(dt.UTC)
    rows = {
        "trials": [_trial_row(result, now) for result in results],
        "curves": [_curve_row(result, epoch) for result in results for epoch in result.epochs],
        "measurements": [
            {"trial_id": result.trial.trial_id, **vars(measurement)}
            for result in results
            for measurement in result.measurements
        ],
    }
    return {name: pa.Table.from_pylist(rows[name], schema=schema) for name, schema in SCHEMAS.items()}


def check_table(name: str, table: pa.Table) -> None:
    """Raise SweepError unless the table has exactly the schema of its name."""
    if not table.schema.equals(SCHEMAS[name]):
        raise SweepError(f"a table {name!r} does not have version {STORE_SCHEMA} of its schema")


def plan_row(trial: Trial) -> dict[str, Any]:
    """A trial as a row of `PLAN_SCHEMA`."""
    return {
        "trial_id": trial.trial_id,
        "pair_id": trial.pair_id,
        **trial.as_dict(),
        "parameters": trial.shape.parameters,
        "forward_flops": trial.shape.forward_flops,
        "determination_ratio": trial.determination_ratio,
    }


def _trial_row(result: TrialResult, finished_at: dt.datetime) -> dict[str, Any]:
    last = result.last
    return {
        **plan_row(result.trial),
        "status": result.status,
        "error": result.error,
        "diverged_epoch": result.diverged_epoch,
        "epochs_run": len(result.epochs),
        **{name: getattr(last, name) if last else None for name in _MEASURED},
        "seconds": result.seconds,
        "fused_with": result.fused_with,
        "peak_memory_bytes": result.peak_memory_bytes,
        "device": result.device,
        "finished_at": finished_at,
    }


def _curve_row(result: TrialResult, epoch: Epoch) -> dict[str, Any]:
    measured = {name: getattr(epoch, name) for name in _MEASURED}
    return {"trial_id": result.trial.trial_id, "epoch": epoch.epoch, **measured, "seconds": epoch.seconds}
