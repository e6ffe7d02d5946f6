"""The two ways to write runs into a real MLflow: its client, and the tables of its database."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric
from sqlalchemy import MetaData, NullPool, create_engine, select

from sweep.tracking.client import ClientWriter
from sweep.tracking.database import prepare
from sweep.tracking.run import Beginning, Ending, RunsGone, RunWriter
from sweep.tracking.tables import TableWriter
from tests.servers import Database

NUMBERS = (1.5, math.nan, math.inf, -math.inf, 0.0, 1e-320)
METRICS = [Metric(f"m{i}", number, 5000 + step, step) for i, number in enumerate(NUMBERS) for step in (2, 1, 3)]
# Ties of the latest point, and a point that is given twice.
METRICS += [Metric("tie", value, 5000, 1) for value in (1.0, 3.0, 2.0)] + [Metric("tie", 3.0, 5000, 1)]
MANY = [Metric("loss", 1.0 / step, 5000, step) for step in range(1, 2000)]
RUNS = {
    "plain": Ending("FINISHED", 6000, {"depth": "4", "filters": "2"}, {"outcome": "finished"}, METRICS),
    "failed": Ending("FAILED", 7000, {"depth": "8"}, {"outcome": "failed", "error": "it burst: é"}, METRICS[:2]),
    "many points": Ending("FINISHED", 8000, {"depth": "1"}, {"outcome": "finished"}, MANY),
}
KINDS = ("client", "tables")


def writer(kind: str, uri: str) -> RunWriter:
    return TableWriter(uri) if kind == "tables" else ClientWriter(MlflowClient(tracking_uri=uri))


@pytest.fixture
def uri(tmp_path: Path) -> str:
    address = f"sqlite:///{tmp_path / 'mlflow.db'}"
    prepare(address)
    return address


@pytest.fixture
def served(postgresql: Database) -> str:
    address = postgresql.create("writers")
    MlflowClient(tracking_uri=address).search_experiments(max_results=1)
    return address


@pytest.fixture
def experiment(uri: str, tmp_path: Path) -> str:
    return MlflowClient(tracking_uri=uri).create_experiment("test", (tmp_path / "artifacts").as_uri())


def begin(kind: str, uri: str, experiment: str) -> dict[str, str]:
    begun = [Beginning(name, {"trial_id": name, "study": "test"}) for name in RUNS]
    return dict(zip(RUNS, writer(kind, uri).create(experiment, begun), strict=True))


def content(uri: str, identities: dict[str, str]) -> dict[str, list[tuple]]:
    """All rows about these runs, with a run's name for its identity and without the time it began."""
    names = {identity: name for name, identity in identities.items()}
    found: dict[str, list[tuple]] = {}
    with create_engine(uri, poolclass=NullPool).connect() as connection:
        tables = MetaData()
        tables.reflect(connection)
        for table in tables.sorted_tables:
            if "run_uuid" not in table.columns:
                continue
            rows = [dict(row) for row in connection.execute(select(table)).mappings() if row["run_uuid"] in names]
            for row in rows:
                if "artifact_uri" in row:
                    assert row["start_time"] > 1.7e12
                    row["start_time"] = 0
                    row["artifact_uri"] = row["artifact_uri"].replace(row["run_uuid"], names[row["run_uuid"]])
                row["run_uuid"] = names[row["run_uuid"]]
            if rows:
                found[table.name] = sorted(tuple(row.items()) for row in rows)
    return found


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_both_write_the_same_rows_in_every_table_of_the_database(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    uri = request.getfixturevalue("uri" if database == "sqlite" else "served")
    experiment = MlflowClient(tracking_uri=uri).create_experiment("both", (tmp_path / "artifacts").as_uri())
    written = {}
    for kind in KINDS:
        runs = begin(kind, uri, experiment)
        started = content(uri, runs)
        writer(kind, uri).end([(runs[name], ending) for name, ending in RUNS.items()])
        written[kind] = (started, content(uri, runs))
    assert written["client"] == written["tables"]
    assert set(written["tables"][1]) == {"runs", "tags", "params", "metrics", "latest_metrics"}
    assert len(written["tables"][1]["metrics"]) == len(METRICS) - 1 + 2 + len(MANY)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_reads_back_as_it_was_written(kind: str, uri: str, experiment: str) -> None:
    runs = begin(kind, uri, experiment)
    client = MlflowClient(tracking_uri=uri)
    assert {client.get_run(identity).info.status for identity in runs.values()} == {"RUNNING"}
    writer(kind, uri).end([(runs[name], ending) for name, ending in RUNS.items()])
    for name, ending in RUNS.items():
        run = client.get_run(runs[name])
        assert (run.info.run_name, run.info.status, run.info.end_time) == (name, ending.status, ending.ended)
        assert run.data.params == ending.params
        assert run.data.tags == {"trial_id": name, "study": "test", "mlflow.runName": name, **ending.tags}
    history = client.get_metric_history(runs["many points"], "loss")
    assert sorted((point.step, point.value) for point in history) == [(each.step, each.value) for each in MANY]
    assert client.get_run(runs["plain"]).data.metrics["tie"] == 3.0
    assert {run.data.tags["trial_id"] for run in client.search_runs([experiment], "metrics.m0 = 1.5")} == {
        "plain",
        "failed",
    }


@pytest.mark.parametrize("first", KINDS)
def test_a_run_that_was_cut_off_before_its_metrics_is_completed(first: str, uri: str, experiment: str) -> None:
    runs = begin(first, uri, experiment)
    only = replace(RUNS["plain"], metrics=[])
    MlflowClient(tracking_uri=uri).log_param(runs["plain"], "depth", "4")
    for ending in (only, RUNS["plain"]):
        TableWriter(uri).end([(runs["plain"], ending)])
    run = MlflowClient(tracking_uri=uri).get_run(runs["plain"])
    assert run.data.params == only.params
    assert len(run.data.metrics) == len({metric.key for metric in METRICS})


@pytest.mark.parametrize("kind", KINDS)
def test_a_deleted_run_is_said_to_be_gone(kind: str, uri: str, experiment: str) -> None:
    runs = begin(kind, uri, experiment)
    MlflowClient(tracking_uri=uri).delete_run(runs["failed"])
    with pytest.raises(RunsGone):
        writer(kind, uri).end([(runs[name], ending) for name, ending in RUNS.items()])
    assert MlflowClient(tracking_uri=uri).get_run(runs["failed"]).info.lifecycle_stage == "deleted"
    before = content(uri, runs)["runs"]
    assert ("status", "RUNNING") in before[0], "the deleted run is left as it was"


def test_the_tables_take_a_batch_whole_or_not_at_all(uri: str, experiment: str) -> None:
    runs = begin("tables", uri, experiment)
    before = content(uri, runs)
    bad = replace(RUNS["failed"], params={"depth": None})
    with pytest.raises(Exception, match="NOT NULL"):
        TableWriter(uri).end([(runs["plain"], RUNS["plain"]), (runs["failed"], bad)])
    assert content(uri, runs) == before
