"""Results, pairs and their comparison, on stores made from known figures."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import analysis
from sweep.engine import Epoch, TrialResult
from sweep.errors import SweepError
from sweep.ledger import Ledger, to_tables
from sweep.trial import Trial


def trial(**factors) -> Trial:
    return Trial("test", dataset="digits", epochs=1, **factors)


def result(of: Trial, val_loss: float) -> TrialResult:
    return TrialResult(of, "finished", (Epoch(1, val_loss / 2, 0.5, val_loss, 0.4, 1.0, 0.1),))


def store_of(folder: Path, loss: Callable[[Trial], float], depths=(1, 2, 4), seeds=(0, 1, 2)) -> analysis.Results:
    ledger = Ledger.create(folder)
    for depth in depths:
        trials = [
            trial(depth=depth, filters=filters, seed=seed, architecture=architecture)
            for filters in (1, 2)
            for seed in seeds
            for architecture in ("sequential", "parallel")
        ]
        ledger.publish(to_tables([result(each, loss(each)) for each in trials]))
    return analysis.open(folder)


def losses(each: Trial) -> float:
    noise = np.random.default_rng([each.depth, each.filters, each.seed]).normal(scale=0.05)
    return 1.0 + noise + (0.1 * each.depth * each.filters if each.architecture == "parallel" and each.depth > 1 else 0)


def test_pairs_agree_in_all_but_the_arrangement(tmp_path):
    pairs = store_of(tmp_path, losses).pairs("val_loss")
    assert pairs.num_rows == 3 * 2 * 3
    for row in pairs.to_pylist():
        both = [
            trial(depth=row["depth"], filters=row["filters"], seed=row["seed"], architecture=a)
            for a in ("sequential", "parallel")
        ]
        assert (row["sequential_id"], row["parallel_id"]) == (both[0].trial_id, both[1].trial_id)
        assert row["sequential"] == losses(both[0])
        assert row["difference"] == pytest.approx(losses(both[1]) - losses(both[0]))
        assert row["ratio"] == pytest.approx(losses(both[1]) / losses(both[0]))
        assert row["determination_ratio"] == both[0].determination_ratio


def test_comparison_is_student_over_configurations_without_the_control(tmp_path):
    results = store_of(tmp_path, losses)
    found = analysis.compare(results.pairs("val_loss"))
    means = [0.1 * depth * filters for depth in (2, 4) for filters in (1, 2)]
    low, high = stats.t.interval(0.95, 3, np.mean(means), stats.sem(means))
    assert (found.pairs, found.configurations, found.incomplete) == (12, 4, 0)
    assert found.difference == pytest.approx(np.mean(means))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.parallel - found.sequential == pytest.approx(found.difference)


def test_controls_are_identical_or_not(tmp_path):
    results = store_of(tmp_path / "good", losses)
    pairs = [results.pairs(metric) for metric in ("val_loss", "train_loss")]
    assert analysis.controls(*pairs) == analysis.Controls(pairs=6, identical=6, rounded=0)
    for error, rounded in ((1e-9, 2), (1e-2, 0)):
        changed = store_of(tmp_path / f"{error}", lambda each, error=error: losses(each) + error * _odd_one(each))
        assert analysis.controls(changed.pairs("val_loss")) == analysis.Controls(pairs=6, identical=4, rounded=rounded)


def _odd_one(each: Trial) -> bool:
    return each.depth == 1 and each.seed == 1 and each.architecture == "parallel"


def test_diverged_sides_are_counted_not_averaged(tmp_path):
    ledger = Ledger.create(tmp_path)
    sides = [trial(depth=2, architecture=architecture) for architecture in ("sequential", "parallel")]
    ledger.publish(to_tables([result(sides[0], 1.0), TrialResult(sides[1], "diverged", diverged_epoch=1)]))
    pairs = analysis.open(tmp_path).pairs("val_loss")
    assert pairs.select(["sequential_status", "parallel_status", "difference"]).to_pylist() == [
        {"sequential_status": "finished", "parallel_status": "diverged", "difference": None}
    ]
    found = analysis.compare(pairs)
    assert (found.pairs, found.incomplete) == (0, 1)
    assert math.isnan(found.difference)


def test_results_are_open_while_a_sweep_writes(tmp_path):
    results = store_of(tmp_path, losses, depths=(1,))
    Ledger.create(tmp_path).publish(to_tables([result(trial(depth=8), 1.0)]))
    assert results.trials.num_rows == 12
    assert analysis.open(tmp_path).trials.num_rows == 13


def test_an_empty_store_has_empty_tables(tmp_path):
    Ledger.create(tmp_path)
    results = analysis.open(tmp_path)
    assert results.trials.num_rows == results.curves.num_rows == results.pairs("val_loss").num_rows == 0


def test_sql_sees_no_python_variable(tmp_path):
    results = store_of(tmp_path, losses, depths=(1,))
    secret = results.trials
    assert secret.num_rows
    with pytest.raises(SweepError, match="secret"):
        results.sql("select * from secret")


@pytest.mark.parametrize("metric", ["no_such", "seed", "trial_id"])
def test_an_unknown_metric_is_refused(tmp_path, metric):
    with pytest.raises(SweepError, match="val_loss"):
        store_of(tmp_path, losses, depths=(1,)).pairs(metric)


def test_a_damaged_store_is_refused_until_it_is_whole_again(tmp_path):
    store_of(tmp_path, losses, depths=(1,))
    victim = next((tmp_path / "trials").iterdir())
    victim.write_bytes(victim.read_bytes()[:-1])
    with pytest.raises(SweepError, match="damaged"):
        analysis.open(tmp_path)
    store_of(tmp_path, losses, depths=(1,))
    assert analysis.open(tmp_path).trials.num_rows == 12
