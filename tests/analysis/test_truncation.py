"""Truncations of networks with known losses."""

import math

import pytest

import analysis
from analysis.report.parts import truncation
from analysis.truncation import find_truncations
from sweep.trial import Trial


def stack(seed: int = 0, **fields) -> Trial:
    same = {"dataset": "digits", "epochs": 1, "depth": 4, "measure": "truncation", "finetune_epochs": 1}
    return Trial("test", **{**same, "seed": seed, **fields})


@pytest.fixture
def results(make_store, end, truncation_rows):
    every = [
        end(stack(seed), 0.5, measurements=truncation_rows({1: 4.0 + seed, 2: 1.0, 4: 0.5}, {1: 0.8, 4: 0.4}))
        for seed in (0, 2)
    ]
    every.append(end(stack(3), 0.5, measurements=truncation_rows({1: math.inf, 2: None, 4: 0.5})))
    every.append(end(stack(4), status="diverged"))
    every.append(end(stack(0, architecture="parallel"), 0.6, measurements=truncation_rows({1: 0.6}, {1: 0.5})))
    return analysis.open(make_store(every, [each.trial for each in every] + [stack(5)]))


def test_figures_by_order_are_means_over_the_seeds_that_have_one(results):
    found = find_truncations(results, "test")
    assert found is not None
    assert found.states == {"planned": 6, "finished": 4, "diverged": 1, "failed": 0, "missing": 1}
    sequential, parallel = found.networks
    assert (sequential.label, sequential.seeds) == ("stack of 4, sequential", 3)
    assert (parallel.label, parallel.seeds) == ("stack of 4, parallel", 1)
    assert sequential.loss.mean == pytest.approx(0.5)
    trained, tuned = sequential.orders["truncate"], sequential.orders["truncate-finetuned"]
    assert trained.order.tolist() == [1, 2, 4]
    assert trained.loss.n.tolist() == [2, 2, 3]
    assert trained.loss.mean == pytest.approx([5.0, 1.0, 0.5])
    assert trained.error.mean[0] == pytest.approx(0.5)
    assert (tuned.order.tolist(), tuned.loss.mean.tolist()) == ([1, 4], [pytest.approx(0.8), pytest.approx(0.4)])


@pytest.mark.usefixtures("unrendered")
def test_the_part_says_the_lowest_order_and_draws_networks_that_have_one(results, monkeypatch):
    drawn = []
    monkeypatch.setattr("analysis.figures.draw_truncation", drawn.append)
    part = truncation.make(results, "test")
    assert part is not None
    assert part.verdict == (
        "truncated to order 1, stack of 4, sequential goes in validation loss from 0.50 to 5.00, "
        "fine-tuned from 0.40 to 0.80"
    )
    assert [[each.label for each in networks] for networks in drawn] == [["stack of 4, sequential"]]
    rows = part.tables["truncation"].to_pylist()
    assert {row["network"] for row in rows} == {"stack of 4, sequential", "stack of 4, parallel"}
    (first,) = (
        row
        for row in rows
        if row["seeds"] == 2 and row["truncation"] == "truncate" and row["metric"] == "loss" and row["order"] == 1
    )
    assert (first["mean"], first["lowest"], first["highest"]) == (5.0, 4.0, 6.0)


def test_without_truncations_there_is_no_part(make_store, end):
    results = analysis.open(make_store([end(stack(measure="none", finetune_epochs=0)), end(stack(1))]))
    assert truncation.make(results, "test") is None
