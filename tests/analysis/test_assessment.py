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
from analysis.equivalence.components import components
from analysis.equivalence.contrast import contrasts
from analysis.equivalence.crossed import seed_effect
from analysis.equivalence.inside import share_inside
from analysis.equivalence.skewness import skewness
from analysis.equivalence.verdict import Verdict
from analysis.questions.equivalence.assessment import Answer, log_margin
from analysis.questions.equivalence.sample import Sample
from sweep.ledger import Margins
from sweep.trial import Trial

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


def test_of_networks_like_these_estimates_are_those_of_students_t_over_configurations(sample, judged):
    rng = np.random.default_rng(1)
    sides = np.exp(rng.normal(size=(2, 6, 3)) / 10)
    for metric, contrast in (("val_loss", np.log(sides[1] / sides[0])), ("val_accuracy", sides[1] - sides[0])):
        found = judged(sample(*sides, metric))
        means = contrast.mean(axis=1)
        assert found.networks.estimate == pytest.approx(found.grid.estimate) == pytest.approx(means.mean())
        low, high = stats.t.interval(0.92, 5, means.mean(), stats.sem(means))
        interval = replace(found.networks, skewness=0.0).interval(0.92)
        assert (interval.low, interval.high) == (pytest.approx(low), pytest.approx(high))
        # The correction for skewness only widens.
        skewed = found.networks.interval(0.92)
        assert skewed.low <= interval.low < interval.high <= skewed.high
        assert replace(found.networks, skewness=0.0).p == pytest.approx(p_of(stats.ttest_1samp(means, 0)))
        assert (found.configurations, found.counts.pairs, found.seeds) == (6, 18, 3)


def test_of_these_networks_the_interval_comes_from_seeds_alone(sample, judged):
    """Configurations that differ by more leave it as it is; the other one is of networks that are a sample."""
    sides = np.exp(np.random.default_rng(1).normal(size=(2, 30, 3)) / 10)
    contrast = np.log(sides[1] / sides[0])
    found = judged(sample(*sides))
    assert found.grid.standard_error == pytest.approx(math.sqrt(contrast.var(axis=1, ddof=1).sum() / 3) / 30)
    assert found.interval == found.grid.interval(1 - 2 * found.alpha)
    spread = np.repeat(np.linspace(-1, 1, 30), 3).reshape(30, 3)
    wider = judged(sample(sides[0], sides[1] * np.exp(spread)))
    assert wider.grid.standard_error == pytest.approx(found.grid.standard_error)
    assert wider.networks.standard_error > 5 * found.networks.standard_error
    assert wider.networks.standard_error > wider.grid.standard_error


def test_p_is_of_two_one_sided_tests_at_the_declared_margin(made, judged):
    found = judged(made(0.05, noise=0.05))
    t = replace(found.grid, skewness=0.0)
    tails = [
        stats.t.sf((found.grid.estimate + math.log(1.1)) / t.standard_error, t.degrees_of_freedom),
        stats.t.cdf((found.grid.estimate - math.log(1.1)) / t.standard_error, t.degrees_of_freedom),
    ]
    assert t.p_inside(-found.margin, found.margin) == pytest.approx(max(tails))
    assert found.learned is not None
    assert found.p_equivalence == max(found.grid.p_inside(-found.margin, found.margin), found.learned.p)
    assert found.p_difference == found.grid.p
    assert found.margin == pytest.approx(math.log(1.1))


def test_the_same_figures_under_more_names_of_a_seed_are_no_variance(sample, judged):
    once = np.exp(np.random.default_rng(2).normal(size=(2, 6, 1)) / 10)
    one, three = judged(sample(*once)), judged(sample(*np.repeat(once, 3, axis=2)))
    assert one.networks == three.networks
    assert math.isnan(one.grid.standard_error)
    assert three.grid.standard_error == 0
    assert (one.verdict, three.verdict) == (Verdict.UNDECIDED, Verdict.UNDECIDED)


def test_configurations_weigh_alike_however_many_seeds_they_have(sample, ended, judged):
    values = np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([[2.0, 2.0], [8.0, 1.0]])
    found = judged(ended(sample(*values), parallel={3: "failed"}))
    assert found.grid.estimate == found.networks.estimate == pytest.approx((math.log(2) + math.log(8)) / 2)
    assert (found.configurations, found.counts.complete) == (2, 3)


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
    answer = analysis.assess(analysis.open(make_store([end(each, loss(each)) for each in trials])).pairs("val_loss"))
    assert list(answer.by_dataset) == ["digits"]
    found = answer.by_dataset["digits"]
    assert found.margins == Margins()
    assert (found.metric, found.counts.pairs, found.configurations) == ("val_loss", 6, 3)
    assert found.grid.estimate == pytest.approx(0.02 * (2 + 3 + 5) / 3)


def flat(made: Callable[..., Sample], value: float) -> Sample:
    of = made(0.0)
    return replace(of, sequential=np.full(len(of), value), parallel=np.full(len(of), value))


OUTCOMES: dict[str, tuple[Callable[..., Sample], Verdict]] = {
    "equivalent": (lambda made: made(0.0), Verdict.EQUIVALENT),
    "inside, parallel ahead": (lambda made: made(-0.03), Verdict.DIFFERENT_INSIDE),
    "inside, sequential ahead": (lambda made: made(0.03), Verdict.DIFFERENT_INSIDE),
    "parallel better": (lambda made: made(-0.2), Verdict.FIRST_BETTER),
    "sequential better": (lambda made: made(0.2), Verdict.SECOND_BETTER),
    "reaching over the margin": (lambda made: made(0.09, noise=0.06), Verdict.SECOND_BETTER),
    "wide": (lambda made: made(0.05, noise=0.5), Verdict.UNDECIDED),
    "networks that differ, of which the mean does not": (lambda made: made(0.0, spread=0.4), Verdict.EQUIVALENT),
    "exactly equal": (lambda made: flat(made, 1.5), Verdict.EQUIVALENT),
    "both zero": (lambda made: flat(made, 0.0), Verdict.EQUIVALENT),
}


@pytest.mark.parametrize(("of", "verdict"), OUTCOMES.values(), ids=OUTCOMES)
@pytest.mark.parametrize("metric", ["val_loss", "train_loss"])
def test_each_outcome_by_construction(of, verdict, metric, made, judged):
    found = judged(replace(of(made), metric=metric))
    assert found.verdict == verdict
    assert not found.withheld
    assert found.is_equivalent == (verdict in (Verdict.EQUIVALENT, Verdict.DIFFERENT_INSIDE))
    # Of a sample alone, nobody knows whether depth helps.
    assert found.is_equivalent == any("whether depth helps here is not known" in each for each in found.caveats)
    assert not found.plain


def test_beyond_takes_a_verdict_and_the_whole_interval_outside_the_margin(made, judged):
    assert judged(made(0.2)).beyond
    assert judged(made(-0.2)).beyond
    assert not judged(made(0.09, noise=0.06)).beyond
    assert not judged(made(0.2), declared_before=False).beyond


approx = partial(pytest.approx, nan_ok=True, rel=1e-6, abs=1e-9)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    shift=st.sampled_from([-0.2, -0.05, 0.0, 0.05, 0.2]),
    spread=st.sampled_from([0.005, 0.05, 0.3]),
    metric=st.sampled_from(["val_loss", "val_accuracy"]),
    crossed=st.booleans(),
    lacking=st.integers(0, 8),
)
def test_to_swap_the_architectures_mirrors_everything_that_is_said(
    seed, shift, spread, metric, crossed, lacking, ended, made, judged
):
    rng = np.random.default_rng(seed)
    of = replace(made(shift, spread, spread / 2, seed=seed, crossed=crossed), metric=metric)
    kinds = {int(place): str(rng.choice(["diverged", "failed", "missing"])) for place in rng.permutation(72)[:lacking]}
    of = ended(of, *({place: kind for place, kind in kinds.items() if place % 2 == side} for side in (0, 1)))
    one, other = judged(of), judged(swapped(of))
    for mean, mirror in (
        (one.grid, other.grid),
        (one.networks, other.networks),
        (one.failed_as_chance, other.failed_as_chance),
    ):
        assert mirror.estimate == approx(-mean.estimate)
        assert mirror.standard_error == approx(mean.standard_error)
        assert mirror.interval(0.92).low == approx(-mean.interval(0.92).high)
        assert mirror.interval(0.92).high == approx(-mean.interval(0.92).low)
        assert mirror.p == approx(mean.p)
    margin = log_margin(Margins())
    assert other.grid.p_inside(-margin, margin) == approx(one.grid.p_inside(-margin, margin))
    assert other.divergence.p_exact == approx(one.divergence.p_exact)
    assert other.divergence.sequential_only == one.divergence.parallel_only
    assert other.counts.parallel_diverged == one.counts.sequential_diverged
    # What is learned is a share of what the sequential networks learn, which has no mirror of its own.
    if max(one.p_equivalence, other.p_equivalence) < 0.03 or min(one.p_equivalence, other.p_equivalence) > 0.05:
        assert other.verdict == MIRRORED.get(one.verdict, one.verdict)


@pytest.mark.parametrize("shift", [0.0, 0.1, -0.1])
def test_an_accuracy_has_an_estimate_and_intervals_and_no_verdict(shift, sample, judged):
    rng = np.random.default_rng(4)
    accuracy = 0.6 + 0.01 * rng.normal(size=(2, 24, 3)) + np.array([0, shift]).reshape(2, 1, 1)
    found = judged(sample(*accuracy, metric="val_accuracy"))
    assert found.scale == "difference"
    assert found.grid.estimate == pytest.approx(shift, abs=0.01)
    assert found.interval.low < found.grid.estimate < found.interval.high
    assert (found.p_difference < 0.01) == (shift != 0)
    assert (found.verdict, found.withheld, found.caveats) == (Verdict.UNDECIDED, (), ())
    assert math.isnan(found.margin)
    assert math.isnan(found.p_equivalence)
    assert math.isnan(found.inside.share.value) or found.inside.share.value == 0
    assert found.learned is found.assay is None


@pytest.mark.parametrize(("ratio", "verdict"), [(0.02, Verdict.SECOND_BETTER), (0.3, Verdict.DIFFERENT_INSIDE)])
def test_the_declared_ratio_is_the_margin(ratio, verdict, made, judged):
    found = judged(made(0.1), Margins(ratio))
    assert found.verdict == verdict
    assert found.margins.ratio == ratio
    assert found.margin == pytest.approx(math.log(1 + ratio)) == log_margin(Margins(ratio))


def test_a_margin_is_symmetric_in_the_ratio(made, judged):
    """1 / 1.1 is as far as 1.1."""
    edges = [judged(made(shift, spread=1e-4, noise=1e-4)).verdict for shift in (0.095, 0.096, -0.095, -0.096)]
    inside, (above, below) = Verdict.DIFFERENT_INSIDE, (Verdict.SECOND_BETTER, Verdict.FIRST_BETTER)
    assert edges == [inside, above, inside, below]


def test_what_is_learned_is_held_to_the_margin_too(sample, judged):
    """A ratio of 1.08 of losses of 1.5 is 0.12, of the 0.8 nats that are learned 15 %."""
    noise = 0.002 * np.random.default_rng(6).normal(size=(2, 24, 3))
    sides = 1.5 * np.exp(noise) * np.array([1.0, 1.08]).reshape(2, 1, 1)
    found = judged(sample(*sides))
    assert found.learned is not None
    assert found.grid.p_inside(-found.margin, found.margin) < 1e-6
    assert found.learned.share.value == pytest.approx(0.12 / (math.log(10) - 1.5), rel=0.01)
    assert found.learned.share.low < found.learned.share.value < found.learned.share.high
    assert found.learned.share.low > 0.1
    assert found.verdict == Verdict.SECOND_BETTER
    assert not found.beyond
    # The same ratio, of networks that learn more.
    assert judged(sample(*(sides / 3))).verdict == Verdict.DIFFERENT_INSIDE


def test_the_interval_of_what_is_learned_is_fiellers(sample, judged):
    """By hand, of the two means of a nested design with as many seeds everywhere."""
    noise = 0.05 * np.random.default_rng(7).normal(size=(2, 24, 3))
    sides = 0.8 * np.exp(noise)
    found = judged(sample(*sides)).learned
    difference, learned = sides[1] - sides[0], math.log(10) - sides[0]
    assert found.share.value == pytest.approx(difference.mean() / learned.mean())
    for end, sign in ((found.share.low, 1), (found.share.high, -1)):
        line = difference - end * learned
        error = math.sqrt(line.var(axis=1, ddof=1).sum() / 3) / 24
        parts = line.var(axis=1, ddof=1)
        freedom = parts.sum() ** 2 / (parts**2 / 4).sum()
        # Skewness moves it a little.
        assert stats.t.sf(sign * line.mean() / error, freedom) == pytest.approx(0.05, abs=0.01)


def test_looks_spend_the_error(made, judged):
    alphas = [judged(made(0.0), look=look).alpha for look in (1, 2, 3, 4)]
    assert alphas == [pytest.approx(alpha) for alpha in (0.04, 0.005, 0.0025, 0.00125)]
    of = made(0.08, noise=0.03)
    first, later = judged(of), judged(of, look=6)
    assert first.is_equivalent
    assert not later.is_equivalent
    assert first.p_equivalence == later.p_equivalence
    assert later.interval.low < first.interval.low < first.interval.high < later.interval.high
    assert (first.interval, later.look) == (pytest.approx(first.grid.interval(0.92)), 6)


def test_an_interval_lies_inside_the_margin_where_the_ratio_is_shown_to(made, judged):
    for shift in np.linspace(0.0, 0.12, 25):
        found = judged(made(float(shift), noise=0.05))
        inside = -found.margin < found.interval.low and found.interval.high < found.margin
        assert inside == (found.grid.p_inside(-found.margin, found.margin) < found.alpha)


def test_other_statistics_are_of_the_same_contrasts(made, judged):
    of = made(0.03, spread=0.05)
    found = judged(of)
    values = of.contrast("ratio")
    assert found.statistics["skewness"] == pytest.approx(skewness(of.contrasts(values).means))
    assert found.statistics["components"] == components(np.round(values, 12), of.configuration)
    every = contrasts(of.contrast("ratio"), of.configuration, of.seed, crossed=False)
    assert found.seed_effect == seed_effect(every)
    assert found.inside == share_inside(every, -found.margin, found.margin)


@pytest.mark.parametrize(
    ("verdicts", "common"),
    [
        ([Verdict.EQUIVALENT] * 2, Verdict.EQUIVALENT),
        ([Verdict.EQUIVALENT, Verdict.DIFFERENT_INSIDE], Verdict.DIFFERENT_INSIDE),
        ([Verdict.FIRST_BETTER] * 2, Verdict.FIRST_BETTER),
        ([Verdict.FIRST_BETTER, Verdict.SECOND_BETTER], Verdict.UNDECIDED),
        ([Verdict.EQUIVALENT, Verdict.UNDECIDED], Verdict.UNDECIDED),
        ([Verdict.EQUIVALENT, Verdict.SECOND_BETTER], Verdict.UNDECIDED),
    ],
)
def test_data_sets_have_a_common_verdict_where_it_holds_on_each(made, judged, verdicts, common):
    found = judged(made(0.0))
    by_dataset = {str(place): replace(found, verdict=verdict) for place, verdict in enumerate(verdicts)}
    assert Answer(by_dataset).verdict == common


def test_an_answer_with_a_caveat_is_not_plain(made, judged):
    inside = judged(made(0.0))
    assert inside.caveats
    assert not Answer({"one": inside}).plain
