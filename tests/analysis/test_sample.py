"""Matched pairs as arrays: which pairs are in a sample, what a configuration is, and what strata are made of."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import analysis
from analysis.chance import LEAST, MOST, guessing
from analysis.questions.equivalence.sample import (
    Q_INTERVALS,
    Sample,
    make_sample,
    ordered_levels,
    q_interval,
    sampled,
)
from analysis.questions.equivalence.strata import heterogeneity
from sweep.result import TrialResult
from sweep.trial import Trial

SIDES = ("sequential", "parallel")


def trial(**factors) -> Trial:
    return Trial("test", **{"dataset": "digits", "epochs": 1, **factors})


def loss(each: Trial) -> float:
    return (
        1.0 + each.seed / 8 + each.depth / 16 + each.filters / 4 + (each.architecture != "sequential") * each.seed / 32
    )


@pytest.fixture
def sample(make_pairs, end) -> Callable[..., Sample]:
    """The sample of trials whose factors have the given levels."""

    def make(**levels) -> Sample:
        names = {"seed": [0, 1, 2], "architecture": SIDES, **levels}
        trials = [trial(**dict(zip(names, each, strict=True))) for each in itertools.product(*names.values())]
        return make_sample(make_pairs([end(each, loss(each)) for each in trials]), "val_loss")

    return make


def test_seeds_are_of_one_configuration_and_depth_1_is_left_out(sample):
    found = sample(depth=[1, 2, 4], filters=[1, 2])
    assert (len(found), found.configurations) == (12, 4)
    assert 1 not in found.columns["depth"]
    for configuration in range(4):
        mine = found.configuration == configuration
        assert mine.sum() == 3
        assert all(len(np.unique(found.columns[name][mine])) == 1 for name in ("depth", "filters"))
        depth, filters = found.columns["depth"][mine][0], found.columns["filters"][mine][0]
        expected = [loss(trial(depth=int(depth), filters=int(filters), seed=seed)) for seed in range(3)]
        assert sorted(found.sequential[mine]) == expected


def test_the_sample_of_a_store_is_that_of_its_pairs(make_store, make_pairs, end):
    trials = [trial(depth=depth, seed=seed, architecture=side) for depth in (2, 4) for seed in (0, 1) for side in SIDES]
    results = [end(each, loss(each)) for each in trials]
    stored = make_sample(analysis.open(make_store(results)).pairs(), "val_loss")
    made = make_sample(make_pairs(results), "val_loss")
    order = [np.lexsort((each.sequential, each.columns["depth"])) for each in (stored, made)]
    for name in ("sequential", "parallel", "sequential_status", "determination_ratio", "seed", "chance"):
        assert getattr(stored, name)[order[0]].tolist() == getattr(made, name)[order[1]].tolist()
    assert stored.strata == made.strata


@pytest.mark.parametrize("contrast", ["mixed/sequential", "parallel/mixed"])
def test_mixed_networks_are_samples_of_their_own_by_stages(make_pairs, end, contrast):
    arrangements = [("sequential", 0), ("parallel", 0), ("mixed", 2), ("mixed", 4)]
    trials = [
        trial(depth=8, seed=seed, architecture=architecture, stages=stages)
        for architecture, stages in arrangements
        for seed in (0, 1)
    ]
    pairs = make_pairs([end(each, loss(each)) for each in trials])
    found = make_sample(pairs, "val_loss", contrast)
    assert (len(found), found.configurations) == (4, 2)
    assert found.strata == ("stages",)
    assert set(found.columns["stages"]) == {2, 4}
    whole = make_sample(pairs, "val_loss")
    assert (len(whole), whole.configurations, whole.strata) == (2, 1, ())


def test_a_side_without_a_value_is_not_a_number_and_its_status_is_kept(make_pairs, end):
    sides = [trial(depth=2, architecture=side) for side in SIDES]
    found = make_sample(make_pairs([end(sides[0], 1.5), end(sides[1], status="diverged")]), "val_loss")
    assert found.sequential.tolist() == [1.5]
    assert np.isnan(found.parallel).all()
    assert not found.complete.any()
    assert found.count("diverged") == (0, 1)
    assert found.count("finished") == (1, 0)
    # On the scale of ratios, what diverged has the loss of guessing; accuracies have nothing to stand for it.
    assert found.contrast("ratio").tolist() == pytest.approx([math.log(math.log(10) / 1.5)])
    assert np.isnan(found.contrast("difference")).all()


def outcomes(sequential: float, parallel: float, *status: str) -> Sample:
    return Sample(
        "val_loss",
        np.array([sequential]),
        np.array([parallel]),
        np.zeros(1, int),
        np.array(status[:1]),
        np.array(status[1:]),
        np.ones(1),
        np.zeros(1, int),
        np.array([math.log(10)]),
    )


@pytest.mark.parametrize(
    ("sequential", "parallel", "ratio"),
    [
        (2.0, 1.0, math.log(0.5)),
        (1.0, 1.5, math.log(1.5)),
        (0.0, 0.0, 0.0),
        (1e-320, 0.0, 0.0),
        (LEAST, 0.0, 0.0),
        (1.0, 0.0, math.log(LEAST)),
        (0.0, 1.0, -math.log(LEAST)),
        (1.0, 1e300, math.log(MOST)),
        (1e300, 1e13, 0.0),
    ],
)
def test_log_ratio_and_difference_are_parallel_against_sequential(sequential, parallel, ratio):
    found = outcomes(sequential, parallel, "finished", "finished")
    assert found.contrast("ratio").tolist() == pytest.approx([ratio])
    assert found.contrast("difference").tolist() == [parallel - sequential]
    assert found.complete.tolist() == [True]


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize(
    ("status", "outcome"), [("diverged", math.log(10)), ("failed", math.nan), ("missing", math.nan)]
)
def test_a_diverged_side_has_the_loss_of_guessing_and_others_that_lack_have_none(side, status, outcome):
    values, statuses = [1.5, 1.5], ["finished", "finished"]
    values[side], statuses[side] = math.nan, status
    found = outcomes(values[0], values[1], *statuses)
    assert found.outcomes[side].tolist() == pytest.approx([outcome], nan_ok=True)
    assert found.outcomes[1 - side].tolist() == [1.5]
    assert not found.complete.any()


def test_pairs_of_which_both_sides_diverged_have_no_outcome():
    found = outcomes(math.nan, math.nan, "diverged", "diverged")
    assert np.isnan(found.outcomes).all()
    assert np.isnan(found.contrast("ratio")).all()


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_a_network_that_finished_without_a_finite_loss_diverged(make_pairs, end, value):
    sides = [trial(depth=2, architecture=side) for side in SIDES]
    found = make_sample(make_pairs([end(sides[0], 1.5), end(sides[1], value)]), "val_loss")
    assert (found.count("diverged"), found.count("finished")) == ((0, 1), (1, 0))
    assert found.contrast("ratio").tolist() == pytest.approx([math.log(math.log(10) / 1.5)])


@pytest.mark.parametrize("dataset", ["digits", "mnist", "cifar10"])
def test_the_loss_of_guessing_is_the_logarithm_of_the_number_of_classes(make_pairs, end, dataset):
    trials = [
        trial(dataset=dataset, depth=depth, filters=filters, architecture=side, train_samples=samples)
        for depth in (1, 16)
        for filters in (1, 13)
        for samples in (10, 1437)
        for side in SIDES
    ]
    assert guessing(make_pairs([end(each) for each in trials])).tolist() == pytest.approx([math.log(10)] * 8)


@pytest.mark.parametrize("classes", [2, 3, 100, 1000])
@pytest.mark.parametrize("parameters", [7, 12_345, 10**9])
def test_the_number_of_classes_follows_from_the_determination_ratio(classes, parameters):
    for samples in (10, 60_000, 1_281_167):
        columns = {
            "determination_ratio": samples * classes / parameters,
            "parameters": parameters,
            "train_samples": samples,
        }
        rows = pa.table({name: [value] for name, value in columns.items()})
        assert guessing(rows) == pytest.approx(math.log(classes))


def test_draws_say_whether_seeds_are_shared(make_pairs, end):
    for draws, crossed in ((("nested",), False), (("crossed",), True), (("nested", "crossed"), True)):
        trials = [trial(depth=2, architecture=side, draws=each) for each in draws for side in SIDES]
        found = make_sample(make_pairs([end(each) for each in trials]), "val_loss")
        assert (found.crossed, found.configurations) == (crossed, 1)
        assert found.where(np.ones(len(found), bool)).crossed is crossed


def test_a_part_of_a_sample_numbers_its_configurations_anew(sample):
    found = sample(depth=[2, 4, 8])
    part = found.where(found.columns["depth"] >= 4)
    assert (len(part), part.configurations) == (6, 2)
    assert set(part.configuration) == {0, 1}
    assert set(part.columns["depth"]) == {4, 8}
    nothing = found.where(np.zeros(len(found), dtype=bool))
    assert (len(nothing), nothing.configurations) == (0, 0)


def test_no_pairs_are_an_empty_sample(make_pairs):
    found = make_sample(make_pairs([]), "val_loss")
    assert (len(found), found.configurations, found.strata) == (0, 0, ())


@pytest.mark.parametrize(
    ("levels", "strata"),
    [
        ({"depth": [2]}, ()),
        ({"depth": [2, 4]}, ("depth",)),
        ({"depth": [2, 4], "filters": [1, 2]}, ("Q", "depth", "filters")),
        (
            {"depth": [2, 4], "learning_rate": [1e-3, 3e-4], "activation": ["relu", "tanh"]},
            ("depth", "activation", "learning_rate"),
        ),
        # The number and the size of the images come with the data set, and at one size of network so does Q.
        ({"depth": [2, 4], "dataset": ["mnist", "cifar10"]}, ("dataset", "depth")),
        # Where Q tells the filters and they tell it, it is Q that goes; never a factor.
        ({"depth": [2, 4], "filters": [1, 32]}, ("depth", "filters")),
        ({"depth": [2, 4], "dataset": ["mnist", "cifar10"], "filters": [1, 20]}, ("dataset", "Q", "depth", "filters")),
    ],
)
def test_strata_are_factors_that_vary_and_are_not_implied_by_another(sample, levels, strata):
    assert sample(**levels).strata == strata


def test_a_factor_that_is_coarser_than_another_is_implied_by_it(make_pairs, end):
    """Each optimizer comes with momenta of its own: these tell it, but it does not tell them."""
    kinds = [("adamw", 0.0, 0.0), ("sgd", 0.5, 1e-4), ("sgd", 0.9, 1e-4)]
    trials = [
        trial(depth=2, architecture=side, optimizer=optimizer, momentum=momentum, weight_decay=decay)
        for optimizer, momentum, decay in kinds
        for side in SIDES
    ]
    found = make_sample(make_pairs([end(each) for each in trials]), "val_loss")
    assert found.strata == ("optimizer", "momentum")


def test_budget_size_and_seed_are_no_strata(sample):
    found = sample(depth=[2, 4], filters=[1, 8])
    assert not {"seed", "study", "parameters", "forward_flops", "determination_ratio"} & set(found.strata)
    assert set(found.strata) == {"depth", "filters"}


def test_another_budget_is_another_training_of_the_same_configuration(sample):
    found = sample(depth=[2], filters=[1, 8], epochs=[1, 2, 5], seed=[0, 1])
    assert (len(found), found.configurations, set(found.columns["epochs"])) == (12, 2, {1, 2, 5})
    assert "epochs" in found.strata
    assert found.where(found.columns["epochs"] == 2).configurations == 2


def test_a_training_that_is_measured_in_several_ways_counts_once(sample):
    found = sample(depth=[2, 4], measure=["none", "lesions", "paths"])
    assert (len(found), found.configurations, found.strata) == (6, 2, ("depth",))
    assert not {"measure", "lesion_draws", "most_deleted", "finetune_epochs", "path_draws"} & found.columns.keys()
    draws = sample(depth=[2, 4], measure=["lesions"], lesion_draws=[10, 20], most_deleted=[1, 2])
    assert (len(draws), draws.configurations, draws.strata) == (6, 2, ("depth",))


def test_a_training_that_two_studies_share_counts_once(make_pairs, end):
    trials = [
        Trial(study, dataset="digits", depth=2, seed=seed, architecture=side)
        for study in ("one", "two")
        for seed in (0, 1)
        for side in SIDES
    ]
    found = make_sample(make_pairs([end(each) for each in trials]), "val_loss")
    assert (len(found), found.configurations) == (2, 1)


def test_of_copies_the_pair_that_came_furthest_counts_wherever_it_stands(make_pairs, end):
    measures: list[dict[str, Any]] = [{}, *({"measure": "lesions", "lesion_draws": draws} for draws in (1, 2, 3))]
    for place in range(len(measures)):
        results: list[TrialResult | Trial] = []
        for number, fields in enumerate(measures):
            one, other = (trial(depth=2, architecture=side, **fields) for side in SIDES)
            if number == place:
                results += [end(one, 3.0), end(other, 4.0)]
            else:
                results += [end(one, 1.0), end(other, status="failed") if number % 2 else other]
        pairs = make_pairs(results)
        for rows in (pairs, pairs.take(list(reversed(range(pairs.num_rows))))):
            found = make_sample(rows, "val_loss")
            assert (found.sequential.tolist(), found.parallel.tolist()) == ([3.0], [4.0])


def test_which_of_equal_copies_counts_does_not_depend_on_their_order(make_pairs, end):
    trials = [
        trial(depth=2, architecture=side, measure="lesions", lesion_draws=draws)
        for draws in range(1, 6)
        for side in SIDES
    ]
    pairs = make_pairs([end(each, float(each.lesion_draws)) for each in trials])
    taken = [sampled(pairs.take(np.random.default_rng(n).permutation(5)))["pair_id"].to_pylist() for n in range(8)]
    assert taken == [[min(pairs["pair_id"].to_pylist())]] * 8


def test_every_control_is_looked_at(make_pairs, end):
    trials = [trial(depth=1, architecture=side, measure=measure) for measure in ("none", "paths") for side in SIDES]
    assert analysis.controls({"val_loss": make_pairs([end(each) for each in trials])}).pairs == 2


def test_another_method_is_another_training_of_the_same_configuration(make_pairs, end):
    methods: list[dict[str, Any]] = [
        {},
        {"pretrain_epochs": 2},
        *({"method": "droppath", "drop_rate": rate} for rate in (0.1, 0.3)),
    ]
    trials = [
        trial(network="preresnet", depth=depth, filters=4, seed=seed, architecture=side, **fields)
        for depth in (14, 20)
        for seed in (0, 1)
        for fields in methods
        for side in SIDES
    ]
    found = make_sample(make_pairs([end(each, loss(each)) for each in trials]), "val_loss")
    assert (len(found), found.configurations) == (16, 2)
    # As budgets, they are strata; within a configuration they are no evidence on what it depends on.
    assert {"pretrain_epochs", "drop_rate"} < set(found.strata)
    assert {row["factor_a"] for row in heterogeneity("digits", found)} == {"depth"}


@pytest.mark.parametrize(
    ("ratio", "interval"),
    [(0.0, 0), (0.999, 0), (1.0, 1), (2.999, 1), (3.0, 2), (9.999, 2), (10.0, 3), (1e9, 3)],
)
def test_intervals_of_q_hold_their_lower_end(ratio, interval):
    assert q_interval([ratio]).tolist() == [interval]


@pytest.mark.parametrize(
    ("levels", "ordered"),
    [
        ([8, 2, 4, 2], [2, 4, 8]),
        (["tanh", "relu"], ["relu", "tanh"]),
        ([Q_INTERVALS[3], Q_INTERVALS[0], Q_INTERVALS[2]], [Q_INTERVALS[0], Q_INTERVALS[2], Q_INTERVALS[3]]),
        ([], []),
    ],
)
def test_levels_are_shown_in_their_own_order(levels, ordered):
    assert ordered_levels(np.array(levels)) == ordered


def test_seeds_that_a_side_lacks_stay_in_the_configuration(make_pairs, end):
    results: list[TrialResult | Trial] = [
        end(trial(depth=2, seed=seed, architecture=side))
        if (side, seed) != ("parallel", 1)
        else trial(depth=2, seed=1, architecture="parallel")
        for side in SIDES
        for seed in range(3)
    ]
    found = make_sample(make_pairs(results), "val_loss")
    assert (len(found), found.configurations, int(found.complete.sum())) == (3, 1, 2)
    assert found.count("missing") == (0, 1)
