"""Lesions of networks with known errors: of each network, between networks, and what is not there."""

import math

import numpy as np
import pytest

import analysis
from analysis.measurements import Study
from analysis.questions.lesions.summary import LesionedNetwork, find_lesions
from analysis.questions.lesions.tables import differences
from sweep.trial import Trial

STOCHASTIC = {"method": "droppath", "drop_rate": 0.5, "rescale": "evaluation"}


def resnet(seed: int = 0, **fields) -> Trial:
    """A ResNet-20 of nine blocks, the fourth and seventh of which change the shape."""
    same = {"dataset": "cifar10", "epochs": 1, "network": "preresnet", "depth": 20, "measure": "lesions"}
    return Trial("test", **{**same, "seed": seed, **fields})


def rises(error: float, others: float, transitions: float) -> list[float]:
    """Errors after deleting each of nine blocks."""
    return [error + (transitions if block in (3, 6) else others) for block in range(9)]


@pytest.fixture
def lesions_of(make_store):
    def of(results, planned=()) -> Study[LesionedNetwork] | None:
        return find_lesions(analysis.open(make_store(results, planned)), "test")

    return of


@pytest.fixture
def lesioned(end, lesion_rows):
    """A trial that finished with the given rise of its error by single deletions."""

    def of(trial: Trial, error=0.1, others=0.01, transitions=0.2, **more):
        return end(trial, measurements=lesion_rows(error, rises(error, others, transitions), (3, 6), **more))

    return of


def test_increases_are_over_the_whole_networks_error_and_by_kind_of_block(lesions_of, lesioned):
    found = lesions_of([lesioned(resnet(seed), 0.1 + seed / 100, 0.01 + seed / 100) for seed in (0, 1, 2)])
    (network,) = found.networks
    assert (network.label, len(network.seeds), network.blocks) == ("pre-activation ResNet-20", 3, 9)
    assert network.changes_shape.nonzero()[0].tolist() == [3, 6]
    means = {name: float(each.mean) for name, each in network.quantities.items()}
    assert means == pytest.approx(
        {
            "error": 0.11,
            "loss": 0.22,
            "median": 0.02,
            "mean": (7 * 0.02 + 2 * 0.2) / 9,
            "largest": 0.2,
            "transitions": 0.2,
            "others": 0.02,
        }
    )
    half = 4.302652729749464 * 0.01 / math.sqrt(3)
    assert network.quantities["others"].high == pytest.approx(0.02 + half)
    assert network.deleted.mean == pytest.approx(rises(0.11, 0.02, 0.2))
    assert network.deleted.lowest[0] == pytest.approx(0.11)
    assert network.deleted.highest[0] == pytest.approx(0.15)


def test_draws_are_averaged_within_a_network_before_seeds_are(lesions_of, lesioned):
    some = {1: [0.1, 0.2, 0.3, 0.4, 0.5], 4: [0.8, 0.8, 0.8, 0.8, 0.9]}
    reordered = {2: [(0.9, 0.2), (0.7, 0.4)]}
    less = {1: [0.1] * 20}
    found = lesions_of([lesioned(resnet(0), some=some, reordered=reordered), lesioned(resnet(1), some=less)])
    deleted, swapped = (found.networks[0].by_size[lesion] for lesion in ("delete-some", "reorder"))
    assert [(each.size, each.seeds, each.draws) for each in deleted] == [(1, 2, 25), (4, 1, 5)]
    assert [each.error.value for each in deleted] == pytest.approx([0.2, 0.82])
    assert [each.median for each in deleted] == pytest.approx([0.2, 0.8])
    assert (deleted[0].quartile_1, deleted[0].quartile_3) == (pytest.approx(0.15), pytest.approx(0.25))
    assert all(math.isnan(each.kendall_tau) for each in deleted)
    (swap,) = swapped
    assert (swap.size, swap.draws) == (2, 2)
    assert (swap.kendall_tau, swap.median) == (pytest.approx(0.8), pytest.approx(0.3))


def test_one_seed_has_no_interval(lesions_of, lesioned):
    (network,) = lesions_of([lesioned(resnet())]).networks
    assert network.quantities["mean"].n == 1
    assert math.isnan(network.quantities["mean"].low)


def test_a_training_counts_once_however_often_it_was_measured(lesions_of, lesioned):
    every = [lesioned(resnet(), 0.1), lesioned(resnet(lesion_draws=99), 0.2), lesioned(resnet(1, lesion_draws=99), 0.2)]
    (network,) = lesions_of(every).networks
    assert len(network.seeds) == 2
    assert network.quantities["error"].mean == pytest.approx(0.2)


def test_what_failed_is_counted_and_has_no_lesions(lesions_of, lesioned, end):
    every = [resnet(seed) for seed in range(6)]
    ends = [lesioned(every[0]), end(every[1], status="failed"), end(every[2], status="diverged"), end(every[3])]
    other = end(resnet(0, measure="none"))
    found = lesions_of([*ends, other], every)
    ends = {"planned": 6, "finished": 2, "diverged": 1, "failed": 1, "missing": 2}
    assert found.counts == {**ends, "finished_without_measurements": 1}
    assert [len(network.seeds) for network in found.networks] == [1]


def test_without_lesions_nothing_is_found(lesions_of, end):
    assert lesions_of([end(resnet(measure="none"))]) is None
    assert lesions_of([end(resnet(), status="failed")]) is None
    assert lesions_of([end(resnet())]) is None


def test_an_undefined_error_is_left_out(lesions_of, end, lesion_rows):
    deleted = [0.2, None, 0.4, *[0.3] * 6]
    (network,) = lesions_of([end(resnet(), measurements=lesion_rows(0.1, deleted))]).networks
    assert np.isnan(network.deleted.mean[1])
    assert network.quantities["largest"].mean == pytest.approx(0.3)
    assert math.isnan(network.quantities["transitions"].mean)


def test_parallel_networks_are_compared_with_their_twins_seed_by_seed(lesions_of, lesioned):
    pairs = [
        lesioned(resnet(seed, architecture=side), others=0.01 + (side == "parallel") * (0.02 + 0.01 * seed))
        for seed in (0, 1, 2)
        for side in ("sequential", "parallel")
    ]
    alone = lesioned(resnet(3, architecture="parallel"), others=0.5)
    rows = differences(lesions_of([*pairs, alone]).networks)
    assert {each["contrast"] for each in rows} == {"arrangement"}
    found = {each["quantity"]: each for each in rows}
    assert set(found) == {"error", "mean", "transitions", "others"}
    others = found["others"]
    assert (others["first"], others["second"]) == ("pre-activation ResNet-20, parallel", "pre-activation ResNet-20")
    assert (others["pairs"], others["difference"].value) == (3, pytest.approx(0.03))
    assert others["difference"].low == pytest.approx(0.03 - 4.302652729749464 * 0.01 / math.sqrt(3))
    assert found["transitions"]["difference"].value == pytest.approx(0, abs=1e-12)


def test_methods_are_compared_with_plain_training_of_the_same_network_and_seed(lesions_of, lesioned):
    plain = [lesioned(resnet(seed), transitions=0.2) for seed in (0, 1)]
    dropped = [lesioned(resnet(seed, **STOCHASTIC), transitions=0.1 + seed / 100) for seed in (0, 1)]
    deeper = [lesioned(resnet(seed, **STOCHASTIC, epochs=2), transitions=0.9) for seed in (0, 1)]
    rows = differences(lesions_of([*plain, *dropped, *deeper]).networks)
    assert {each["contrast"] for each in rows} == {"method"}
    compared = {each["quantity"]: each for each in rows}
    assert {each["second"] for each in compared.values()} == {"pre-activation ResNet-20"}
    assert compared["transitions"]["first"] == "pre-activation ResNet-20, stochastic depth 0.5, 1 epoch"
    assert (compared["transitions"]["pairs"], compared["transitions"]["difference"].value) == (2, pytest.approx(-0.095))
    assert compared["others"]["difference"].value == pytest.approx(0, abs=1e-12)


def test_swaps_that_restore_the_order_are_no_lesion(make_store, end, lesion_rows):
    rows = lesion_rows(0.1, [0.2] * 9, (3, 6), reordered={2: [(1.0, 0.1), (0.9, 0.5), (0.8, 0.7)]})
    lesions = find_lesions(
        analysis.open(
            make_store([end(Trial("test", network="preresnet", depth=20, measure="lesions"), measurements=rows)])
        ),
        "test",
    )
    assert lesions is not None
    (swapped,) = lesions.networks[0].by_size["reorder"]
    assert (swapped.size, swapped.draws) == (2, 2)
    assert (swapped.error.value, swapped.kendall_tau) == (pytest.approx(0.6), pytest.approx(0.85))
