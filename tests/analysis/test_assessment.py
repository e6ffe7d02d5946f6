"""Verdicts by construction, estimates by hand, and the rules for what is not there."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import analysis
from analysis import equivalence as eq
from analysis.assessment import Assessment, assess_sample, log_margin, lower_is_better
from analysis.equivalence import Verdict
from analysis.sample import Sample, make_sample
from sweep.ledger import Margins
from sweep.trial import Trial

MARGINS = Margins(0.10, 1.0)
MIRRORED = {
    Verdict.PARALLEL_BETTER: Verdict.SEQUENTIAL_BETTER,
    Verdict.SEQUENTIAL_BETTER: Verdict.PARALLEL_BETTER,
}


def sample(sequential: np.ndarray, parallel: np.ndarray, metric: str = "val_loss") -> Sample:
    """A sample of values of (configurations, seeds)."""
    configurations, seeds = sequential.shape
    status = np.full(configurations * seeds, "finished", dtype="<U9")
    label = np.repeat(np.arange(configurations), seeds)
    return Sample(
        metric,
        sequential.ravel().astype(float),
        parallel.ravel().astype(float),
        label,
        status,
        status.copy(),
        np.ones(len(label)),
    )


def ended(of: Sample, sequential: dict[int, str] | None = None, parallel: dict[int, str] | None = None) -> Sample:
    """The same, but some sides, by the number of the pair, without a value and of another status."""
    sides: dict[str, np.ndarray] = {}
    for name, changes in (("sequential", sequential or {}), ("parallel", parallel or {})):
        values, status = getattr(of, name).copy(), getattr(of, f"{name}_status").copy()
        for place, kind in changes.items():
            values[place], status[place] = np.nan, kind
        sides |= {name: values, f"{name}_status": status}
    return replace(of, **sides)


def swapped(of: Sample) -> Sample:
    return replace(
        of,
        sequential=of.parallel,
        parallel=of.sequential,
        sequential_status=of.parallel_status,
        parallel_status=of.sequential_status,
    )


def made(shift: float, spread: float = 0.01, noise: float = 0.01, n: int = 12, seeds: int = 3, seed: int = 0) -> Sample:
    """Losses whose log ratios have a known mean, and a spread among configurations and seeds."""
    rng = np.random.default_rng(seed)
    level = rng.normal(size=(n, 1))
    ratio = rng.normal(size=(n, 1))
    ratio = shift + (spread * (ratio - ratio.mean()) / ratio.std() if n > 1 else 0)
    jitter = noise * rng.normal(size=(2, n, seeds))
    jitter -= jitter.mean(axis=(1, 2), keepdims=True)
    return sample(np.exp(level + jitter[0]), np.exp(level + ratio + jitter[1]))


def judged(of: Sample, margins: Margins = MARGINS) -> Assessment:
    return assess_sample(of, margins)


def p_of(test: Any) -> float:
    return test.pvalue


def test_estimates_are_those_of_students_t_over_configurations():
    rng = np.random.default_rng(1)
    sides = np.exp(rng.normal(size=(2, 6, 3)) / 10)
    found = judged(sample(*sides))
    for scale, contrast in ((found.ratio, np.log(sides[1] / sides[0])), (found.difference, sides[1] - sides[0])):
        assert scale is not None
        means = contrast.mean(axis=1)
        low, high = stats.t.interval(0.9, 5, means.mean(), stats.sem(means))
        assert scale.tost.estimate == pytest.approx(means.mean())
        assert (scale.tost.interval.low, scale.tost.interval.high) == (pytest.approx(low), pytest.approx(high))
        assert scale.difference.p == pytest.approx(p_of(stats.ttest_1samp(means, 0)))
        assert (scale.configurations, scale.pairs) == (6, 18)
    assert found.ratio is not None
    assert found.main is found.ratio
    means = np.log(sides[1] / sides[0]).mean(axis=1)
    tails = [
        p_of(stats.ttest_1samp(means, -math.log(1.1), alternative="greater")),
        p_of(stats.ttest_1samp(means, math.log(1.1), alternative="less")),
    ]
    assert found.ratio.tost.p == pytest.approx(max(tails))
    assert found.ratio.margin == pytest.approx(math.log(1.1))


def test_seeds_are_averaged_and_add_no_evidence():
    """The same figures under three seeds say no more than under one."""
    once = np.exp(np.random.default_rng(2).normal(size=(2, 6, 1)) / 10)
    one, three = judged(sample(*once)), judged(sample(*np.repeat(once, 3, axis=2)))
    assert one.main.tost == three.main.tost
    assert one.main.difference == three.main.difference
    assert (one.main.pairs, three.main.pairs) == (6, 18)


def test_configurations_weigh_alike_however_many_seeds_they_have():
    values = np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([[2.0, 2.0], [8.0, 1.0]])
    found = judged(ended(sample(*values), parallel={3: "failed"}))
    assert found.main.tost.estimate == pytest.approx((math.log(2) + math.log(8)) / 2)
    assert (found.configurations, found.main.configurations, found.main.pairs) == (2, 2, 3)


def test_the_spread_of_seeds_is_within_configuration_and_side():
    sides = np.exp(np.random.default_rng(3).normal(size=(2, 5, 4)))
    variance = np.log(sides).var(axis=2, ddof=1).mean()
    found = judged(sample(*sides), Margins(0.1, 2.0))
    assert found.main.seed_noise.sd == pytest.approx(math.sqrt(variance))
    assert found.main.seed_noise_tost.margin == pytest.approx(2 * math.sqrt(variance))
    assert found.difference.margin == pytest.approx(2 * math.sqrt(sides.var(axis=2, ddof=1).mean()))


def test_assess_takes_the_pairs_of_a_store_and_leaves_depth_1_out(make_store, end):
    def loss(each: Trial) -> float:
        effect = 0.02 * (1 + each.filters) if each.architecture == "parallel" and each.depth > 1 else 0.0
        return math.exp(each.seed / 10 + effect)

    trials = [
        Trial("test", dataset="digits", depth=depth, filters=filters, seed=seed, architecture=side)
        for depth in (1, 2)
        for filters in (1, 2, 4)
        for seed in (0, 1)
        for side in ("sequential", "parallel")
    ]
    found = analysis.assess(analysis.open(make_store([end(each, loss(each)) for each in trials])).pairs("val_loss"))
    assert found.margins == Margins()
    assert (found.counts.pairs, found.configurations) == (6, 3)
    assert found.main.tost.estimate == pytest.approx(0.02 * (2 + 3 + 5) / 3)


OUTCOMES: dict[str, tuple[Sample, Verdict]] = {
    "equivalent": (made(0.0), Verdict.EQUIVALENT),
    "inside, parallel ahead": (made(-0.03), Verdict.DIFFERENT_INSIDE),
    "inside, sequential ahead": (made(0.03), Verdict.DIFFERENT_INSIDE),
    "parallel better": (made(-0.2), Verdict.PARALLEL_BETTER),
    "sequential better": (made(0.2), Verdict.SEQUENTIAL_BETTER),
    "reaching over the margin": (made(0.09, spread=0.03), Verdict.SEQUENTIAL_BETTER),
    "wide": (made(0.05, spread=0.4), Verdict.UNDECIDED),
    "exactly equal": (sample(np.full((6, 2), 1.5), np.full((6, 2), 1.5)), Verdict.EQUIVALENT),
    "both zero": (sample(np.zeros((6, 2)), np.zeros((6, 2))), Verdict.EQUIVALENT),
}


@pytest.mark.parametrize(("of", "verdict"), OUTCOMES.values(), ids=OUTCOMES)
@pytest.mark.parametrize("metric", ["val_loss", "train_loss"])
def test_each_outcome_by_construction(of, verdict, metric):
    found = judged(replace(of, metric=metric))
    assert found.verdict == found.main.verdict == verdict
    assert not found.remarks


approx = partial(pytest.approx, nan_ok=True)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    shift=st.sampled_from([-0.2, -0.05, 0.0, 0.05, 0.2]),
    spread=st.sampled_from([0.005, 0.05, 0.3]),
    metric=st.sampled_from(["val_loss", "val_accuracy"]),
    lacking=st.integers(0, 8),
)
def test_to_swap_the_architectures_mirrors_everything_that_is_said(seed, shift, spread, metric, lacking):
    rng = np.random.default_rng(seed)
    of = replace(made(shift, spread, spread / 2, n=8, seeds=2, seed=seed), metric=metric)
    kinds = {int(place): str(rng.choice(["diverged", "failed", "missing"])) for place in rng.permutation(16)[:lacking]}
    of = ended(of, *({place: kind for place, kind in kinds.items() if place % 2 == side} for side in (0, 1)))
    one, other = judged(of), judged(swapped(of))
    assert other.verdict == MIRRORED.get(one.verdict, one.verdict)
    for scale, mirror in ((one.ratio, other.ratio), (one.difference, other.difference)):
        if scale is None or mirror is None:
            assert scale is mirror
            continue
        assert mirror.tost.estimate == approx(-scale.tost.estimate)
        assert mirror.tost.interval.low == approx(-scale.tost.interval.high)
        assert mirror.tost.interval.high == approx(-scale.tost.interval.low)
        assert mirror.tost.p == approx(scale.tost.p)
        assert mirror.difference.p == approx(scale.difference.p)
        assert mirror.probability_better.probability == approx(1 - scale.probability_better.probability)
        assert mirror.seed_noise_tost.p == approx(scale.seed_noise_tost.p)
        assert mirror.worst_case.verdict_for == MIRRORED.get(
            scale.worst_case.verdict_against, scale.worst_case.verdict_against
        )
        assert mirror.worst_case.incomplete == scale.worst_case.incomplete
    assert other.divergence.p_exact == approx(one.divergence.p_exact)
    assert other.divergence.sequential_only == one.divergence.parallel_only
    assert other.counts.parallel_diverged == one.counts.sequential_diverged
    assert len(one.remarks) == len(other.remarks)


@pytest.mark.parametrize(("shift", "verdict"), [(0.1, Verdict.PARALLEL_BETTER), (-0.1, Verdict.SEQUENTIAL_BETTER)])
def test_more_accuracy_is_better(shift, verdict):
    rng = np.random.default_rng(4)
    accuracy = 0.6 + 0.01 * rng.normal(size=(2, 8, 3)) + np.array([0, shift]).reshape(2, 1, 1)
    found = judged(sample(*accuracy, metric="val_accuracy"))
    assert found.ratio is None
    assert found.main is found.difference
    assert found.verdict == verdict
    assert found.main.tost.estimate == pytest.approx(shift, abs=0.01)
    assert found.main.probability_better.probability == (shift > 0)
    assert (found.main.noninferiority.p < 0.05) == (shift > 0)


def test_accuracies_are_judged_against_the_spread_of_the_seeds():
    noise = 0.02 * np.random.default_rng(5).normal(size=(2, 40, 3))
    of = sample(*(0.6 + noise - noise.mean(axis=(1, 2), keepdims=True)), metric="val_accuracy")
    assert judged(of).verdict == Verdict.EQUIVALENT
    assert judged(of, Margins(10.0, 0.01)).verdict == Verdict.UNDECIDED


@pytest.mark.parametrize(("metric", "lower"), [("val_loss", True), ("train_loss", True), ("val_accuracy", False)])
def test_the_better_direction_goes_by_the_metric(metric, lower):
    assert lower_is_better(metric) is lower


@pytest.mark.parametrize(("ratio", "verdict"), [(0.02, Verdict.SEQUENTIAL_BETTER), (0.3, Verdict.DIFFERENT_INSIDE)])
def test_the_declared_ratio_is_the_margin(ratio, verdict):
    found = judged(made(0.1), Margins(ratio))
    assert found.verdict == verdict
    assert found.margins.ratio == ratio
    assert found.main.margin == pytest.approx(math.log(1 + ratio)) == log_margin(Margins(ratio))


@pytest.mark.parametrize(("multiple", "verdict"), [(0.1, Verdict.SEQUENTIAL_BETTER), (5.0, Verdict.DIFFERENT_INSIDE)])
def test_the_declared_multiple_of_the_seeds_spread_is_the_other_margin(multiple, verdict):
    found = judged(made(0.02, spread=0.002), Margins(0.1, multiple))
    assert found.main.seed_noise_verdict == verdict
    assert found.verdict == Verdict.DIFFERENT_INSIDE


def test_a_margin_is_symmetric_in_the_ratio():
    """1 / 1.1 is as far as 1.1."""
    edges = [judged(made(shift, spread=1e-4, noise=0.0)).verdict for shift in (0.095, 0.096, -0.095, -0.096)]
    inside, (above, below) = Verdict.DIFFERENT_INSIDE, (Verdict.SEQUENTIAL_BETTER, Verdict.PARALLEL_BETTER)
    assert edges == [inside, above, inside, below]


# What is not there.


def outlier() -> Sample:
    """Equivalent with one contrast far off: what is filled with it can be anywhere."""
    of = made(0.0, spread=0.005, n=24, seeds=2)
    parallel = of.parallel.copy()
    parallel[0] *= 1.6
    return replace(of, parallel=parallel)


@pytest.mark.parametrize("kind", ["failed", "missing"])
def test_what_is_failed_or_missing_undoes_a_verdict_that_it_could_change(kind: str):
    whole, places = outlier(), range(6, 36)
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
def test_what_is_failed_or_missing_but_could_change_nothing_leaves_the_verdict(kind):
    found = judged(ended(made(0.0, n=48), sequential={4: kind}, parallel={8: kind, 9: kind}))
    assert found.verdict == Verdict.EQUIVALENT
    assert found.remarks == ("3 pairs have no contrast; in the worst case the verdict stays",)
    worst = found.main.worst_case
    assert (worst.incomplete, worst.verdict_against, worst.verdict_for) == (3, Verdict.EQUIVALENT, Verdict.EQUIVALENT)


@pytest.mark.parametrize(("largest", "fill"), [(0.04, math.log(2)), (1.0, 1.0)])
def test_the_worst_case_is_the_largest_contrast_seen_and_at_least_a_factor_of_two_either_way(largest, fill):
    values = np.ones((4, 2)), np.exp([[0.0, 0.0], [0.01, 0.01], [-largest, 0.02], [0.0, 0.0]])
    found = judged(ended(sample(*values), parallel={0: "missing", 7: "failed"})).main.worst_case
    assert (found.incomplete, found.fill) == (2, pytest.approx(fill))
    still = (0.02 - largest) / 2
    filled = np.array([fill / 2, 0.01, still, fill / 2]), np.array([-fill / 2, 0.01, still, -fill / 2])
    for tost, means in zip((found.against, found.for_parallel), filled, strict=True):
        assert tost.estimate == pytest.approx(means.mean())
        low, high = stats.t.interval(0.9, 3, means.mean(), stats.sem(means))
        assert (tost.interval.low, tost.interval.high) == (pytest.approx(low), pytest.approx(high))


def test_steady_survivors_do_not_vouch_for_what_is_lost():
    """Half of the configurations have a side that failed; the others agree to a per mille."""
    found = judged(ended(made(0.0, spread=1e-3, noise=1e-3), parallel=dict.fromkeys(range(18), "failed")))
    assert (found.main.verdict, found.verdict) == (Verdict.EQUIVALENT, Verdict.UNDECIDED)


def test_an_undecided_verdict_needs_no_remark_on_what_it_could_have_been():
    found = judged(ended(made(0.0), parallel=dict.fromkeys(range(3, 36), "missing")))
    assert found.main.verdict == found.verdict == Verdict.UNDECIDED
    assert not found.remarks


def test_inside_the_margin_is_one_answer_whether_a_difference_is_shown_or_not():
    of = made(0.004, spread=0.02, n=96)
    found = judged(ended(of, parallel={3: "missing", 4: "missing", 7: "missing"}))
    worst = found.main.worst_case
    assert {worst.verdict_against, worst.verdict_for} == {Verdict.EQUIVALENT, Verdict.DIFFERENT_INSIDE}
    assert found.verdict == found.main.verdict


def test_a_side_that_alone_diverged_limits_the_verdict_and_pairs_that_both_did_limit_nothing():
    both = dict.fromkeys(range(0, 24, 2), "diverged")
    found = judged(ended(outlier(), both | {32: "diverged"}, both | {34: "diverged"}))
    assert (found.counts.diverged, found.counts.complete) == (14, 34)
    assert (found.counts.sequential_diverged, found.counts.parallel_diverged) == (13, 13)
    assert (found.divergence.sequential_only, found.divergence.parallel_only) == (1, 1)
    assert found.divergence.p_exact == pytest.approx(1.0)
    assert found.main.worst_case.incomplete == 2


def test_a_side_that_alone_diverged_is_the_worse_one_on_a_new_seed():
    lost = judged(ended(made(0.0, n=4, seeds=1), parallel={0: "diverged"}, sequential={1: "diverged"}))
    signs = made(0.0, n=4, seeds=1).contrast("ratio")
    expected = np.mean([0.0, 1.0, signs[2] < 0, signs[3] < 0])
    assert lost.main.probability_better.probability == pytest.approx(expected)


@pytest.mark.parametrize("side", ["sequential", "parallel"])
def test_a_side_that_diverges_more_often_is_named_and_limits_the_verdict(side):
    of = outlier()
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


def test_few_configurations_do_not_show_that_a_side_diverges_more_often():
    """All seeds of two configurations are many pairs, and little evidence."""
    found = judged(ended(made(0.0, n=12, seeds=8), parallel=dict.fromkeys(range(16), "diverged")))
    assert found.divergence_by_pair.p_exact < 0.001
    assert found.divergence.p_exact == pytest.approx(0.5)
    assert not any("diverges more often" in remark for remark in found.remarks)
    assert found.verdict == Verdict.UNDECIDED


def test_pairs_of_which_both_sides_diverged_lean_to_neither():
    places = dict.fromkeys(range(0, 24, 3), "diverged")
    found = judged(ended(made(0.0), places, places))
    assert (found.counts.diverged, found.counts.sequential_diverged, found.counts.parallel_diverged) == (8, 8, 8)
    assert (found.divergence.sequential_only, found.divergence.parallel_only) == (0, 0)
    assert (found.verdict, found.remarks) == (Verdict.EQUIVALENT, ())


def test_a_failed_or_missing_pair_is_no_evidence_on_divergence():
    of = ended(
        made(0.0),
        dict.fromkeys(range(12), "failed") | dict.fromkeys(range(12, 24), "missing"),
        dict.fromkeys(range(24), "diverged"),
    )
    found = judged(of)
    assert (found.divergence.sequential_only, found.divergence.parallel_only) == (0, 0)
    assert found.divergence.configurations == 4


def test_each_pair_is_counted_once_by_the_worst_that_became_of_it():
    of = ended(
        made(0.0, n=4, seeds=2),
        {0: "missing", 1: "failed", 2: "diverged", 3: "diverged"},
        {0: "failed", 1: "diverged", 2: "diverged", 4: "missing"},
    )
    counts = judged(of).counts
    assert (counts.pairs, counts.missing, counts.failed, counts.diverged, counts.complete) == (8, 2, 1, 2, 3)
    assert (counts.sequential_diverged, counts.parallel_diverged) == (2, 2)


# Little to go by.


def test_a_loss_of_zero_has_a_difference_and_no_ratio_unless_both_are_zero():
    values = np.array([[1.0, 1.0], [0.0, 0.0], [2.0, 2.0]]), np.array([[1.5, 0.0], [0.0, 0.0], [2.0, 2.0]])
    found = judged(sample(*values))
    assert found.ratio is not None
    assert (found.ratio.pairs, found.difference.pairs) == (5, 6)
    assert found.ratio.tost.estimate == pytest.approx(math.log(1.5) / 3)
    assert found.difference.tost.estimate == pytest.approx((0.25 - 0.5 + 0) / 3)
    assert found.counts.complete == 6


def test_one_seed_has_no_noise_to_compare_with():
    found = judged(made(0.0, seeds=1))
    assert found.verdict == Verdict.EQUIVALENT
    for scale in (found.ratio, found.difference):
        assert scale is not None
        assert math.isnan(scale.seed_noise.sd)
        assert math.isnan(scale.seed_noise_tost.p)
        assert scale.seed_noise_verdict == Verdict.UNDECIDED
    assert math.isnan(found.difference.margin)
    assert math.isnan(found.difference.tost.p)
    assert math.isnan(found.difference.rank_tost.p)
    assert math.isnan(found.difference.noninferiority.p)
    assert math.isfinite(found.difference.tost.interval.low)
    assert judged(replace(made(0.0, seeds=1), metric="val_accuracy")).verdict == Verdict.UNDECIDED


def test_one_seed_with_a_pair_missing_has_no_tipping_point_of_differences():
    found = judged(ended(made(0.0, seeds=1), parallel={3: "missing"}))
    assert math.isnan(found.difference.worst_case.tipping.above)
    assert found.main.worst_case.tipping.above > found.main.margin


def test_one_configuration_has_an_estimate_and_no_verdict():
    found = judged(made(0.0, n=1))
    assert found.verdict == Verdict.UNDECIDED
    assert (found.configurations, found.main.configurations, found.main.pairs) == (1, 1, 3)
    assert found.main.tost.estimate == pytest.approx(0.0, abs=1e-9)
    assert math.isnan(found.main.tost.p)
    assert math.isnan(found.main.tost.interval.low)
    assert math.isnan(found.main.difference.p)
    assert found.main.seed_noise.sd > 0


@pytest.mark.parametrize("kind", ["missing", "failed", "diverged"])
def test_without_a_complete_pair_nothing_is_said(kind: str):
    found = judged(ended(made(0.0, n=3), parallel=dict.fromkeys(range(9), kind)))
    assert found.verdict == Verdict.UNDECIDED
    assert not found.remarks
    assert (found.counts.complete, found.counts.pairs, found.configurations) == (0, 9, 3)
    assert (found.main.configurations, found.main.pairs) == (0, 0)
    assert math.isnan(found.main.tost.estimate)


def test_an_empty_sample_is_assessed(make_pairs):
    found = judged(make_sample(make_pairs([]), "val_loss"))
    assert found.verdict == Verdict.UNDECIDED
    assert (found.counts.pairs, found.configurations) == (0, 0)


@pytest.fixture(scope="module")
def figures() -> Callable[[Sample], tuple[float, ...]]:
    def of(each: Sample) -> tuple[float, ...]:
        values = each.contrast("ratio")
        means = eq.configuration_means(values, each.configuration)
        return (
            eq.cluster_bootstrap(np.sort(means)).bca.low,
            eq.rank_tost(means, math.log(1.1)).p,
            eq.signed_rank(means).p,
        )

    return of


def test_other_statistics_are_of_the_same_configuration_means(figures):
    of = made(0.03, spread=0.05)
    main = judged(of).main
    assert figures(of) == (main.bootstrap.bca.low, main.rank_tost.p, main.signed_rank.p)
    means = np.log([of.sequential, of.parallel]).reshape(2, 12, 3).mean(axis=2)
    agreement = eq.bland_altman(*means)
    assert main.agreement.limits.high == pytest.approx(agreement.limits.high)
    assert main.agreement.slope_p == pytest.approx(agreement.slope_p)
    assert main.concordance.ccc == pytest.approx(eq.concordance(*means).ccc)
    assert main.probability_better == eq.probability_better(of.contrast("ratio"), of.configuration)


def test_the_worst_case_of_an_accuracy_is_less_of_it():
    of = ended(made(0.0), parallel={0: "missing", 1: "missing"})
    for metric, sign in (("val_loss", 1), ("val_accuracy", -1)):
        worst = judged(replace(of, metric=metric)).difference.worst_case
        assert sign * (worst.against.estimate - worst.for_parallel.estimate) > 0


def test_the_spread_of_the_seeds_is_not_taken_for_known():
    """Against the margin as estimated, plain TOST says equivalent where the test that knows it is one does not."""
    rng = np.random.default_rng(68)
    of = sample(*(0.6 + 0.02 * rng.normal(size=(2, 6, 2))), metric="val_accuracy")
    found = judged(of).difference
    assert found.tost.p < 0.05 < found.seed_noise_tost.p
    assert found.verdict == Verdict.UNDECIDED
