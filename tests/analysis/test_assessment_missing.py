"""Verdicts where some pairs are not there, or there is little to go by."""

import math
from dataclasses import replace

import numpy as np
import pytest

from analysis.chance import LEAST, MOST
from analysis.equivalence.contrast import LEAST_FREEDOM, LEAST_SEEDS
from analysis.equivalence.verdict import Verdict
from analysis.questions.equivalence.assay import assay
from analysis.questions.equivalence.assessment import Assessment
from analysis.questions.equivalence.sample import make_sample

CHANCE = math.log(10)


def plainly(found: Assessment, *parts: str) -> bool:
    """Whether one of the caveats has all parts."""
    return any(all(part in caveat for part in parts) for caveat in found.caveats)


@pytest.mark.parametrize("side", ["sequential", "parallel"])
@pytest.mark.parametrize("shift", [0.0, 0.2])
def test_a_planned_pair_that_is_missing_withholds_the_verdict(side, shift, ended, made, judged):
    whole = made(shift, n=25)
    assert judged(whole).verdict != Verdict.UNDECIDED
    found = judged(ended(whole, **{side: {5: "missing"}}))
    assert (found.verdict, found.counts.missing) == (Verdict.UNDECIDED, 1)
    assert found.withheld == ("1 planned pairs have not been trained; there is a verdict once all are",)
    assert not found.caveats
    # The numbers are there, of what is.
    assert found.p_equivalence == pytest.approx(judged(whole).p_equivalence, abs=0.01)


def test_a_side_that_failed_leaves_the_verdict_where_chance_in_its_place_gives_the_same(ended, made, judged):
    found = judged(ended(made(0.3, n=26), parallel={8: "failed", 9: "failed"}))
    assert (found.verdict, found.withheld) == (Verdict.SECOND_BETTER, ())
    assert found.failed_as_chance.estimate > found.grid.estimate


def test_a_side_that_failed_undoes_a_verdict_that_chance_in_its_place_would_change(ended, made, judged):
    found = judged(ended(made(0.0, n=48), parallel=dict.fromkeys(range(0, 72, 6), "failed")))
    assert (found.verdict, found.counts.failed) == (Verdict.UNDECIDED, 12)
    assert found.withheld == (
        "12 pairs have a failed side: without them it would be equivalent, with these sides at chance sequential "
        "better",
    )
    # Its mirror names the other side.
    mirror = judged(ended(made(0.0, n=48), sequential=dict.fromkeys(range(0, 72, 6), "failed")))
    assert mirror.withheld == (found.withheld[0].replace("sequential better", "parallel better"),)


def test_failed_sides_are_filled_with_the_loss_of_guessing(sample, ended, judged):
    values = np.full((4, 3), 1.0), np.exp([[0.0] * 3, [0.01] * 3, [-0.5] * 3, [0.0] * 3])
    found = judged(ended(sample(*values), {0: "failed", 11: "failed"}, {4: "failed", 11: "failed"}))
    # Of the pair of which both failed, nothing is known.
    means = [-math.log(CHANCE) / 3, (0.02 + math.log(CHANCE)) / 3, -0.5, 0.0]
    assert found.failed_as_chance.estimate == pytest.approx(np.mean(means))
    assert found.grid.estimate == pytest.approx((0.01 - 0.5) / 4)
    assert found.counts.failed == 3


def test_steady_survivors_do_not_vouch_for_what_is_lost(ended, made, judged):
    """Half of the configurations have a side that failed; the others agree to a per mille."""
    of = made(0.0, spread=1e-3, noise=1e-3, n=48)
    found = judged(ended(of, parallel=dict.fromkeys(range(72), "failed")))
    assert found.grid.p_inside(-found.margin, found.margin) < 1e-6
    assert found.verdict == Verdict.UNDECIDED
    assert "72 pairs have a failed side" in found.withheld[0]


def test_an_undecided_verdict_needs_no_reason_of_what_failed(ended, made, judged):
    of = ended(made(0.05, noise=0.5, n=25), parallel=dict.fromkeys(range(3), "failed"))
    assert (judged(of).verdict, judged(of).withheld) == (Verdict.UNDECIDED, ())


def test_inside_the_margin_is_one_answer_whether_a_difference_is_shown_or_not(ended, made, judged):
    of = ended(made(0.004, noise=0.01, n=96), parallel={3: "failed"})
    found = judged(of)
    filled = found.failed_as_chance
    assert filled.p_inside(-found.margin, found.margin) < found.alpha
    assert (filled.p < found.alpha) != (found.p_difference < found.alpha)
    assert (found.is_equivalent, found.withheld) == (True, ())


def test_a_network_that_diverged_counts_with_the_loss_of_guessing(sample, ended, judged):
    values = np.full((2, 3), 1.0), np.full((2, 3), 2.0)
    found = judged(ended(sample(*values), {0: "diverged", 3: "diverged"}, {1: "diverged", 3: "diverged"}))
    first = (math.log(2 / CHANCE) + math.log(CHANCE) + math.log(2)) / 3
    assert found.grid.estimate == pytest.approx((first + math.log(2)) / 2)
    assert (found.counts.diverged, found.counts.complete) == (3, 3)
    assert (found.counts.sequential_diverged, found.counts.parallel_diverged) == (2, 2)
    assert (found.divergence.sequential_only, found.divergence.parallel_only) == (1, 1)
    assert found.divergence.p_exact == pytest.approx(1.0)


def test_what_both_sides_lost_says_nothing(ended, made, judged):
    places = dict.fromkeys(range(0, 72, 6), "diverged")
    whole, found = judged(made(0.0)), judged(ended(made(0.0), places, places))
    assert (found.counts.diverged, found.counts.sequential_diverged, found.counts.parallel_diverged) == (12, 12, 12)
    assert (found.divergence.sequential_only, found.divergence.parallel_only) == (0, 0)
    assert found.grid.estimate == pytest.approx(whole.grid.estimate, abs=0.005)
    assert not plainly(found, "diverge")
    # Pairs that say nothing are no evidence either: too few are left.
    assert (found.verdict, found.configurations) == (Verdict.UNDECIDED, 24)
    larger = judged(ended(made(0.0, n=48), places, places))
    assert (larger.verdict, larger.withheld) == (Verdict.EQUIVALENT, ())


@pytest.mark.parametrize("side", ["sequential", "parallel"])
def test_a_side_that_diverges_more_often_is_named_and_the_verdict_is_never_plain(side, ended, made, judged):
    # One seed of eight configurations of 100: by configurations, the chance is 2 / 2^8.
    of = ended(made(0.0, n=100), **{side: dict.fromkeys(range(0, 24, 3), "diverged")})
    found = judged(of, margins=replace(judged(made(0.0)).margins, ratio=0.3))
    assert found.divergence.p_exact == pytest.approx(2 / 2**8)
    counts = (
        "8 pairs sequential only, 0 parallel only"
        if side == "sequential"
        else "0 pairs sequential only, 8 parallel only"
    )
    assert found.is_equivalent
    assert f"the {side} networks diverge more often: {counts}" in found.caveats


def test_few_configurations_do_not_show_that_a_side_diverges_more_often(ended, made, judged):
    """All seeds of two configurations are many pairs, and little evidence."""
    found = judged(ended(made(0.0, n=12, seeds=8), parallel=dict.fromkeys(range(16), "diverged")))
    assert found.divergence.parallel_only == 16
    assert found.divergence.p_exact == pytest.approx(0.5)


def test_a_failed_or_missing_pair_is_no_evidence_on_divergence(ended, made, judged):
    of = ended(
        made(0.0, n=12),
        dict.fromkeys(range(12), "failed") | dict.fromkeys(range(12, 24), "missing"),
        dict.fromkeys(range(24), "diverged"),
    )
    found = judged(of)
    assert (found.divergence.sequential_only, found.divergence.parallel_only) == (0, 0)
    assert found.divergence.p_exact == 1


def test_each_pair_is_counted_once_by_the_worst_that_became_of_it(ended, made, judged):
    of = ended(
        made(0.0, n=4, seeds=2),
        {0: "missing", 1: "failed", 2: "diverged", 3: "diverged"},
        {0: "failed", 1: "diverged", 2: "diverged", 4: "missing"},
    )
    counts = judged(of).counts
    assert (counts.pairs, counts.missing, counts.failed, counts.diverged, counts.complete) == (8, 2, 1, 2, 3)
    assert (counts.sequential_diverged, counts.parallel_diverged) == (2, 2)


# What bars a verdict.


def test_a_verdict_takes_enough_pairs_more_than_configurations(made, judged):
    for n, seeds, enough in ((24, 3, True), (23, 3, False), (16, 4, True), (48, 2, False), (500, 1, False)):
        found = judged(made(0.0, n=n, seeds=seeds))
        counted = n * (seeds - 1) if seeds >= LEAST_SEEDS else 0
        assert (counted >= LEAST_FREEDOM) == enough
        assert (found.verdict == Verdict.EQUIVALENT) == enough
        assert enough or found.withheld == (
            "too few pairs: a verdict takes 48 pairs more than configurations, in configurations of 3 seeds or more, "
            f"and there are {counted}",
        )


def test_crossed_seeds_are_counted_over_all_configurations(made, judged):
    found = judged(made(0.0, n=500, seeds=2, crossed=True))
    assert (found.verdict, found.crossed) == (Verdict.UNDECIDED, True)
    assert found.withheld == ("all configurations share 2 seeds, and a verdict takes 3",)
    assert judged(made(0.0, n=4, seeds=8, crossed=True)).verdict == Verdict.EQUIVALENT


@pytest.mark.parametrize("shift", [0.0, -0.3, 0.3])
def test_margins_that_were_declared_too_late_judge_nothing(shift, made, judged):
    found = judged(made(shift), declared_before=False)
    assert found.verdict == Verdict.UNDECIDED
    assert found.withheld == ("the margins were declared after the first result that they would judge",)
    assert not found.beyond


def test_all_reasons_are_given(ended, made, judged):
    found = judged(ended(made(0.0, n=4), parallel={0: "missing"}), declared_before=False)
    assert [reason.partition(" ")[0] for reason in found.withheld] == ["1", "the", "too"]


# Little to go by.


def test_losses_beyond_what_can_be_told_apart_are_taken_to_be_at_the_end(sample, judged):
    values = np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 1e-320]]), np.array([[1.0, 1.0, 1e300], [0.0, 1e-320, 0.0]])
    found = judged(sample(*values))
    assert found.grid.estimate == pytest.approx(math.log(MOST) / 6)
    assert found.counts.complete == 6
    assert judged(sample(np.ones((2, 3)), np.zeros((2, 3)))).grid.estimate == pytest.approx(math.log(LEAST))


def test_one_seed_gives_an_estimate_and_no_interval_of_these_networks(made, judged):
    found = judged(made(0.0, seeds=1))
    assert found.verdict == Verdict.UNDECIDED
    assert found.grid.estimate == pytest.approx(0.0, abs=0.01)
    assert math.isnan(found.interval.low)
    assert math.isnan(found.p_equivalence)
    assert math.isnan(found.p_difference)
    assert math.isnan(found.inside.share.value)
    assert math.isfinite(found.networks.interval().low)


def test_one_configuration_has_an_estimate_and_no_verdict(made, judged):
    found = judged(made(0.0, n=1))
    assert (found.verdict, found.configurations, found.counts.pairs) == (Verdict.UNDECIDED, 1, 3)
    assert found.grid.estimate == found.networks.estimate == pytest.approx(0.0, abs=0.02)
    assert math.isfinite(found.interval.low)
    assert math.isnan(found.networks.interval().low)


@pytest.mark.parametrize("kind", ["missing", "failed"])
def test_without_a_complete_pair_nothing_is_said(kind, ended, made, judged):
    found = judged(ended(made(0.0, n=3), parallel=dict.fromkeys(range(9), kind)))
    assert (found.verdict, found.caveats) == (Verdict.UNDECIDED, ())
    assert (found.counts.complete, found.counts.pairs, found.configurations) == (0, 9, 0)
    assert math.isnan(found.grid.estimate)
    assert math.isnan(found.learned.share.value)


def test_an_empty_sample_is_assessed(make_pairs, judged):
    of = make_sample(make_pairs([]), "val_loss")
    found = judged(of)
    assert found.verdict == Verdict.UNDECIDED
    assert (found.counts.pairs, found.configurations) == (0, 0)
    nothing = assay(of, make_pairs([]))
    assert (nothing.compared, nothing.unlearned, nothing.depth_helps) == (0, [], False)
