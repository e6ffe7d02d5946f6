"""Sweeps on an object store, tracked by an MLflow server over PostgreSQL: real servers, real training."""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from sweep.ledger import Ledger
from sweep.ledger.lease import LeaseTimes
from tests.servers import Database, MlflowServer, ObjectStore

pytestmark = pytest.mark.slow

SLOW = ("--engine", "slow_engine:train")
LOCAL = ("--executor", "local", "--device", "cpu", "--workers", "1", "--pack-size", "2")
STUDY = """
study: {name}
factors:
  dataset: [digits]
  depth: [1, 2]
  filters: [2]
  kernel_size: [3]
  activation: [relu]
  seed: {seeds}
  architecture: [sequential, parallel]
  epochs: [2]
"""
DRIVER = """
import sys
import sweep.ledger.lease as lease
from sweep.cli import main
lease.TIMES = lease.LeaseTimes(1, 15, 0.5)
main(sys.argv[1:])
"""


@pytest.fixture
def store(object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> str:
    """An unused store, its server and keys in the environment."""
    for name, value in {**object_store.environment, "AWS_ENDPOINT_URL": object_store.url}.items():
        monkeypatch.setenv(name, value)
    return object_store.unused()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, which must stay clean."""
    monkeypatch.chdir(tmp_path)
    here = Path(__file__).parent
    monkeypatch.setenv("PYTHONPATH", f"{here}{os.pathsep}{here.parents[2]}")
    monkeypatch.syspath_prepend(str(here))
    return tmp_path


def study(folder: Path, name: str, seeds: int = 2) -> str:
    path = folder / f"{name}.yaml"
    path.write_text(STUDY.format(name=name, seeds=list(range(seeds))))
    return str(path)


def runs(uri: str, name: str):
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    return client.search_runs([experiment.experiment_id])


def assert_each_once(store: str, uri: str, name: str, trials: int) -> None:
    """Check that every trial has one row, was trained once, and has one finished run."""
    ledger = Ledger.open(store)
    rows = ledger.read("trials").to_pylist()
    assert Counter(row["status"] for row in rows) == Counter(finished=trials)
    published = Counter(trial for commit in ledger.contents.commits.values() for trial in commit.origin)
    assert set(published.values()) == {1}
    assert len(published) == trials
    found = runs(uri, name)
    assert Counter(run.info.status for run in found) == Counter(FINISHED=trials + 1)
    assert {run.data.tags["trial_id"] for run in found if "trial_id" in run.data.tags} == set(published)


@pytest.mark.usefixtures("unrendered")
def test_a_sweep_on_an_object_store_and_a_server_from_end_to_end(
    store: str, mlflow_server: MlflowServer, folder: Path, call, capsys, monkeypatch
) -> None:
    whole = ("run", study(folder, "remote"), "--store", store, "--tracking", mlflow_server.uri, *LOCAL)
    assert call(*whole) == 0
    said = capsys.readouterr().out
    assert f"MLflow: {mlflow_server.uri}" in said
    assert_each_once(store, mlflow_server.uri, "remote", 8)
    client = MlflowClient(tracking_uri=mlflow_server.uri)
    (parent,) = [run for run in runs(mlflow_server.uri, "remote") if run.data.tags.get("kind") == "sweep"]
    assert "report/report.html" in {file.path for file in client.list_artifacts(parent.info.run_id, "report")}
    # A submitted job takes its folder with it when it ends, so the report is in the store.
    assert f"Report: {store}/report/remote/report.html\n" in said
    files = Ledger.open(store).files
    first = files.read("report/remote/report.html")
    assert first is not None
    assert b"study remote" in first
    assert {"numbers.json", "report.html"} == set(files.list("report/remote"))
    assert files.list("report/remote/figures")
    assert not (folder / "report").exists()

    def no_tracker(*_):
        raise AssertionError("MLflow is asked")

    commits = Ledger.open(store).files.list("commits")
    monkeypatch.setattr("sweep.schedule.sweep.Tracker", no_tracker)
    assert call(*whole) == 0
    assert Ledger.open(store).files.list("commits") == commits
    assert f"Report: {store}/report/remote/report.html\n" in capsys.readouterr().out
    assert files.read("report/remote/report.html") == first

    assert call("status", "--store", store) == 0
    assert call("query", "select count(*) as trials from trials", "--store", store, "--format", "csv") == 0
    assert call("report", "--store", store, "-o", "again", "--tracking", mlflow_server.uri) == 0
    assert "8" in capsys.readouterr().out
    assert call("ui", "--store", store, "--tracking", mlflow_server.uri) == 2
    assert call("ui", "--store", store) == 2
    problems = capsys.readouterr().err
    assert f"the runs are on a server; open {mlflow_server.uri} in a browser" in problems
    assert "(--tracking, --no-track)" in problems


@pytest.fixture
def drive() -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Starts drivers with short leases, and kills those that still run at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", DRIVER, *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def commits(store: str) -> int:
    return len(Ledger(store).files.list("commits"))


def wait_until(holds: Callable[[], bool], process: "subprocess.Popen[str] | None" = None) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_second_driver_is_refused_while_the_first_lives_and_goes_on_once_it_is_killed(
    store: str, mlflow_server: MlflowServer, folder: Path, call, capsys, monkeypatch, drive
) -> None:
    monkeypatch.setattr("sweep.ledger.lease.TIMES", LeaseTimes(1, 15, 0.5))
    options = ("--store", store, "--tracking", mlflow_server.uri, "--no-report", *LOCAL)
    whole = ("run", study(folder, "twice", seeds=6), *options)
    first = drive(*whole, *SLOW)
    wait_until(lambda: commits(store) > 0, first)
    assert call(*whole) == 2
    problem = capsys.readouterr().err.strip().splitlines()[-1]
    assert problem.startswith(f"sweep: this sweep is already running on the store {store}, since 2")
    assert f" as process {first.pid}; wait for it, or end it and run again" in problem
    before = commits(store)
    wait_until(lambda: commits(store) > before, first)
    first.kill()
    first.communicate()
    began = time.monotonic()
    kept = commits(store)
    assert call(*whole) == 0
    assert time.monotonic() - began > 1, "the claim of the dead one had to die"
    assert kept < 12
    assert_each_once(store, mlflow_server.uri, "twice", 24)
    assert not Ledger(store).files.list("locks/mlflow")


def test_runs_that_a_stopped_server_missed_are_written_when_it_is_back(
    store: str, mlflow_server: MlflowServer, folder: Path, call, capsys
) -> None:
    options = ("--store", store, "--tracking", mlflow_server.uri, "--no-report", *LOCAL)

    def stop() -> None:
        wait_until(lambda: commits(store) > 0)
        mlflow_server.stop()

    stopping = threading.Thread(target=stop)
    stopping.start()
    try:
        assert call("run", study(folder, "stopped", seeds=2), *options, *SLOW) == 0
        stopping.join()
    finally:
        stopping.join()
        mlflow_server.start()
    output = " ".join(capsys.readouterr().out.split())
    assert f"MLflow at {mlflow_server.uri} lacks some runs" in output
    assert f"`sweep track --store {store} --tracking {mlflow_server.uri}` writes them" in output
    assert call("track", "--store", store, "--tracking", mlflow_server.uri) == 0
    assert_each_once(store, mlflow_server.uri, "stopped", 8)


@pytest.mark.usefixtures("unrendered")
def test_no_password_is_printed_or_stored(
    postgresql: Database, mlflow_server: MlflowServer, folder: Path, call, capfd
) -> None:
    whole = ("run", study(folder, "direct"), "--store", "results", *LOCAL)
    uri = mlflow_server.database
    assert call(*whole, "--tracking", uri) == 0
    assert call("track", "--store", "results", "--tracking", uri) == 0
    assert_each_once("results", uri, "direct", 8)
    wrong = uri.replace("%401@", "%402@")
    began = time.monotonic()
    assert call("track", "--store", "results", "--tracking", wrong) == 2
    assert time.monotonic() - began < 20
    printed = "".join(capfd.readouterr())
    assert "password authentication failed" in printed
    kept = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    kept += [str(run.to_dictionary()).encode() for run in runs(uri, "direct")]
    for secret in (postgresql.password, uri.partition("@")[0].rpartition(":")[2], "secret"):
        assert secret not in printed
        assert not [content for content in kept if secret.encode() in content]
    assert {path.name for path in folder.iterdir()} == {"direct.yaml", "results"}
    assert len(list(folder.glob("results/artifacts/direct/*/artifacts/report/report.html"))) == 1


def test_no_key_in_a_stores_address_is_printed_or_stored(
    object_store: ObjectStore, folder: Path, call, capfd, monkeypatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    place = f"{object_store.unused().removeprefix('s3://')}?endpoint_override={object_store.endpoint}&scheme=http"
    store = f"s3://AKIAKEY:topsecret@{place}"
    tracking = f"sqlite:///{folder}/mlflow.db"
    assert call("status", "--store", store) == 2
    assert call("run", study(folder, "keys"), "--store", store, "--tracking", tracking, *LOCAL, "--engine", "null") == 0
    assert call("status", "--store", store) == 0
    assert call("track", "--store", store, "--tracking", tracking) == 0
    assert call("status", "--store", store.replace("topsecret", "top/topsecret")) == 2
    assert call("status", "--stroe", store) == 2
    assert_each_once(store, tracking, "keys", 8)
    files = Ledger(store).files
    kept = [
        files.read(f"{name}/{file}") or b"" for name in ("commits", "sweeps", "trials") for file in files.list(name)
    ]
    kept += [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    printed = "".join(capfd.readouterr())
    assert f"sweep ui --store 's3://…@{place}' --tracking {tracking}" in printed
    for secret in ("AKIAKEY", "topsecret"):
        assert secret not in printed
        assert not [content for content in kept if secret.encode() in content]
    assert os.environ.get("AWS_ACCESS_KEY_ID") is None
