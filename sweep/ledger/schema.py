"""The tables of a store and their schemas, and how an engine's results become tables."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from sweep.errors import SweepError
from sweep.ledger.commit import STORE_SCHEMA
from sweep.parts import FACTORS, METHODS
from sweep.result import Epoch, TrialResult
from sweep.trial import Trial, not_training

_ARROW = {str: pa.string(), int: pa.int64(), float: pa.float64()}
_IDENTITY = [pa.field("trial_id", pa.string(), nullable=False), pa.field("pair_id", pa.string(), nullable=False)]
_SIZE = [
    pa.field("parameters", pa.int64(), nullable=False),
    pa.field("forward_flops", pa.int64(), nullable=False),
    pa.field("determination_ratio", pa.float64(), nullable=False),
]
_NETWORK = [pa.field("classes", pa.int64()), pa.field("blocks", pa.int64()), pa.field("layers_per_block", pa.int64())]
"""Null where the network is of a kind that this program does not know."""
_MEASURED = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "gradient_norm")
_OF_TRIALS = [
    pa.field("status", pa.string(), nullable=False),
    pa.field("error", pa.string()),
    pa.field("diverged_epoch", pa.int64()),
    pa.field("epochs_run", pa.int64(), nullable=False),
    *(pa.field(name, pa.float64()) for name in _MEASURED),
    *_SIZE,
    *_NETWORK,
    pa.field("seconds", pa.float64(), nullable=False),
    pa.field("fused_with", pa.int64(), nullable=False),
    pa.field("peak_memory_bytes", pa.int64(), nullable=False),
    pa.field("device", pa.string(), nullable=False),
    pa.field("finished_at", pa.timestamp("us", "UTC"), nullable=False),
]
_OTHERS = {
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


class _Schemas(Mapping[str, pa.Schema]):
    """Schemas with a column for each factor that exists at the moment: a part may be registered at any time."""

    def __getitem__(self, table: str) -> pa.Schema:
        return pa.schema([*_identity_fields(), *_OF_TRIALS]) if table == "trials" else _OTHERS[table]

    def __iter__(self) -> Iterator[str]:
        return iter(("trials", *_OTHERS))

    def __len__(self) -> int:
        return 1 + len(_OTHERS)


SCHEMAS = _Schemas()
"""Table name to schema: one row per trial; per trial and epoch; per trial and thing measured on its network."""


def plan_schema() -> pa.Schema:
    """What is known of a trial before it is run."""
    return pa.schema([*_identity_fields(), *_SIZE, *_NETWORK])


def training_factors() -> tuple[str, ...]:
    """Columns that say how a network was trained, rather than for what, or what was measured on it."""
    return tuple(name for name in FACTORS if name not in not_training())


def method_factors() -> tuple[str, ...]:
    """Those of them that say by which method."""
    return ("method", *METHODS.own_factors())


def _identity_fields() -> list[pa.Field]:
    return [*_IDENTITY, *(pa.field(name, _ARROW[each.kind], nullable=False) for name, each in FACTORS.items())]


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
    """What is known of a trial's network as columns: classes, blocks, weighted layers in a block."""
    shape = trial.shape
    return {"classes": shape.classes, "blocks": len(shape.blocks), "layers_per_block": shape.layers_per_block}


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
