"""Runs of trials with measurements."""

import pytest
from mlflow import MlflowClient

from sweep.ledger import Ledger, to_tables
from sweep.result import Epoch, Measurement, TrialResult
from sweep.tracking import rebuild, tracking_uri
from sweep.trial import Trial

TRIAL = Trial(
    "test", dataset="digits", network="preresnet", depth=8, method="droppath", drop_rate=0.1, measure="lesions"
)
ROWS = (
    Measurement("untreated", "error", 0.25),
    Measurement("delete-some", "error", 0.5, "1,2", 2, 0),
    Measurement("delete-some", "error", 0.75, "0,2", 2, 1),
    Measurement("delete-some", "error", 0.875, "0,1", 2, 2),
    Measurement("delete-some", "loss", None, "0,1", 2, 2),
    Measurement("delete-some", "error", 0.125, "1", 1, 0),
)


def test_means_by_size_are_metrics_and_only_factors_that_a_trial_sets_are_params(tmp_path) -> None:
    ledger = Ledger.create(tmp_path / "store")
    ledger.record_sweep("a" * 20, "test", [TRIAL])
    epochs = (Epoch(1, 1.0, 0.5, 2.0, 0.4, 0.1, 0.01),)
    ledger.publish(to_tables([TrialResult(TRIAL, "finished", epochs, measurements=ROWS)]))
    uri = tracking_uri(ledger, None)
    rebuild(ledger, uri, fresh=False, wrote=lambda: None)
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("test")
    assert experiment is not None
    [run] = client.search_runs([experiment.experiment_id], "tags.network = 'preresnet'")
    history = client.get_metric_history(run.info.run_id, "delete-some/error")
    assert {point.step: point.value for point in history} == {1: 0.125, 2: pytest.approx((0.5 + 0.75 + 0.875) / 3)}
    assert run.data.metrics["untreated/error"] == 0.25
    assert "delete-some/loss" not in run.data.metrics
    assert run.data.params["drop_rate"] == "0.1"
    assert "kept_blocks" not in run.data.params
    assert run.data.tags["mlflow.runName"] == "preresnet sequential d8 droppath lr0.001 s0 digits"
