"""What it takes to conclude anything: a control, enough pairs, and seeds that are counted once."""

import math
from dataclasses import replace

import numpy as np
import pyarrow.compute as pc
import pytest

import analysis
from analysis.equivalence.verdict import Verdict
from analysis.questions.equivalence.assessment import Assessment
from analysis.results import METRICS
from sweep.trial import Trial
from tests.analysis.rules.trials import WIDTHS, caveat, judged, learning, replaced, study, withheld

# The control.


def test_where_every_parallel_network_of_one_block_failed_nothing_is_trusted(judge):
    found = judge(lambda each: "failed" if (each.depth, each.architecture) == (1, "parallel") else learning(each))
    assert withheld(found, "the control says nothing: none of 72 depth-1 pairs has a value on both sides")


def test_where_one_block_differs_by_its_arrangement_nothing_is_trusted(judge):
    found = judge(lambda each: learning(each) * (1.01 if (each.depth, each.architecture) == (1, "parallel") else 1))
    assert withheld(found, "the control fails: 72 of 72 depth-1 pairs differ")


@pytest.mark.parametrize(("identical", "trusted"), [(3, True), (36, True), (37, False), (72, False)])
def test_where_most_deep_pairs_are_identical_nothing_is_trusted(identical, trusted, judge):
    def loss(each: Trial) -> float:
        place = (WIDTHS.index(each.filters) * 2 + (each.activation == "tanh")) * 3 + each.seed
        return learning(replaced(each) if each.depth > 1 and place < identical else each)

    found = judge(loss)
    assert (found.verdict == Verdict.EQUIVALENT) is trusted
    assert trusted or withheld(found, f"{identical} of 72 pairs deeper than one block are identical bit for bit")


def test_a_control_of_several_metrics_may_be_given(ends, make_pairs):
    results = ends(study())
    odd = replace(results[0], epochs=(replace(results[0].epochs[0], train_loss=9.0),))
    results[0] = odd
    pairs = {metric: make_pairs(results, metric) for metric in ("val_loss", "train_loss")}
    assert judged(pairs["val_loss"]).plain
    control = analysis.controls(pairs)
    (found,) = analysis.assess(pairs["val_loss"], control).by_dataset.values()
    assert withheld(found, "the control fails: 1 of 72 depth-1 pairs differ")


# How much there is to go by.


def test_two_configurations_of_one_seed_have_an_estimate_and_no_verdict(judge):
    found = judge(learning, study(widths=[1], seeds=[0]))
    assert found.configurations == 2
    assert found.grid.estimate == pytest.approx(0.0, abs=0.05)
    assert withheld(found, "too few pairs")
    assert math.isnan(found.interval.low)


def test_missing_planned_pairs_withhold_the_verdict(ends, make_store):
    trials = study()
    store = make_store(ends(trials[:-2]), trials)
    found = judged(analysis.open(store).pairs())
    assert (found.counts.missing, found.counts.pairs) == (1, 72)
    assert withheld(found, "1 planned pairs have not been trained")
    make_store(ends(trials[-2:]), folder=store)
    assert judged(analysis.open(store).pairs()).plain


def test_a_pair_of_which_one_side_was_trained_is_missing_too(ends, make_store):
    trials = study()
    found = judged(analysis.open(make_store(ends(trials[:-1]), trials)).pairs())
    assert withheld(found, "1 planned pairs have not been trained")


@pytest.mark.parametrize("value", [1e-320, 0.0, 1e300, 1e13, math.inf, -math.inf, math.nan, -1.0])
@pytest.mark.parametrize("sides", [("sequential",), ("parallel",), ("sequential", "parallel")])
def test_odd_losses_have_a_sensible_outcome(value, sides, ends, make_pairs):
    """In one pair of 72, of a trial that is said to have finished."""

    def loss(each: Trial) -> float:
        hit = (each.depth, each.filters, each.activation, each.seed) == (4, 1, "relu", 0) and each.architecture in sides
        return value if hit else learning(each)

    results = ends(study(), loss)
    for metric in METRICS[:2]:
        found = judged(make_pairs(results, metric))
        numbers = (found.grid.estimate, found.networks.estimate, found.interval.low, found.interval.high)
        assert all(map(math.isfinite, numbers))
        assert found.interval.low < found.grid.estimate < found.interval.high
        lost = not math.isfinite(value)
        assert found.counts.diverged == int(lost)
        assert (found.counts.sequential_diverged, found.counts.parallel_diverged) == tuple(
            int(lost and side in sides) for side in ("sequential", "parallel")
        )


@pytest.mark.parametrize("value", [1e-320, 0.0, 1e300, math.inf, math.nan])
def test_nothing_but_odd_losses_is_no_verdict_of_a_difference(value, judge):
    found = judge(lambda each: value)
    assert found.verdict == Verdict.UNDECIDED or found.is_equivalent
    assert not found.plain


# Where seeds come from.


def test_crossed_seeds_are_the_pieces_of_evidence(ends, make_pairs):
    """A seed's shift is in all configurations alike; what the seeds' means say is all that there is to know."""

    def loss(each: Trial) -> float:
        shift = 0.05 * math.sin(7 * each.seed) if each.architecture == "parallel" and each.depth > 1 else 0.0
        return learning(each) * math.exp(shift)

    found: dict[str, Assessment] = {}
    for draws in ("crossed", "nested"):
        pairs = make_pairs(ends(study(seeds=range(6), draws=draws), loss))
        found[draws] = judged(pairs)
        assert found[draws].crossed is (draws == "crossed")
    crossed, nested = found["crossed"], found["nested"]
    assert crossed.grid.estimate == pytest.approx(nested.grid.estimate)
    deep = make_pairs(ends(study(depths=[4], seeds=range(6), draws="crossed"), loss))
    means = [float(np.mean(np.log(deep.filter(pc.field("seed") == seed)["ratio"].to_numpy()))) for seed in range(6)]
    error = float(np.std(means, ddof=1)) / math.sqrt(6)
    assert crossed.grid.estimate == pytest.approx(np.mean(means))
    assert (crossed.grid.standard_error, crossed.grid.degrees_of_freedom) == (pytest.approx(error), 5)
    assert crossed.grid.standard_error > 2 * nested.grid.standard_error
    assert crossed.interval.low < nested.interval.low < nested.interval.high < crossed.interval.high
    assert nested.seed_effect < 1e-6
    assert not crossed.plain
    assert crossed.is_equivalent
    assert caveat(crossed, "seeds are shared by all configurations")
    assert not caveat(nested, "seeds are shared")
