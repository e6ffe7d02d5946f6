"""Verdicts where some pairs are not there, or there is little to go by."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from analysis import equivalence as eq
from analysis.equivalence import Verdict
from analysis.sample import Sample, make_sample


@pytest.fixture
def outlier(made) -> Sample:
    """Equivalent with one contrast far off: what is filled with it can be anywhere."""
    of = made(0.0, spread=0.005, n=24, seeds=2)
    parallel = of.parallel.copy()
    parallel[0] *= 1.6
    return replace(of, parallel=parallel)


@pytest.mark.parametrize("kind", ["failed", "missing"])
def test_what_is_failed_or_missing_undoes_a_verdict_that_it_could_change(kind: str, ended, judged, outlier):
    whole, places = outlier, range(6, 36)
    assert judged(whole).verdict == Verdict.EQUIVALENT
    found = judged(ended(whole, parallel=dict.fromkeys(places, kind)))
    assert found.main.verdict == Verdict.EQUIVALENT
    assert found.verdict == Verdict.UNDECIDED
    (remark,) = (text for text in found.remarks if "no contrast" in text)
    assert "the complete pairs alone say equivalent, but 30 pairs have no contrast" in remark
    assert "filled against parallel it would be sequential better, filled for it parallel better" in remark
    assert found.main.worst_case.incomplete == 30
    assert getattr(found.counts, kind) == 30


@pytest.mark.parametrize("kind", ["failed", "missing"])
def test_what_is_failed_or_missing_but_could_change_nothing_leaves_the_verdict(kind, ended, made, judged):
    found = judged(ended(made(0.0, n=48), sequential={4: kind}, parallel={8: kind, 9: kind}))
    assert found.verdict == Verdict.EQUIVALENT
    assert found.remarks == ("3 pairs have no contrast; in the worst case the verdict stays",)
    worst = found.main.worst_case
    assert (worst.incomplete, worst.verdict_against, worst.verdict_for) == (3, Verdict.EQUIVALENT, Verdict.EQUIVALENT)


@pytest.mark.parametrize(("largest", "fill"), [(0.04, math.log(2)), (1.0, 1.0)])
def test_the_worst_case_is_the_largest_contrast_seen_and_at_least_a_factor_of_two_either_way(
    largest, fill, sample, ended, judged
):
    values = np.ones((4, 2)), np.exp([[0.0, 0.0], [0.01, 0.01], [-largest, 0.02], [0.0, 0.0]])
    found = judged(ended(sample(*values), parallel={0: "missing", 7: "failed"})).main.worst_case
    assert (found.incomplete, found.fill) == (2, pytest.approx(fill))
    still = (0.02 - largest) / 2
    filled = np.array([fill / 2, 0.01, still, fill / 2]), np.array([-fill / 2, 0.01, still, -fill / 2])
    for tost, means in zip((found.against, found.for_parallel), filled, strict=True):
        assert tost.estimate == pytest.approx(means.mean())
        low, high = stats.t.interval(0.9, 3, means.mean(), stats.sem(means))
        assert (tost.interval.low, tost.interval.high) == (pytest.approx(low), pytest.approx(high))


def test_steady_survivors_do_not_vouch_for_what_is_lost(ended, made, judged):
    """Half of the configurations have a side that failed; the others agree to a per mille."""
    found = judged(ended(made(0.0, spread=1e-3, noise=1e-3), parallel=dict.fromkeys(range(18), "failed")))
    assert (found.main.verdict, found.verdict) == (Verdict.EQUIVALENT, Verdict.UNDECIDED)


def test_an_undecided_verdict_needs_no_remark_on_what_it_could_have_been(ended, made, judged):
    found = judged(ended(made(0.0), parallel=dict.fromkeys(range(3, 36), "missing")))
    assert found.main.verdict == found.verdict == Verdict.UNDECIDED
    assert not found.remarks


def test_inside_the_margin_is_one_answer_whether_a_difference_is_shown_or_not(ended, made, judged):
    of = made(0.004, spread=0.02, n=96)
    found = judged(ended(of, parallel={3: "missing", 4: "missing", 7: "missing"}))
    worst = found.main.worst_case
    assert {worst.verdict_against, worst.verdict_for} == {Verdict.EQUIVALENT, Verdict.DIFFERENT_INSIDE}
    assert found.verdict == found.main.verdict


def test_a_side_that_alone_diverged_limits_the_verdict_and_pairs_that_both_did_limit_nothing(ended, judged, outlier):
    both = dict.fromkeys(range(0, 24, 2), "diverged")
    found = judged(ended(outlier, both | {32: "diverged"}, both | {34: "diverged"}))
    assert (found.counts.diverged, found.counts.complete) == (14, 34)
    assert (found.counts.sequential_diverged, found.counts.parallel_diverged) == (13, 13)
    assert (found.divergence.sequential_only, found.divergence.parallel_only) == (1, 1)
    assert found.divergence.p_exact == pytest.approx(1.0)
    assert found.main.worst_case.incomplete == 2


def test_a_side_that_alone_diverged_is_the_worse_one_on_a_new_seed(ended, made, judged):
    lost = judged(ended(made(0.0, n=4, seeds=1), parallel={0: "diverged"}, sequential={1: "diverged"}))
    signs = made(0.0, n=4, seeds=1).contrast("ratio")
    expected = np.mean([0.0, 1.0, signs[2] < 0, signs[3] < 0])
    assert lost.main[eq.PROBABILITY_BETTER].probability == pytest.approx(expected)


@pytest.mark.parametrize("side", ["sequential", "parallel"])
def test_a_side_that_diverges_more_often_is_named_and_limits_the_verdict(side, ended, judged, outlier):
    of = outlier
    # Eight configurations of two seeds: by configurations, the chance is 2 / 2^8.
    lacking: dict[str, dict[int, str]] = {side: dict.fromkeys(range(8, 24), "diverged")}
    found = judged(ended(of, **lacking))
    assert found.divergence.p_exact == pytest.approx(2 / 2**8)
    assert found.divergence_by_pair.p_exact == pytest.approx(2 / 2**16)
    counts = (
        "16 pairs sequential only, 0 parallel only"
        if side == "sequential"
        else "0 pairs sequential only, 16 parallel only"
    )
    assert f"the {side} side diverges more often: {counts} (p = 0.0078)" in found.remarks
    assert found.main.worst_case.incomplete == 16
    assert found.main.verdict == Verdict.EQUIVALENT
    assert found.verdict == Verdict.UNDECIDED
    assert any("16 pairs have no contrast" in remark for remark in found.remarks)


def test_few_configurations_do_not_show_that_a_side_diverges_more_often(ended, made, judged):
    """All seeds of two configurations are many pairs, and little evidence."""
    found = judged(ended(made(0.0, n=12, seeds=8), parallel=dict.fromkeys(range(16), "diverged")))
    assert found.divergence_by_pair.p_exact < 0.001
    assert found.divergence.p_exact == pytest.approx(0.5)
    assert not any("diverges more often" in remark for remark in found.remarks)
    assert found.verdict == Verdict.UNDECIDED


def test_pairs_of_which_both_sides_diverged_lean_to_neither(ended, made, judged):
    places = dict.fromkeys(range(0, 24, 3), "diverged")
    found = judged(ended(made(0.0), places, places))
    assert (found.counts.diverged, found.counts.sequential_diverged, found.counts.parallel_diverged) == (8, 8, 8)
    assert (found.divergence.sequential_only, found.divergence.parallel_only) == (0, 0)
    assert (found.verdict, found.remarks) == (Verdict.EQUIVALENT, ())


def test_a_failed_or_missing_pair_is_no_evidence_on_divergence(ended, made, judged):
    of = ended(
        made(0.0),
        dict.fromkeys(range(12), "failed") | dict.fromkeys(range(12, 24), "missing"),
        dict.fromkeys(range(24), "diverged"),
    )
    found = judged(of)
    assert (found.divergence.sequential_only, found.divergence.parallel_only) == (0, 0)
    assert found.divergence.configurations == 4


def test_each_pair_is_counted_once_by_the_worst_that_became_of_it(ended, made, judged):
    of = ended(
        made(0.0, n=4, seeds=2),
        {0: "missing", 1: "failed", 2: "diverged", 3: "diverged"},
        {0: "failed", 1: "diverged", 2: "diverged", 4: "missing"},
    )
    counts = judged(of).counts
    assert (counts.pairs, counts.missing, counts.failed, counts.diverged, counts.complete) == (8, 2, 1, 2, 3)
    assert (counts.sequential_diverged, counts.parallel_diverged) == (2, 2)


# Little to go by.


def test_a_loss_of_zero_has_a_difference_and_no_ratio_unless_both_are_zero(sample, judged):
    values = np.array([[1.0, 1.0], [0.0, 0.0], [2.0, 2.0]]), np.array([[1.5, 0.0], [0.0, 0.0], [2.0, 2.0]])
    found = judged(sample(*values))
    assert found.ratio is not None
    assert (found.ratio.pairs, found.difference.pairs) == (5, 6)
    assert found.ratio.tost.estimate == pytest.approx(math.log(1.5) / 3)
    assert found.difference.tost.estimate == pytest.approx((0.25 - 0.5 + 0) / 3)
    assert found.counts.complete == 6


def test_one_seed_has_no_noise_to_compare_with(made, judged):
    found = judged(made(0.0, seeds=1))
    assert found.verdict == Verdict.EQUIVALENT
    for scale in (found.ratio, found.difference):
        assert scale is not None
        assert math.isnan(scale[eq.SEED_NOISE].sd)
        assert math.isnan(scale[eq.SEED_NOISE_TOST].p)
        assert scale.seed_noise_verdict == Verdict.UNDECIDED
    assert math.isnan(found.difference.margin)
    assert math.isnan(found.difference.tost.p)
    assert math.isnan(found.difference[eq.RANK_TOST].p)
    assert math.isnan(found.difference[eq.NONINFERIORITY].p)
    assert math.isfinite(found.difference.tost.interval.low)
    assert judged(replace(made(0.0, seeds=1), metric="val_accuracy")).verdict == Verdict.UNDECIDED


def test_one_seed_with_a_pair_missing_has_no_tipping_point_of_differences(ended, made, judged):
    found = judged(ended(made(0.0, seeds=1), parallel={3: "missing"}))
    assert math.isnan(found.difference.worst_case.tipping.above)
    assert found.main.worst_case.tipping.above > found.main.margin


def test_one_configuration_has_an_estimate_and_no_verdict(made, judged):
    found = judged(made(0.0, n=1))
    assert found.verdict == Verdict.UNDECIDED
    assert (found.configurations, found.main.configurations, found.main.pairs) == (1, 1, 3)
    assert found.main.tost.estimate == pytest.approx(0.0, abs=1e-9)
    assert math.isnan(found.main.tost.p)
    assert math.isnan(found.main.tost.interval.low)
    assert math.isnan(found.main[eq.DIFFERENCE].p)
    assert found.main[eq.SEED_NOISE].sd > 0


@pytest.mark.parametrize("kind", ["missing", "failed", "diverged"])
def test_without_a_complete_pair_nothing_is_said(kind: str, ended, made, judged):
    found = judged(ended(made(0.0, n=3), parallel=dict.fromkeys(range(9), kind)))
    assert found.verdict == Verdict.UNDECIDED
    assert not found.remarks
    assert (found.counts.complete, found.counts.pairs, found.configurations) == (0, 9, 3)
    assert (found.main.configurations, found.main.pairs) == (0, 0)
    assert math.isnan(found.main.tost.estimate)


def test_an_empty_sample_is_assessed(make_pairs, judged):
    found = judged(make_sample(make_pairs([]), "val_loss"))
    assert found.verdict == Verdict.UNDECIDED
    assert (found.counts.pairs, found.configurations) == (0, 0)
