"""A report kept with the sweep's run of a real MLflow on SQLite."""

from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from sweep.ledger import Ledger
from sweep.tracking import log_report, tracking_uri
from sweep.tracking.mirror import Mirror
from sweep.trial import Trial

NUMBERS = {"val_loss_ratio": 1.02, "control_failed": 0.0}
SWEEPS = {"a" * 20: "one", "b" * 20: "one", "c" * 20: "other", "d" * 20: "untracked"}


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """A store with runs for two sweeps of one study and one of another, and a sweep without runs."""
    ledger = Ledger.create(tmp_path_factory.mktemp("tracked") / "store")
    for number, (sweep_id, study) in enumerate(SWEEPS.items()):
        ledger.record_sweep(sweep_id, study, [Trial(study, dataset="digits", seed=number, epochs=1)])
    mirror = Mirror(ledger, tracking_uri(ledger, None))
    for sweep_id, study in SWEEPS.items():
        if study != "untracked":
            mirror.open(sweep_id)
    # A tracker that was killed at once leaves an experiment without a sweep's run.
    client(ledger).create_experiment("untracked")
    return ledger


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "report" / "figures").mkdir(parents=True)
    (tmp_path / "report" / "report.html").write_text("first")
    (tmp_path / "report" / "figures" / "losses.svg").write_text("<svg/>")
    return tmp_path / "report"


@pytest.fixture
def log(ledger: Ledger, folder: Path) -> Callable[..., str | None]:
    """Keep the report of a study with numbers, and return the fault, if any."""
    return lambda study, numbers=NUMBERS: log_report(ledger, tracking_uri(ledger, None), study, folder, numbers)


def client(ledger: Ledger) -> MlflowClient:
    return MlflowClient(tracking_uri=tracking_uri(ledger, None))


def runs(ledger: Ledger, study: str) -> list[Run]:
    experiment = client(ledger).get_experiment_by_name(study)
    assert experiment is not None
    return client(ledger).search_runs([experiment.experiment_id])


def kept(ledger: Ledger, run: Run) -> dict[str, str]:
    """The files of the artifact `report` and their content."""
    assert run.info.artifact_uri is not None
    root = Path(run.info.artifact_uri.removeprefix("file://"))
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


def values(ledger: Ledger, run: Run, name: str) -> list[float]:
    return [point.value for point in client(ledger).get_metric_history(run.info.run_id, name)]


def test_a_report_is_kept_with_every_sweep_of_its_study_and_written_once(ledger, log, folder):
    before = {study: len(runs(ledger, study)) for study in ("one", "other", "untracked")}
    assert log("one") is None
    assert log("one") is None
    assert {study: len(runs(ledger, study)) for study in before} == before == {"one": 2, "other": 1, "untracked": 0}
    for run in runs(ledger, "one"):
        assert kept(ledger, run) == {"report/report.html": "first", "report/figures/losses.svg": "<svg/>"}
        assert run.data.metrics == NUMBERS
        assert {name: values(ledger, run, name) for name in NUMBERS} == {name: [each] for name, each in NUMBERS.items()}
    (other,) = runs(ledger, "other")
    assert kept(ledger, other) == {}
    assert other.data.metrics == {}


def test_a_new_report_replaces_the_old_and_adds_changed_numbers(ledger, log, folder):
    assert log("other") is None
    (folder / "report.html").write_text("second")
    assert log("other", {**NUMBERS, "val_loss_ratio": 0.9}) is None
    (run,) = runs(ledger, "other")
    assert kept(ledger, run)["report/report.html"] == "second"
    assert values(ledger, run, "val_loss_ratio") == [1.02, 0.9]
    assert values(ledger, run, "control_failed") == [0.0]
    assert run.info.status == "RUNNING"


@pytest.mark.parametrize("study", ["untracked", "unheard-of"])
def test_without_a_sweeps_run_nothing_is_made(ledger, log, study):
    experiments = {each.name for each in client(ledger).search_experiments()}
    assert log(study) is None
    assert {each.name for each in client(ledger).search_experiments()} == experiments
    assert runs(ledger, "untracked") == []


def test_a_missing_database_stays_missing(folder, tmp_path):
    ledger = Ledger.create(tmp_path / "store")
    ledger.record_sweep("a" * 20, "one", [Trial("one")])
    before = sorted((tmp_path / "store").rglob("*"))
    assert log_report(ledger, tracking_uri(ledger, None), "one", folder, NUMBERS) is None
    assert sorted((tmp_path / "store").rglob("*")) == before


def test_a_server_that_is_down_is_one_sentence(ledger, folder):
    fault = log_report(ledger, "http://127.0.0.1:1", "one", folder, NUMBERS)
    assert fault
    assert "\n" not in fault


def test_a_file_that_is_no_database_is_one_sentence_at_once(ledger, folder, tmp_path):
    path = tmp_path / "mlflow.db"
    path.write_text("this is no database")
    fault = log_report(ledger, f"sqlite:///{path}", "one", folder, NUMBERS)
    assert fault == f"{path} is not an SQLite database; move it away, and `sweep track` makes it anew"
    assert path.read_text() == "this is no database"
