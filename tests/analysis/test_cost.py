"""What both arrangements cost, against the same by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import analysis
from analysis.questions.equivalence.cost import cost_by_depth, cost_pairs
from sweep.result import TrialResult
from sweep.trial import Trial

SECONDS = {2: [(2.0, 1.0), (4.0, 4.0), (8.0, 2.0)], 4: [(3.0, 6.0)]}


def trial(side: str, **factors) -> Trial:
    return Trial(**{"study": "test", "dataset": "digits", "epochs": 1, "architecture": side, **factors})


@pytest.fixture
def store(make_store, end) -> Path:
    """Pairs with the seconds above, and many that are not to be compared."""
    results: list[TrialResult] = []
    for depth, pairs in SECONDS.items():
        for seed, (sequential, parallel) in enumerate(pairs):
            results.append(end(trial("sequential", depth=depth, seed=seed), 1.0, seconds=sequential))
            results.append(end(trial("parallel", depth=depth, seed=seed), 2.0 + seed, seconds=parallel))
    for seed, (side, changes) in enumerate(
        [
            ("parallel", {"device": "another"}),
            ("parallel", {"status": "diverged"}),
            ("sequential", {"status": "failed"}),
            ("sequential", {"seconds": 0.0}),
        ],
        start=10,
    ):
        for each in ("sequential", "parallel"):
            results.append(
                end(trial(each, depth=2, seed=seed), **({"seconds": 100.0} | (changes if each == side else {})))
            )
    results.append(end(trial("sequential", depth=2, seed=99), seconds=100.0))
    results += [end(trial("mixed", depth=4, stages=2, seed=0), seconds=100.0)]
    results += [end(trial(each, depth=2, study="other"), seconds=100.0) for each in ("sequential", "parallel")]
    return make_store(results)


def test_pairs_that_finished_on_one_kind_of_device_are_compared(store):
    rows = cost_pairs(analysis.open(store), "test").to_pylist()
    found = [(row["depth"], row["sequential_seconds"], row["parallel_seconds"]) for row in rows]
    assert sorted(found) == sorted((depth, *pair) for depth, pairs in SECONDS.items() for pair in pairs)
    assert {row["flops_ratio"] for row in rows} == {1.0}
    assert {(row["dataset"], row["device"]) for row in rows} == {("digits", "cpu")}
    assert sorted(row["parallel_loss"] for row in rows) == [2.0, 2.0, 3.0, 4.0]
    assert {row["sequential_loss"] for row in rows} == {1.0}


def test_a_depth_is_summed_up_by_median_and_quartiles(store):
    rows = cost_by_depth(cost_pairs(analysis.open(store), "test")).to_pylist()
    assert [row["depth"] for row in rows] == [2, 4]
    for row in rows:
        sequential, parallel = np.array(SECONDS[row["depth"]]).T
        ratios = parallel / sequential
        expected: dict[str, Any] = {
            "dataset": "digits",
            "device": "cpu",
            "depth": row["depth"],
            "pairs": len(ratios),
            "seconds_ratio": np.median(ratios),
            "low": np.quantile(ratios, 0.25),
            "high": np.quantile(ratios, 0.75),
            "sequential_seconds": np.median(sequential),
            "parallel_seconds": np.median(parallel),
            "flops_ratio": 1.0,
        }
        assert row == pytest.approx(expected)


def test_devices_and_data_sets_are_kept_apart(make_store, end):
    store = make_store(
        end(trial(side, depth=2, dataset=dataset, seed=seed), device=device)
        for dataset in ("digits", "mnist")
        for seed, device in enumerate(("a", "b"))
        for side in ("sequential", "parallel")
    )
    rows = cost_by_depth(cost_pairs(analysis.open(store), "test")).to_pylist()
    kinds = [("digits", "a"), ("digits", "b"), ("mnist", "a"), ("mnist", "b")]
    assert [(row["dataset"], row["device"]) for row in rows] == kinds
    assert {row["pairs"] for row in rows} == {1}


def test_without_a_pair_to_compare_the_tables_are_empty(make_store, end):
    pairs = cost_pairs(analysis.open(make_store([end(trial("sequential", depth=2))])), "test")
    assert pairs.num_rows == cost_by_depth(pairs).num_rows == 0
