"""Verdicts by construction, and estimates by hand."""

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
from analysis.assessment import log_margin, lower_is_better
from analysis.equivalence import Verdict
from analysis.sample import Sample
from sweep.ledger import Margins
from sweep.trial import Trial

MARGINS = Margins(0.10, 1.0)
MIRRORED = {
    Verdict.FIRST_BETTER: Verdict.SECOND_BETTER,
    Verdict.SECOND_BETTER: Verdict.FIRST_BETTER,
}


def swapped(of: Sample) -> Sample:
    return replace(
        of,
        sequential=of.parallel,
        parallel=of.sequential,
        sequential_status=of.parallel_status,
        parallel_status=of.sequential_status,
    )


def p_of(test: Any) -> float:
    return test.pvalue


def test_estimates_are_those_of_students_t_over_configurations(sample, judged):
    rng = np.random.default_rng(1)
    sides = np.exp(rng.normal(size=(2, 6, 3)) / 10)
    found = judged(sample(*sides))
    for scale, contrast in ((found.ratio, np.log(sides[1] / sides[0])), (found.difference, sides[1] - sides[0])):
        assert scale is not None
        means = contrast.mean(axis=1)
        low, high = stats.t.interval(0.9, 5, means.mean(), stats.sem(means))
        assert scale.tost.estimate == pytest.approx(means.mean())
        assert (scale.tost.interval.low, scale.tost.interval.high) == (pytest.approx(low), pytest.approx(high))
        assert scale[eq.DIFFERENCE].p == pytest.approx(p_of(stats.ttest_1samp(means, 0)))
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


def test_seeds_are_averaged_and_add_no_evidence(sample, judged):
    """The same figures under three seeds say no more than under one."""
    once = np.exp(np.random.default_rng(2).normal(size=(2, 6, 1)) / 10)
    one, three = judged(sample(*once)), judged(sample(*np.repeat(once, 3, axis=2)))
    assert one.main.tost == three.main.tost
    assert one.main[eq.DIFFERENCE] == three.main[eq.DIFFERENCE]
    assert (one.main.pairs, three.main.pairs) == (6, 18)


def test_configurations_weigh_alike_however_many_seeds_they_have(sample, ended, judged):
    values = np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([[2.0, 2.0], [8.0, 1.0]])
    found = judged(ended(sample(*values), parallel={3: "failed"}))
    assert found.main.tost.estimate == pytest.approx((math.log(2) + math.log(8)) / 2)
    assert (found.configurations, found.main.configurations, found.main.pairs) == (2, 2, 3)


def test_the_spread_of_seeds_is_within_configuration_and_side(sample, judged):
    sides = np.exp(np.random.default_rng(3).normal(size=(2, 5, 4)))
    variance = np.log(sides).var(axis=2, ddof=1).mean()
    found = judged(sample(*sides), Margins(0.1, 2.0))
    assert found.main[eq.SEED_NOISE].sd == pytest.approx(math.sqrt(variance))
    assert found.main[eq.SEED_NOISE_TOST].margin == pytest.approx(2 * math.sqrt(variance))
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


OUTCOMES: dict[str, tuple[Callable[..., Sample], Verdict]] = {
    "equivalent": (lambda made, sample: made(0.0), Verdict.EQUIVALENT),
    "inside, parallel ahead": (lambda made, sample: made(-0.03), Verdict.DIFFERENT_INSIDE),
    "inside, sequential ahead": (lambda made, sample: made(0.03), Verdict.DIFFERENT_INSIDE),
    "parallel better": (lambda made, sample: made(-0.2), Verdict.FIRST_BETTER),
    "sequential better": (lambda made, sample: made(0.2), Verdict.SECOND_BETTER),
    "reaching over the margin": (lambda made, sample: made(0.09, spread=0.03), Verdict.SECOND_BETTER),
    "wide": (lambda made, sample: made(0.05, spread=0.4), Verdict.UNDECIDED),
    "exactly equal": (lambda made, sample: sample(np.full((6, 2), 1.5), np.full((6, 2), 1.5)), Verdict.EQUIVALENT),
    "both zero": (lambda made, sample: sample(np.zeros((6, 2)), np.zeros((6, 2))), Verdict.EQUIVALENT),
}


@pytest.mark.parametrize(("of", "verdict"), OUTCOMES.values(), ids=OUTCOMES)
@pytest.mark.parametrize("metric", ["val_loss", "train_loss"])
def test_each_outcome_by_construction(of, verdict, metric, made, sample, judged):
    found = judged(replace(of(made, sample), metric=metric))
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
def test_to_swap_the_architectures_mirrors_everything_that_is_said(
    seed, shift, spread, metric, lacking, ended, made, judged
):
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
        assert mirror[eq.DIFFERENCE].p == approx(scale[eq.DIFFERENCE].p)
        assert mirror[eq.PROBABILITY_BETTER].probability == approx(1 - scale[eq.PROBABILITY_BETTER].probability)
        assert mirror[eq.SEED_NOISE_TOST].p == approx(scale[eq.SEED_NOISE_TOST].p)
        assert mirror.worst_case.verdict_for == MIRRORED.get(
            scale.worst_case.verdict_against, scale.worst_case.verdict_against
        )
        assert mirror.worst_case.incomplete == scale.worst_case.incomplete
    assert other.divergence.p_exact == approx(one.divergence.p_exact)
    assert other.divergence.sequential_only == one.divergence.parallel_only
    assert other.counts.parallel_diverged == one.counts.sequential_diverged
    assert len(one.remarks) == len(other.remarks)


@pytest.mark.parametrize(("shift", "verdict"), [(0.1, Verdict.FIRST_BETTER), (-0.1, Verdict.SECOND_BETTER)])
def test_more_accuracy_is_better(shift, verdict, sample, judged):
    rng = np.random.default_rng(4)
    accuracy = 0.6 + 0.01 * rng.normal(size=(2, 8, 3)) + np.array([0, shift]).reshape(2, 1, 1)
    found = judged(sample(*accuracy, metric="val_accuracy"))
    assert found.ratio is None
    assert found.main is found.difference
    assert found.verdict == verdict
    assert found.main.tost.estimate == pytest.approx(shift, abs=0.01)
    assert found.main[eq.PROBABILITY_BETTER].probability == (shift > 0)
    assert (found.main[eq.NONINFERIORITY].p < 0.05) == (shift > 0)


def test_accuracies_are_judged_against_the_spread_of_the_seeds(sample, judged):
    noise = 0.02 * np.random.default_rng(5).normal(size=(2, 40, 3))
    of = sample(*(0.6 + noise - noise.mean(axis=(1, 2), keepdims=True)), metric="val_accuracy")
    assert judged(of).verdict == Verdict.EQUIVALENT
    assert judged(of, Margins(10.0, 0.01)).verdict == Verdict.UNDECIDED


@pytest.mark.parametrize(("metric", "lower"), [("val_loss", True), ("train_loss", True), ("val_accuracy", False)])
def test_the_better_direction_goes_by_the_metric(metric, lower):
    assert lower_is_better(metric) is lower


@pytest.mark.parametrize(("ratio", "verdict"), [(0.02, Verdict.SECOND_BETTER), (0.3, Verdict.DIFFERENT_INSIDE)])
def test_the_declared_ratio_is_the_margin(ratio, verdict, made, judged):
    found = judged(made(0.1), Margins(ratio))
    assert found.verdict == verdict
    assert found.margins.ratio == ratio
    assert found.main.margin == pytest.approx(math.log(1 + ratio)) == log_margin(Margins(ratio))


@pytest.mark.parametrize(("multiple", "verdict"), [(0.1, Verdict.SECOND_BETTER), (5.0, Verdict.DIFFERENT_INSIDE)])
def test_the_declared_multiple_of_the_seeds_spread_is_the_other_margin(multiple, verdict, made, judged):
    found = judged(made(0.02, spread=0.002), Margins(0.1, multiple))
    assert found.main.seed_noise_verdict == verdict
    assert found.verdict == Verdict.DIFFERENT_INSIDE


def test_a_margin_is_symmetric_in_the_ratio(made, judged):
    """1 / 1.1 is as far as 1.1."""
    edges = [judged(made(shift, spread=1e-4, noise=0.0)).verdict for shift in (0.095, 0.096, -0.095, -0.096)]
    inside, (above, below) = Verdict.DIFFERENT_INSIDE, (Verdict.SECOND_BETTER, Verdict.FIRST_BETTER)
    assert edges == [inside, above, inside, below]


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


def test_other_statistics_are_of_the_same_configuration_means(figures, made, judged):
    of = made(0.03, spread=0.05)
    main = judged(of).main
    assert figures(of) == (main[eq.BOOTSTRAP].bca.low, main[eq.RANK_TOST].p, main[eq.SIGNED_RANK].p)
    means = np.log([of.sequential, of.parallel]).reshape(2, 12, 3).mean(axis=2)
    agreement = eq.bland_altman(*means)
    assert main[eq.AGREEMENT].limits.high == pytest.approx(agreement.limits.high)
    assert main[eq.AGREEMENT].slope_p == pytest.approx(agreement.slope_p)
    assert main[eq.CONCORDANCE].ccc == pytest.approx(eq.concordance(*means).ccc)
    assert main[eq.PROBABILITY_BETTER] == eq.probability_better(of.contrast("ratio"), of.configuration)


def test_the_worst_case_of_an_accuracy_is_less_of_it(ended, made, judged):
    of = ended(made(0.0), parallel={0: "missing", 1: "missing"})
    for metric, sign in (("val_loss", 1), ("val_accuracy", -1)):
        worst = judged(replace(of, metric=metric)).difference.worst_case
        assert sign * (worst.against.estimate - worst.for_parallel.estimate) > 0


def test_the_spread_of_the_seeds_is_not_taken_for_known(sample, judged):
    """Against the margin as estimated, plain TOST says equivalent where the test that knows it is one does not."""
    rng = np.random.default_rng(68)
    of = sample(*(0.6 + 0.02 * rng.normal(size=(2, 6, 2))), metric="val_accuracy")
    found = judged(of).difference
    assert found.tost.p < 0.05 < found[eq.SEED_NOISE_TOST].p
    assert found.verdict == Verdict.UNDECIDED
