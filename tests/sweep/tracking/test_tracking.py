"""MLflow runs in a real MLflow on SQLite."""

import socket
import time
from collections import Counter
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE as NOTE

from sweep.errors import SweepError
from sweep.ledger import Ledger, to_tables
from sweep.result import Epoch, TrialResult
from sweep.tracking import Tracker, is_complete, rebuild, tracking_uri
from sweep.tracking.mirror import Mirror
from sweep.trial import Trial

SWEEP = "a" * 20
TRIALS = [Trial("test", dataset="digits", seed=seed, epochs=2) for seed in range(4)]


def epoch(number: int) -> Epoch:
    return Epoch(number, 1.0 / number, 0.5, 2.0 / number, 0.4, 0.1, 0.01)


def results(trials: list[Trial]) -> list[TrialResult]:
    return [TrialResult(trial, "finished", (epoch(1), epoch(2)), seconds=1.0, fused_with=4) for trial in trials]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger.create(tmp_path / "store")
    ledger.record_sweep(SWEEP, "test", TRIALS)
    return ledger


def client(ledger: Ledger) -> MlflowClient:
    return MlflowClient(tracking_uri=tracking_uri(ledger, None))


def runs(ledger: Ledger):
    mlflow = client(ledger)
    experiment = mlflow.get_experiment_by_name("test")
    assert experiment is not None
    found = mlflow.search_runs([experiment.experiment_id])
    return (
        {run.data.tags["trial_id"]: run for run in found if "trial_id" in run.data.tags},
        [run for run in found if run.data.tags.get("kind") == "sweep"],
        Counter(run.data.tags.get("trial_id") for run in found),
    )


def finished(tracker: Tracker) -> Tracker:
    tracker.finish(interrupted=False)
    assert tracker.fault is None
    assert tracker.complete
    return tracker


def test_a_trial_has_one_run_with_its_params_tags_numbers_and_curves(ledger):
    tracker = Tracker(ledger.uri, tracking_uri(ledger, None), SWEEP)
    tracker.trials_started(TRIALS)
    ledger.publish(to_tables(results(TRIALS[:3])))
    ledger.publish(to_tables([TrialResult(TRIALS[3], "failed", error="it burst")]))
    tracker.published()
    finished(tracker)
    found, parents, count = runs(ledger)
    assert set(count.values()) == {1}
    assert [parent.info.status for parent in parents] == ["FINISHED"]
    assert parents[0].data.metrics == {
        "trials_planned": 4,
        "trials_finished": 3,
        "trials_diverged": 0,
        "trials_failed": 1,
    }
    run = found[TRIALS[0].trial_id]
    assert run.info.status == "FINISHED"
    # MLflow would fold a nested run away.
    assert "mlflow.parentRunId" not in run.data.tags
    assert {run.data.tags[name] for name in ("sweep_id", "study", "architecture", "outcome")} == {
        SWEEP,
        "test",
        "sequential",
        "finished",
    }
    assert run.data.params["learning_rate"] == "0.001"
    assert run.data.params["seed"] == "0"
    assert run.data.metrics["val_loss"] == 1.0
    assert set(run.data.metrics) == {"train_loss", "train_accuracy", "val_loss", "val_accuracy", "gradient_norm"}
    assert (run.data.params["parameters"], run.data.params["fused_with"]) == (str(TRIALS[0].shape.parameters), "4")
    assert (run.info.end_time or 0) - run.info.start_time == 1000, "its training's own time"
    assert (run.data.tags["kind"], run.data.tags["pair_id"]) == ("trial", TRIALS[0].pair_id)
    assert "learning rate 0.001, seed 0. Its twin in the other arrangement: `tags.pair_id" in run.data.tags[NOTE]
    assert all(run.data.tags[f"mlflow.{name}"] for name in ("user", "source.name", "source.type"))
    assert str(run.info.run_name).endswith(" lr0.001 s0 digits")
    assert SWEEP in parents[0].data.tags[NOTE]
    experiment = client(ledger).get_experiment(run.info.experiment_id)
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    history = client(ledger).get_metric_history(run.info.run_id, "train_loss")
    assert [(point.step, point.value) for point in history] == [(1, 1.0), (2, 0.5)]
    failed = found[TRIALS[3].trial_id]
    assert (failed.info.status, failed.data.tags["error"]) == ("FAILED", "it burst")
    assert is_complete(ledger, tracking_uri(ledger, None))


def test_runs_are_running_while_trials_train(ledger):
    mirror = Mirror(ledger, tracking_uri(ledger, None))
    mirror.open(SWEEP)
    mirror.start(TRIALS, SWEEP)
    found, parents, _ = runs(ledger)
    assert {run.info.status for run in found.values()} == {"RUNNING"} == {run.info.status for run in parents}


def test_runs_that_a_killed_sweep_left_running_are_found_and_finished(ledger):
    mirror = Mirror(ledger, tracking_uri(ledger, None))
    mirror.open(SWEEP)
    mirror.start(TRIALS, SWEEP)
    left, _, _ = runs(ledger)
    ledger.publish(to_tables(results(TRIALS)))
    finished(Tracker(ledger.uri, tracking_uri(ledger, None), SWEEP))
    found, parents, count = runs(ledger)
    assert set(count.values()) == {1}
    assert {run.info.status for run in found.values()} == {"FINISHED"}
    assert {i: run.info.run_id for i, run in found.items()} == {i: run.info.run_id for i, run in left.items()}
    assert len(parents) == 1


def test_a_run_with_only_some_metrics_is_written_anew_without_duplicate_points(ledger):
    mirror = Mirror(ledger, tracking_uri(ledger, None))
    mirror.open(SWEEP)
    mirror.start(TRIALS, SWEEP)
    half = runs(ledger)[0][TRIALS[0].trial_id]
    client(ledger).log_metric(half.info.run_id, "train_loss", 1.0, step=1)
    ledger.publish(to_tables(results(TRIALS)))
    finished(Tracker(ledger.uri, tracking_uri(ledger, None), SWEEP))
    found, _, count = runs(ledger)
    assert set(count.values()) == {1}
    history = client(ledger).get_metric_history(found[TRIALS[0].trial_id].info.run_id, "train_loss")
    assert [point.step for point in history] == [1, 2]


def test_an_interrupt_leaves_no_run_running(ledger):
    tracker = Tracker(ledger.uri, tracking_uri(ledger, None), SWEEP)
    tracker.trials_started(TRIALS)
    tracker.finish(interrupted=True)
    found, parents, _ = runs(ledger)
    assert {run.info.status for run in (*found.values(), *parents)} == {"KILLED"}


@pytest.mark.parametrize("fresh", [False, True])
def test_rebuild_makes_the_runs_anew_from_the_store(ledger, fresh):
    ledger.publish(to_tables(results(TRIALS)))
    written: list[int] = []
    for _ in range(2):
        rebuild(ledger, tracking_uri(ledger, None), fresh, lambda: written.append(1))
    found, parents, count = runs(ledger)
    assert sum(written) == (8 if fresh else 4)
    assert len(found) == 4
    assert set(count.values()) == {1}
    assert {run.info.status for run in (*found.values(), *parents)} == {"FINISHED"}


def test_a_deleted_database_is_noticed_and_made_again(ledger):
    ledger.publish(to_tables(results(TRIALS)))
    uri = tracking_uri(ledger, None)
    rebuild(ledger, uri, False, lambda: None)
    assert is_complete(ledger, uri)
    Path(uri.removeprefix("sqlite:///")).unlink()
    assert not is_complete(ledger, uri)
    other = f"{uri}.again.db"
    rebuild(ledger, other, False, lambda: None)
    assert is_complete(ledger, other)


def test_concurrent_sweeps_write_each_trial_once(ledger):
    first, second = Mirror(ledger, tracking_uri(ledger, None)), None
    other = "b" * 20
    more = [Trial("test", dataset="digits", seed=seed, epochs=2) for seed in range(4, 8)]
    ledger.record_sweep(other, "test", more)
    second = Mirror(Ledger.open(ledger.uri), tracking_uri(ledger, None))
    first.open(SWEEP)
    second.open(other)
    first.start(TRIALS, SWEEP)
    second.start(more, other)
    ledger.publish(to_tables(results(TRIALS)))
    ledger.publish(to_tables(results(more)))
    for mirror, sweep_id in ((first, SWEEP), (second, other), (first, SWEEP)):
        mirror.write_new(sweep_id=sweep_id)
        mirror.note.save()
    found, parents, count = runs(ledger)
    assert len(found) == 8
    assert len(parents) == 2
    assert {count[trial_id] for trial_id in found} == {1}
    assert is_complete(ledger, tracking_uri(ledger, None))


def test_a_server_that_is_down_costs_nothing_but_its_runs(ledger):
    tracker = Tracker(ledger.uri, "http://127.0.0.1:1", SWEEP)
    tracker.trials_started(TRIALS)
    ledger.publish(to_tables(results(TRIALS)))
    tracker.published()
    tracker.finish(interrupted=False)
    assert tracker.fault
    assert not tracker.complete
    assert Ledger.open(ledger.uri).contents.status.keys() == {trial.trial_id for trial in TRIALS}
    with pytest.raises(SweepError, match="no result is lost"):
        rebuild(ledger, "http://127.0.0.1:1", False, lambda: None)


def test_the_tracker_soon_gives_up_on_a_server_that_never_answers(ledger, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        tracker = Tracker(ledger.uri, f"http://127.0.0.1:{silent.getsockname()[1]}", SWEEP)
        ledger.publish(to_tables(results(TRIALS)))
        tracker.published()
        tracker.finish(interrupted=False)
        assert tracker.fault
        assert time.monotonic() - began < 30


def test_an_object_store_needs_a_tracking_uri_of_its_own(monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    ledger = Ledger("s3://bucket/prefix?region=us-east-1")
    with pytest.raises(SweepError, match="cannot hold MLflow's database; give the address of a server") as refused:
        tracking_uri(ledger, None)
    assert refused.value.parameters == ("tracking", "no_track")
    assert tracking_uri(ledger, "http://tracking:5000") == "http://tracking:5000"


def test_looking_whether_all_is_there_does_not_make_a_sweep_longer(ledger):
    uri = tracking_uri(ledger, None)
    tracker = Tracker(ledger.uri, uri, SWEEP)
    ledger.publish(to_tables(results(TRIALS)))
    tracker.published()
    finished(tracker)
    [parent] = runs(ledger)[1]
    time.sleep(0.05)
    assert rebuild(ledger, uri, fresh=False, wrote=lambda: None) == len(TRIALS)
    finished(Tracker(ledger.uri, uri, SWEEP))
    [again] = runs(ledger)[1]
    assert (again.info.run_id, again.info.status) == (parent.info.run_id, "FINISHED")
    assert (again.info.start_time, again.info.end_time) == (parent.info.start_time, parent.info.end_time)
    assert rebuild(ledger, uri, fresh=True, wrote=lambda: None) == len(TRIALS)
    [longer] = runs(ledger)[1]
    assert (longer.info.end_time or 0) > (parent.info.end_time or 0)


def test_runs_as_earlier_versions_wrote_them_are_written_anew(ledger):
    uri = tracking_uri(ledger, None)
    ledger.publish(to_tables(results(TRIALS)))
    assert rebuild(ledger, uri, fresh=False, wrote=lambda: None) == len(TRIALS)
    by_trial, [parent], _ = runs(ledger)
    earlier = [by_trial[trial.trial_id].info.run_id for trial in TRIALS[:2]]
    for run_id in earlier:
        client(ledger).delete_tag(run_id, "kind")
        client(ledger).set_tag(run_id, "mlflow.parentRunId", parent.info.run_id)
    wrote: list[None] = []
    assert rebuild(ledger, uri, fresh=False, wrote=lambda: wrote.append(None)) == len(TRIALS)
    now, _, times = runs(ledger)
    assert len(wrote) == len(earlier)
    assert {times[trial.trial_id] for trial in TRIALS} == {1}
    assert all(run.data.tags["kind"] == "trial" and "mlflow.parentRunId" not in run.data.tags for run in now.values())
    kept = TRIALS[2].trial_id
    assert now[kept].info.run_id == by_trial[kept].info.run_id
