"""The MLflow run of a trial: what it holds when training begins, and when it ends."""

import getpass
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from mlflow.entities import Metric
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE, MLFLOW_SOURCE_NAME, MLFLOW_SOURCE_TYPE, MLFLOW_USER

from sweep.identity import entering
from sweep.parts import FACTORS, always_entering, kind_of, own_columns
from sweep.tracking.outcome import Outcome, Row

_TAGS = ("study", "pair_id", "dataset", "network", "architecture", "depth", "filters", "method", "measure", "seed")
_CURVES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "gradient_norm")
_FACTS = (
    "parameters",
    "forward_flops",
    "determination_ratio",
    "seconds",
    "fused_with",
    "peak_memory_bytes",
    "epochs_run",
    "diverged_epoch",
)
"""Numbers that do not change in training. As metrics they would come before the curves, and be drawn as such."""
_LETTERS = 5000
"""The longest value of a param or tag; MLflow refuses those above 6000."""


@dataclass(frozen=True)
class Beginning:
    """A run that is RUNNING, since `began`, in milliseconds since 1970, or since now."""

    name: str
    tags: Mapping[str, str]
    began: int | None = None


@dataclass(frozen=True)
class Ending:
    """What a run gets when its trial is over; `ended`, and `began` where it is known, in milliseconds since 1970."""

    status: str
    ended: int
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Sequence[Metric]
    began: int | None = None


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


def beginning(row: Row, sweep_id: str | None) -> Beginning:
    """The run of a trial, from its factors and its identities, and from its end where that is known."""
    tags = {name: str(row[name])[:_LETTERS] for name in ("trial_id", *_TAGS, *own_columns(row))}
    tags |= {"kind": "trial", **_source(), MLFLOW_RUN_NOTE: _note(row)}
    if sweep_id is not None:
        tags["sweep_id"] = sweep_id
    return Beginning(_name(row), tags, _times(row)[0] if "finished_at" in row else None)


def parent_tags(study: str, sweep_id: str) -> dict[str, str]:
    """The tags of a sweep's own run."""
    note = (
        f"The sweep {sweep_id[:8]} of the study {study}: how many of its trials ended in which way, and, once it is "
        f"written, the report among the artifacts. Its trials are the runs with `tags.sweep_id = '{sweep_id}'`."
    )
    return {"sweep_id": sweep_id, "study": study, "kind": "sweep", **_source(), MLFLOW_RUN_NOTE: note}


def _source() -> dict[str, str]:
    return {MLFLOW_USER: _user(), MLFLOW_SOURCE_NAME: "sweep", MLFLOW_SOURCE_TYPE: "LOCAL"}


@cache
def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may have no name for the user
        return "unknown"


def _note(row: Row) -> str:
    """The description of a trial, in words."""
    said = f"{row['epochs']} epoch{'s' * (row['epochs'] != 1)} on {row['train_samples']:,} images of {row['dataset']}"
    return (
        f"{_network(row)}, {row['filters']} filters, trained for {said}, learning rate {row['learning_rate']:g}, "
        f"seed {row['seed']}. Its twin in the other arrangement: `tags.pair_id = '{row['pair_id']}'`."
    )


def _network(row: Row) -> str:
    kind = kind_of(row)
    return f"{kind.describe(row['depth']) if kind else row['network']}, {row['architecture']}"


def _times(row: Row) -> tuple[int, int]:
    """When a trial began and ended, as if its own share of its pack's time were all at the end."""
    ended = row["finished_at"].timestamp()
    return int((ended - (row["seconds"] or 0)) * 1000), int(ended * 1000)


def ending(outcome: Outcome) -> Ending:
    """The end of a trial's run. Means of measurements become metrics with the size as their step."""
    row = outcome.row
    began, now = _times(row)
    entered = entering({name: row[name] for name in FACTORS}, FACTORS, always_entering(row))
    tags = {"outcome": row["status"]}
    if row["error"]:
        tags["error"] = row["error"][:_LETTERS]
    facts = {name: f"{row[name]:.10g}" for name in _FACTS if row[name] is not None}
    metrics = [Metric(name, point[name], now, point["epoch"]) for point in outcome.curve for name in _CURVES]
    metrics += [
        Metric(f"{mean['measurement']}/{mean['metric']}", mean["value_mean"], now, mean["size"])
        for mean in outcome.measured
    ]
    return Ending(
        "FAILED" if row["status"] == "failed" else "FINISHED",
        now,
        {name: str(value)[:_LETTERS] for name, value in entered.items()} | facts,
        tags,
        metrics,
        began,
    )


def _name(row: Row) -> str:
    kind, sizes = kind_of(row), (row["architecture"], row["depth"], row["filters"])
    network = kind.brief(row["network"], *sizes) if kind else f"{row['network']} {row['architecture']} d{row['depth']}"
    method = "" if row["method"] == FACTORS["method"].default else f" {row['method']}"
    return f"{network}{method} lr{row['learning_rate']:g} s{row['seed']} {row['dataset']}"
