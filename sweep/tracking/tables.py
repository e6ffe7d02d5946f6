"""Runs written into the tables of MLflow's database, many in one transaction.

MLflow's client takes some fifty statements per run, which would take longer than all else that the service does for
one. MLflow has no public way to write many runs at once, so this module alone uses the tables that MLflow declares for
its own store. Their columns and defaults are those of the installed MLflow; tests compare the runs with the client's.
"""

import math
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from mlflow.entities import Metric
from mlflow.store.tracking.dbmodels.models import (
    SqlExperiment,
    SqlLatestMetric,
    SqlMetric,
    SqlParam,
    SqlRun,
    SqlTag,
)
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NAME, MLFLOW_SOURCE_NAME, MLFLOW_SOURCE_TYPE, MLFLOW_USER
from sqlalchemy import Connection, NullPool, Table, bindparam, create_engine, delete, func, select

from sweep.tracking.run import Beginning, Ending, RunsGone

_BUSY_SECONDS = 30
"""How long to wait for another process that writes to an SQLite file."""
_LARGEST = 1.7976931348623157e308
"""What MLflow keeps for infinity."""

_RUNS, _TAGS, _PARAMS, _METRICS, _LATEST, _EXPERIMENTS = (
    model.__table__ for model in (SqlRun, SqlTag, SqlParam, SqlMetric, SqlLatestMetric, SqlExperiment)
)


class TableWriter:
    """A `RunWriter` for a database whose tables MLflow has made. A batch is written whole or not at all."""

    at_once = 200

    def __init__(self, uri: str) -> None:
        waits = {"timeout": _BUSY_SECONDS} if uri.startswith("sqlite") else {}
        self._engine = create_engine(uri, poolclass=NullPool, connect_args=waits)

    def create(self, experiment: str, runs: Sequence[Beginning]) -> list[str]:
        """Make runs, and return their identities."""
        now, identities = int(time.time() * 1000), [uuid.uuid4().hex for _ in runs]
        with self._engine.begin() as connection:
            number = int(experiment)
            folder = connection.scalar(
                select(_EXPERIMENTS.c.artifact_location).where(_EXPERIMENTS.c.experiment_id == number)
            )
            rows = [
                {
                    "run_uuid": identity,
                    "name": run.name,
                    "source_type": run.tags.get(MLFLOW_SOURCE_TYPE, "UNKNOWN"),
                    "source_name": run.tags.get(MLFLOW_SOURCE_NAME, ""),
                    "entry_point_name": "",
                    "source_version": "",
                    "user_id": run.tags.get(MLFLOW_USER, "unknown"),
                    "status": "RUNNING",
                    "start_time": now if run.began is None else run.began,
                    "artifact_uri": f"{folder}/{identity}/artifacts",
                    "experiment_id": number,
                }
                for identity, run in zip(identities, runs, strict=True)
            ]
            _insert(connection, _RUNS, rows)
            named = [{**run.tags, MLFLOW_RUN_NAME: run.name} for run in runs]
            _insert(connection, _TAGS, _pairs(zip(identities, named, strict=True)))
        return identities

    def end(self, runs: Sequence[tuple[str, Ending]]) -> None:
        """Write and terminate runs. Raises RunsGone if one is deleted."""
        if not runs:
            return
        identities = [identity for identity, _ in runs]
        with self._engine.begin() as connection:
            # First of all, so that no other process can change these runs until the end of the transaction.
            connection.execute(
                _RUNS.update()
                .where(_RUNS.c.run_uuid == bindparam("run"), _RUNS.c.lifecycle_stage == "active")
                .values(start_time=func.coalesce(bindparam("began"), _RUNS.c.start_time)),
                [
                    {"run": identity, "status": end.status, "began": end.began, "end_time": end.ended}
                    for identity, end in runs
                ],
            )
            there = select(func.count()).where(_RUNS.c.run_uuid.in_(identities), _RUNS.c.lifecycle_stage == "active")
            if connection.scalar(there) != len(runs):
                raise RunsGone
            for table, names in ((_TAGS, {name for _, end in runs for name in end.tags}), (_PARAMS, None)):
                old = delete(table).where(table.c.run_uuid.in_(identities))
                connection.execute(old if names is None else old.where(table.c.key.in_(names)))
            _insert(connection, _TAGS, _pairs((identity, end.tags) for identity, end in runs))
            _insert(connection, _PARAMS, _pairs((identity, end.params) for identity, end in runs))
            points = [(identity, _points(identity, end.metrics)) for identity, end in runs]
            _insert(connection, _METRICS, [point for _, of_run in points for point in of_run])
            _insert(connection, _LATEST, [last for _, of_run in points for last in _latest(of_run)])


def _insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(table.insert(), list(rows))


def _pairs(values: Any) -> list[dict[str, str]]:
    return [
        {"run_uuid": identity, "key": name, "value": value}
        for identity, named in values
        for name, value in named.items()
    ]


def _points(identity: str, metrics: Sequence[Metric]) -> list[dict[str, Any]]:
    """Rows of a run's metrics, each once, with numbers that no database takes written as MLflow writes them."""
    rows = {}
    for metric in metrics:
        is_nan = math.isnan(metric.value)
        value = 0.0 if is_nan else min(max(metric.value, -_LARGEST), _LARGEST)
        rows[metric.key, metric.timestamp, metric.step, value, is_nan] = {
            "run_uuid": identity,
            "key": metric.key,
            "value": value,
            "timestamp": metric.timestamp,
            "step": metric.step,
            "is_nan": is_nan,
        }
    return list(rows.values())


def _latest(points: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last point of each metric, by step, then time, then value."""
    last: dict[str, dict[str, Any]] = {}
    for point in points:
        order = (point["step"], point["timestamp"], point["value"])
        held = last.get(point["key"])
        if held is None or order > (held["step"], held["timestamp"], held["value"]):
            last[point["key"]] = point
    return list(last.values())
