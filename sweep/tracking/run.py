"""The MLflow run of a trial: what it holds when training begins, and when it ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from mlflow.entities import Metric
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from sweep.identity import entering
from sweep.parts import FACTORS, always_entering, kind_of, own_columns
from sweep.tracking.outcome import Outcome, Row

_TAGS = ("study", "dataset", "network", "architecture", "depth", "filters", "method", "measure", "seed")
_CURVES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "gradient_norm")
_SCALARS = (
    "parameters",
    "forward_flops",
    "determination_ratio",
    "seconds",
    "fused_with",
    "peak_memory_bytes",
    "epochs_run",
    "diverged_epoch",
)
_LETTERS = 5000
"""The longest value of a param or tag; MLflow refuses those above 6000."""


@dataclass(frozen=True)
class Beginning:
    """A run that is RUNNING."""

    name: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Ending:
    """What a run gets when its trial is over; `ended` in milliseconds since 1970."""

    status: str
    ended: int
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Sequence[Metric]


class RunsGone(Exception):
    """Another process has deleted runs that were to be written."""


class RunWriter(Protocol):
    """A way to write runs. Methods raise what MLflow, its transport or the database raises."""

    at_once: int
    """How many runs to end at once, so that a caller soon hears of it."""

    def create(self, experiment: str, runs: Sequence[Beginning]) -> list[str]:
        """Make runs, and return their identities."""
        ...

    def end(self, runs: Sequence[tuple[str, Ending]]) -> None:
        """Write and terminate runs; each is terminated last. Raises RunsGone if one is deleted."""
        ...


def beginning(row: Row, sweep_id: str | None, parent: str | None) -> Beginning:
    """The run of a trial, from its factors and its identity; `parent` is the run of its sweep."""
    tags = {name: str(row[name])[:_LETTERS] for name in ("trial_id", *_TAGS, *own_columns(row))}
    if sweep_id is not None and parent is not None:
        tags |= {"sweep_id": sweep_id, MLFLOW_PARENT_RUN_ID: parent}
    return Beginning(_name(row), tags)


def ending(outcome: Outcome) -> Ending:
    """The end of a trial's run. Means of measurements become metrics with the size as their step."""
    row = outcome.row
    now = int(row["finished_at"].timestamp() * 1000)
    entered = entering({name: row[name] for name in FACTORS}, FACTORS, always_entering(row))
    tags = {"outcome": row["status"]}
    if row["error"]:
        tags["error"] = row["error"][:_LETTERS]
    metrics = [Metric(name, float(row[name]), now, 0) for name in _SCALARS if row[name] is not None]
    metrics += [Metric(name, point[name], now, point["epoch"]) for point in outcome.curve for name in _CURVES]
    metrics += [
        Metric(f"{mean['measurement']}/{mean['metric']}", mean["value_mean"], now, mean["size"])
        for mean in outcome.measured
    ]
    return Ending(
        "FAILED" if row["status"] == "failed" else "FINISHED",
        now,
        {name: str(value)[:_LETTERS] for name, value in entered.items()},
        tags,
        metrics,
    )


def _name(row: Row) -> str:
    kind, sizes = kind_of(row), (row["architecture"], row["depth"], row["filters"])
    network = kind.brief(row["network"], *sizes) if kind else f"{row['network']} {row['architecture']} d{row['depth']}"
    method = "" if row["method"] == FACTORS["method"].default else f" {row['method']}"
    return f"{row['dataset']} {network}{method} s{row['seed']}"
