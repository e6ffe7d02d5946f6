"""Writes MLflow runs from rows of the ledger, each exactly once, keyed by trial identity.

There is one experiment per study, one parent run per sweep, and one run per trial. Writing can be cut off anywhere and
done again: a run counts as written once it is terminated, which happens last.
"""

import contextlib
import logging
import os
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Set before MLflow reads them, so that a server that is down is noticed soon.
for _name, _value in {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
}.items():
    os.environ.setdefault(_name, _value)

from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import Metric, Param, RunTag  # noqa: E402
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID  # noqa: E402
from sqlalchemy import Engine, NullPool, create_engine, event  # noqa: E402

from sweep.errors import SweepError  # noqa: E402
from sweep.identity import entering  # noqa: E402
from sweep.parts import FACTORS, always_entering, kind_of, own_columns  # noqa: E402
from sweep.tracking.location import is_database, sqlite_path  # noqa: E402
from sweep.trial import Trial  # noqa: E402

for _logger in ("mlflow", "alembic"):
    logging.getLogger(_logger).setLevel(logging.ERROR)


@event.listens_for(Engine, "connect")
def _write_without_flushing(connection: Any, record: object) -> None:
    """Do not flush an SQLite file to the disk at each of seven commits per run: it can be made anew.

    A killed process loses nothing; a machine that loses power may.
    """
    if isinstance(connection, sqlite3.Connection):
        connection.execute("pragma synchronous = off")


Row = Mapping[str, Any]

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
_SQLITE = b"SQLite format 3\0"
_BATCH_METRICS = 900
_PAGE = 1000


@dataclass
class _Known:
    """A run in MLflow: enough to decide whether to write, keep or replace it."""

    run_id: str
    status: str
    outcome: str | None = None
    has_metrics: bool = False

    @property
    def over(self) -> bool:
        return self.status in ("FINISHED", "FAILED")


class Projection:
    """The MLflow side of a store. Any method may raise what MLflow or its transport raises."""

    def __init__(self, uri: str, artifacts: str | None = None) -> None:
        _create_database(uri)
        self._client = MlflowClient(tracking_uri=uri)
        self._artifacts = artifacts
        self._experiments: dict[str, str] = {}
        self._runs: dict[str, _Known] = {}
        self._parents: dict[str, str] = {}

    def open_sweep(self, study: str, sweep_id: str, running: bool = False) -> None:
        """Find or make a sweep's parent run, and set it RUNNING if `running`."""
        experiment = self._open_study(study)
        if sweep_id not in self._parents:
            tags = {"sweep_id": sweep_id, "study": study, "kind": "sweep"}
            run = self._client.create_run(experiment, tags=tags, run_name=f"sweep {sweep_id[:8]}")
            self._parents[sweep_id] = run.info.run_id
        elif running:
            self._client.update_run(self._parents[sweep_id], status="RUNNING")

    def close_sweep(self, sweep_id: str, status: str, counts: Mapping[str, int]) -> None:
        """Write the counts of trials, and terminate the parent run."""
        self._log_now(self._parents[sweep_id], counts)
        self._client.set_terminated(self._parents[sweep_id], status)

    def start(self, trials: Iterable[Trial], sweep_id: str) -> None:
        """Find or make the trials' runs, and set them RUNNING."""
        for trial in trials:
            known = self._runs.get(trial.trial_id)
            if known is None:
                self._create({"trial_id": trial.trial_id, **trial.as_dict()}, sweep_id)
            elif known.status != "RUNNING" and not known.over:
                self._client.update_run(known.run_id, status="RUNNING")
                known.status = "RUNNING"

    def interrupt(self, trials: Iterable[Trial]) -> None:
        """Mark the runs of trials that did not end as KILLED."""
        for trial in trials:
            known = self._runs.get(trial.trial_id)
            if known is not None and not known.over:
                self._client.set_terminated(known.run_id, "KILLED")
                known.status = "KILLED"

    def write(self, row: Row, curve: Sequence[Row], measured: Sequence[Row], sweep_id: str | None) -> None:
        """Bring a trial's run to its final state, from its row of `trials` and its rows of `curves`.

        `measured` are means of the measurements on its network; they become metrics with the size as their step.
        """
        self._open_study(row["study"])
        known = self._runs.get(row["trial_id"])
        if known is not None and known.over and known.outcome == row["status"]:
            return
        if known is not None and (known.over or known.has_metrics):
            # Metrics can only be appended, so replace a run that was cut off among them or has another outcome.
            self._client.delete_run(known.run_id)
            known = None
        known = known or self._create(row, sweep_id)
        known.has_metrics = True
        self._fill(known.run_id, row, curve, measured)
        known.outcome, known.status = row["status"], "FAILED" if row["status"] == "failed" else "FINISHED"
        self._client.set_terminated(known.run_id, known.status, _milliseconds(row))

    def delete_trials(self, study: str, trial_ids: Iterable[str]) -> None:
        """Delete the runs of trials."""
        self._open_study(study)
        for trial_id in trial_ids:
            known = self._runs.pop(trial_id, None)
            if known is not None:
                self._client.delete_run(known.run_id)

    def log_report(self, study: str, sweep_id: str, folder: Path, numbers: Mapping[str, float]) -> None:
        """Keep a folder as artifact ``report`` of a sweep's parent run, and numbers as its metrics, if it has a run."""
        experiment = self._client.get_experiment_by_name(study)
        if experiment is None:
            return
        # A sweep has thousands of other runs.
        parent = f"tags.kind = 'sweep' and tags.sweep_id = '{sweep_id}'"
        for run in self._client.search_runs([experiment.experiment_id], parent):
            self._client.log_artifacts(run.info.run_id, str(folder), "report")
            there = run.data.metrics
            self._log_now(run.info.run_id, {name: n for name, n in numbers.items() if there.get(name) != n})

    def _log_now(self, run_id: str, numbers: Mapping[str, float]) -> None:
        now = int(time.time() * 1000)
        self._client.log_batch(run_id, metrics=[Metric(name, number, now, 0) for name, number in numbers.items()])

    def _open_study(self, study: str) -> str:
        """Find or make the study's experiment, and learn its runs."""
        if study in self._experiments:
            return self._experiments[study]
        experiment = self._client.get_experiment_by_name(study)
        if experiment is None:
            location = f"{self._artifacts}/{study}" if self._artifacts else None
            identity = self._client.create_experiment(study, location)
        else:
            identity = experiment.experiment_id
            if experiment.lifecycle_stage != "active":
                self._client.restore_experiment(identity)
            self._learn_runs(identity)
        self._experiments[study] = identity
        return identity

    def _learn_runs(self, experiment: str) -> None:
        token = None
        while True:
            page = self._client.search_runs([experiment], max_results=_PAGE, page_token=token)
            for run in page:
                tags, identity = run.data.tags, run.info.run_id
                if tags.get("trial_id") in self._runs:
                    # Two sweeps that share the trial wrote it at the same time.
                    self._client.delete_run(identity)
                elif "trial_id" in tags:
                    outcome, metrics = tags.get("outcome"), run.data.metrics
                    self._runs[tags["trial_id"]] = _Known(identity, run.info.status, outcome, bool(metrics))
                elif tags.get("kind") == "sweep":
                    self._parents[tags["sweep_id"]] = identity
            token = page.token
            if not token:
                return

    def _create(self, row: Row, sweep_id: str | None) -> _Known:
        tags = {name: str(row[name]) for name in ("trial_id", *_TAGS, *own_columns(row))}
        if sweep_id is not None:
            tags |= {"sweep_id": sweep_id, MLFLOW_PARENT_RUN_ID: self._parents[sweep_id]}
        run = self._client.create_run(self._experiments[row["study"]], tags=tags, run_name=_run_name(row))
        self._runs[row["trial_id"]] = _Known(run.info.run_id, "RUNNING")
        return self._runs[row["trial_id"]]

    def _fill(self, run_id: str, row: Row, curve: Sequence[Row], measured: Sequence[Row]) -> None:
        now = _milliseconds(row)
        entered = entering({name: row[name] for name in FACTORS}, FACTORS, always_entering(row))
        params = [Param(name, str(value)) for name, value in entered.items()]
        tags = [RunTag("outcome", row["status"])]
        if row["error"]:
            tags.append(RunTag("error", row["error"][:5000]))
        metrics = [Metric(name, float(row[name]), now, 0) for name in _SCALARS if row[name] is not None]
        metrics += [Metric(name, point[name], now, point["epoch"]) for point in curve for name in _CURVES]
        metrics += [
            Metric(f"{mean['measurement']}/{mean['metric']}", mean["value_mean"], now, mean["size"])
            for mean in measured
        ]
        # Params and tags that are there already change nothing.
        for start in range(0, len(metrics), _BATCH_METRICS):
            self._client.log_batch(run_id, metrics[start : start + _BATCH_METRICS], params, tags)


def _create_database(uri: str) -> None:
    """Make an SQLite database whole or not at all, since MLflow could never open one that lacks some tables.

    Connect once to any other database, which MLflow would try for more than a minute.
    """
    path = sqlite_path(uri)
    if path is None:
        if is_database(uri):
            _connect(uri)
        return
    if path.exists():
        with path.open("rb") as file:
            # MLflow would try for more than a minute. An empty file is a database without tables.
            if file.read(len(_SQLITE)) not in (b"", _SQLITE):
                raise SweepError(f"{path} is not an SQLite database; delete it, and `sweep track` makes it anew")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".tmp-{os.getpid()}-{path.name}")
    temporary.unlink(missing_ok=True)
    try:
        MlflowClient(tracking_uri=f"sqlite:///{temporary}").search_experiments(max_results=1)
        # Unlike a rename, this does not replace a database that another process has made meanwhile.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(temporary)
    finally:
        temporary.unlink(missing_ok=True)


def _connect(uri: str) -> None:
    try:
        create_engine(uri, poolclass=NullPool).connect().close()
    except ModuleNotFoundError as error:
        raise SweepError(
            f"this database needs the package {error.name}; for PostgreSQL, "
            "run pip install 'deep-parallel-sweep[postgresql]'"
        ) from None


def _milliseconds(row: Row) -> int:
    return int(row["finished_at"].timestamp() * 1000)


def _run_name(row: Row) -> str:
    kind, sizes = kind_of(row), (row["architecture"], row["depth"], row["filters"])
    network = kind.brief(row["network"], *sizes) if kind else f"{row['network']} {row['architecture']} d{row['depth']}"
    method = "" if row["method"] == FACTORS["method"].default else f" {row['method']}"
    return f"{row['dataset']} {network}{method} s{row['seed']}"
