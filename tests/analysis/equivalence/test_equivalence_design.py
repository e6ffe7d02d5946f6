"""Means under their design, against computations that share no code with them."""

import math
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats
from scipy.optimize import brentq
from statsmodels.stats.anova import anova_lm

from analysis.equivalence.contrast import Contrasts, contrasts, enough_seeds
from analysis.equivalence.crossed import seed_effect
from analysis.equivalence.design import of_grid, of_networks
from analysis.equivalence.mean import Mean


def table(configurations: int, seeds: int, seed: int = 0, between: float = 1.0, shared: float = 1.0) -> np.ndarray:
    """Contrasts of shape (configurations, seeds), with a noise of 1 of their own."""
    rng = np.random.default_rng([configurations, seeds, seed])
    own, common = rng.normal(size=(configurations, 1)), rng.normal(size=(1, seeds))
    values = between * own + shared * common + rng.normal(size=(configurations, seeds))
    return values.round(6)


def balanced(values: np.ndarray, crossed: bool) -> Contrasts:
    configuration, seed = np.indices(values.shape)
    return contrasts(values.ravel(), configuration.ravel(), seed.ravel(), crossed)


def nested(*each: list[float] | np.ndarray) -> Contrasts:
    """Contrasts of nested seeds, as many as each configuration has."""
    configuration = np.repeat(np.arange(len(each)), [len(values) for values in each])
    seed = np.concatenate([np.arange(len(values)) for values in each])
    return contrasts(np.concatenate([np.asarray(values) for values in each]), configuration, seed, False)


def ragged(seed: int) -> tuple[Contrasts, pd.DataFrame]:
    """Six configurations and five crossed seeds, of which some cells are missing."""
    values = table(6, 5, seed)
    configuration, code = (each.ravel() for each in np.indices(values.shape))
    rng = np.random.default_rng(seed)
    kept = np.unique(np.r_[rng.permutation(30)[:17], 0, 1, 7, 8, 14, 21, 28])
    frame = pd.DataFrame({"y": values.ravel(), "c": configuration, "s": code}).iloc[kept]
    of = contrasts(frame["y"].to_numpy(), frame["c"].to_numpy(), frame["s"].to_numpy(), True)
    return of, frame


def same(mean: Mean, estimate: float, error: float, freedom: float | None = None) -> None:
    assert mean.estimate == pytest.approx(estimate, abs=1e-10)
    assert mean.standard_error == pytest.approx(error, rel=1e-9)
    if freedom is not None:
        assert mean.degrees_of_freedom == pytest.approx(freedom, rel=1e-9)


# Contrasts.


def test_a_configuration_and_a_seed_are_one_piece_of_evidence() -> None:
    twice = contrasts([1.0, 3.0, 5.0, 5.0], ["b", "b", "a", "b"], [7, 7, 7, 8], False)
    assert (twice.values.tolist(), twice.configuration.tolist()) == ([5.0, 2.0, 5.0], [0, 1, 1])
    assert (twice.configurations, twice.seeds, twice.means.tolist()) == (2, 2, [5.0, 3.5])


@pytest.mark.parametrize("crossed", [False, True])
@pytest.mark.parametrize("times", [2, 5])
def test_copies_of_a_pair_change_nothing(crossed: bool, times: int) -> None:
    values = table(4, 3)
    configuration, seed = (each.ravel() for each in np.indices(values.shape))
    once = contrasts(values.ravel(), configuration, seed, crossed)
    again = contrasts(np.repeat(values, times), np.repeat(configuration, times), np.repeat(seed, times), crossed)
    assert repr(again) == repr(once)
    assert (of_grid(again), of_networks(again)) == (of_grid(once), of_networks(once))


def test_rounding_is_no_variance() -> None:
    values = np.full((3, 4), 0.1) + 1e-16 * np.arange(12).reshape(3, 4)
    assert np.ptp(values) > 0
    for crossed in (False, True):
        for mean in (of_grid(balanced(values, crossed)), of_networks(balanced(values, crossed))):
            assert (mean.estimate, mean.standard_error) == (0.1, 0.0)
            assert (mean.p_inside(-0.2, 0.2), mean.p_inside(-0.1, 0.1), mean.p) == (0.0, 0.5, 0.0)
            assert (mean.interval().low, mean.interval().high) == (0.1, 0.1)


@pytest.mark.parametrize(
    ("values", "configuration", "seed", "message"),
    [
        ([math.nan], [0], [0], "finite"),
        ([math.inf], [0], [0], "finite"),
        ([[0.1]], [0], [0], "one-dimensional"),
        ([0.1, 0.2], [0], [0, 1], "configuration must"),
        ([0.1, 0.2], [0, 1], [0], "seed must"),
    ],
)
def test_malformed_contrasts_are_refused(values, configuration, seed, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        contrasts(values, configuration, seed, True)


@pytest.mark.parametrize(
    ("seeds", "freedom"), [([3] * 24, 48), ([3] * 23, 46), ([49], 48), ([2] * 100, 0), ([1, 2, 3, 4], 5), ([], 0)]
)
def test_nested_seeds_are_enough_where_they_leave_degrees_of_freedom(seeds: list[int], freedom: int) -> None:
    of = nested(*(np.arange(n, dtype=float) for n in seeds)) if seeds else contrasts([], [], [], False)
    assert of.counted_freedom == freedom
    assert enough_seeds(of) == (freedom >= 48)


@pytest.mark.parametrize(("seeds", "enough"), [(1, False), (2, False), (3, True), (7, True)])
def test_crossed_seeds_are_enough_from_three_on(seeds: int, enough: bool) -> None:
    assert enough_seeds(balanced(table(40, seeds), True)) is enough


# This grid, nested.


@pytest.mark.parametrize("values", [[-1.0, 0.0, 1.0], [0.1, 0.3], [-2.0, -1.0, -1.0, 0.0], [1.0, 4.0, 5.0, 6.0, 9.0]])
@pytest.mark.parametrize("bound", [-0.3, 0.0, 0.5])
def test_one_configuration_is_the_t_test_of_scipy(values: list[float], bound: float) -> None:
    mean = of_grid(nested(values))
    theirs = cast(Any, stats.ttest_1samp(values, bound, alternative="less"))
    assert mean.skewness == pytest.approx(0, abs=1e-12)
    same(mean, float(np.mean(values)), float(stats.sem(values)), theirs.df)
    assert mean.p_below(bound) == pytest.approx(theirs.pvalue, abs=1e-10)
    assert mean.p_above(bound) == pytest.approx(1 - theirs.pvalue, abs=1e-10)
    assert mean.p == pytest.approx(cast(Any, stats.ttest_1samp(values, 0)).pvalue, abs=1e-10)
    low, high = cast(Any, stats.ttest_1samp(values, 0)).confidence_interval(0.90)
    assert (mean.interval().low, mean.interval().high) == pytest.approx((low, high), abs=1e-10)


def test_two_configurations_are_a_stratified_mean() -> None:
    """Variances 1 and 6.5 of three and five seeds: (1/3 + 6.5/5) / 4."""
    first, second = [0.0, 1.0, 2.0], [7.0, 8.0, 10.0, 12.0, 13.0]
    same(of_grid(nested(first, second)), 5.5, math.sqrt((1 / 3 + 6.5 / 5) / 4))


@pytest.mark.parametrize("sizes", [(2, 2), (3, 8), (5, 5), (4, 30)])
def test_the_difference_of_two_configurations_is_welchs(sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(sizes)
    first, second = rng.normal(1, 1, sizes[0]), rng.normal(0, 3, sizes[1])
    theirs = cast(Any, stats.ttest_ind(first, second, equal_var=False))
    mean = of_grid(nested(first, second), [1, -1])
    same(mean, first.mean() - second.mean(), (first.mean() - second.mean()) / theirs.statistic)


def stratified(each: list[np.ndarray], weight: np.ndarray) -> tuple[float, float, float]:
    """Estimate, standard error and degrees of freedom by the sums of Welch (1947), in plain Python."""
    parts = [w**2 * np.var(values, ddof=1) / len(values) for w, values in zip(weight, each, strict=True)]
    squares = sum(part**2 / (len(values) + 1) for part, values in zip(parts, each, strict=True))
    estimate = sum(w * np.mean(values) for w, values in zip(weight, each, strict=True))
    return float(estimate), float(sum(parts)) ** 0.5, float(sum(parts) ** 2 / squares - 2)


def strata(sizes: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(sizes)
    return [rng.normal(0, 1 + place, size).round(6) for place, size in enumerate(sizes)]


SIZES = [(3,), (2, 2), (2, 7), (3, 3, 3), (2, 5, 9, 4), (3,) * 30]


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("weighted", [False, True])
def test_strata_are_added_with_their_weights(sizes: tuple[int, ...], weighted: bool) -> None:
    each = strata(sizes)
    weight = np.linspace(-1, 2, len(sizes)) if weighted else np.full(len(sizes), 1 / len(sizes))
    estimate, error, _ = stratified(each, weight)
    same(of_grid(nested(*each), weight if weighted else None), estimate, error)


@pytest.mark.parametrize("sizes", SIZES)
def test_degrees_of_freedom_are_welchs(sizes: tuple[int, ...]) -> None:
    each = strata(sizes)
    weight = np.full(len(sizes), 1 / len(sizes))
    found = of_grid(nested(*each)).degrees_of_freedom
    assert found == pytest.approx(stratified(each, weight)[2], rel=1e-9)
    assert min(sizes) - 1 <= found * (1 + 1e-9)


def test_a_configuration_of_one_seed_borrows_the_mean_variance() -> None:
    mean = of_grid(nested([0.0, 2.0], [1.0, 1.0, 4.0], [5.0]))
    same(mean, 8 / 3, math.sqrt((2 / 2 + 3 / 3 + 2.5) / 9))


@pytest.mark.parametrize("single", [1, 10, 100])
def test_borrowing_adds_no_degrees_of_freedom(single: int) -> None:
    lone = [[float(place)] for place in range(single)]
    assert of_grid(nested([0.0, 1.0, 3.0], *lone)).degrees_of_freedom == pytest.approx(2)
    alone = of_grid(nested([0.0, 1.0, 3.0], [0.0, 2.0, 4.0])).degrees_of_freedom
    assert of_grid(nested([0.0, 1.0, 3.0], [0.0, 2.0, 4.0], *lone)).degrees_of_freedom < 2 * alone


def test_weights_on_single_seeds_alone_borrow_too() -> None:
    mean = of_grid(nested([0.0, 2.0], [3.0], [4.0]), [0, 1, -1])
    same(mean, -1, 2)


@pytest.mark.parametrize("sizes", [(3,), (4, 4), (3, 5, 9)])
def test_nested_skewness_is_that_of_pooled_third_cumulants(sizes: tuple[int, ...]) -> None:
    rng = np.random.default_rng(sizes)
    each = [rng.lognormal(size=size).round(6) for size in sizes]
    cumulant = np.mean([stats.kstat(values, 3) for values in each])
    total = sum(np.var(values, ddof=1) / len(values) for values in each)
    expected = sum(cumulant / len(values) ** 2 for values in each) / total**1.5
    assert of_grid(nested(*each)).skewness == pytest.approx(expected, rel=1e-9)


def test_two_seeds_tell_no_skewness() -> None:
    assert of_grid(nested([0.0, 1.0], [5.0, 9.0])).skewness == 0
    assert of_grid(balanced(table(5, 2), True)).skewness == 0


# This grid, crossed.


@pytest.mark.parametrize(("configurations", "seeds"), [(1, 3), (2, 2), (5, 3), (30, 8)])
def test_crossed_seeds_are_the_t_interval_of_their_means(configurations: int, seeds: int) -> None:
    values = table(configurations, seeds)
    each = values.mean(axis=0)
    mean = of_grid(balanced(values, True))
    same(mean, values.mean(), float(stats.sem(each)), seeds - 1)
    if seeds > 2:
        expected = stats.kstat(each, 3) / seeds**2 / float(stats.sem(each)) ** 3
        assert mean.skewness == pytest.approx(expected, rel=1e-6)


def test_symmetric_seed_means_are_the_t_test_of_scipy() -> None:
    values = (
        np.array([[1.0], [2.0], [6.0]]) + np.array([[-0.3, 0.0, 0.3]]) + np.array([[0.1], [0], [-0.1]]) * [1, -2, 1]
    )
    mean, each = of_grid(balanced(values, True)), values.mean(axis=0)
    theirs = cast(Any, stats.ttest_1samp(each, 0))
    assert mean.p == pytest.approx(theirs.pvalue, abs=1e-10)
    low, high = theirs.confidence_interval(0.90)
    assert (mean.interval().low, mean.interval().high) == pytest.approx((low, high), abs=1e-10)


@pytest.mark.parametrize(("configurations", "seeds"), [(2, 3), (7, 4), (20, 3)])
@pytest.mark.parametrize("weighted", [False, True])
def test_crossed_seeds_are_the_clusters_of_statsmodels(configurations: int, seeds: int, weighted: bool) -> None:
    values = table(configurations, seeds, 1)
    configuration, seed = (each.ravel() for each in np.indices(values.shape))
    weight = np.linspace(-1, 2, configurations) if weighted else np.full(configurations, 1 / configurations)
    frame = pd.DataFrame({"y": values.ravel(), "c": configuration})
    robust = {"groups": seed, "use_correction": False}
    fit = smf.ols("y ~ 0 + C(c)", frame).fit(cov_type="cluster", cov_kwds=robust)
    error = math.sqrt(seeds / (seeds - 1) * weight @ np.asarray(fit.cov_params()) @ weight)
    of = balanced(values, True)
    same(of_grid(of, weight if weighted else None), float(weight @ fit.params), error, seeds - 1)


def test_more_configurations_do_not_average_shared_noise_away() -> None:
    shared = np.array([-0.2, 0.0, 0.2])
    few, many = (balanced(np.tile(shared, (count, 1)), True) for count in (2, 200))
    assert of_grid(many).standard_error == pytest.approx(of_grid(few).standard_error)
    assert of_grid(balanced(np.tile(shared, (200, 1)), False)).standard_error < 0.2 * of_grid(few).standard_error


@pytest.mark.parametrize("singles", [3, 8])
def test_single_crossed_seeds_are_not_certain(singles: int) -> None:
    values = np.random.default_rng(singles).normal(size=singles)
    of = contrasts(values, np.arange(singles), np.arange(singles) % 3, True)
    assert math.isnan(of_grid(of).standard_error)
    assert math.isnan(of_networks(of).standard_error)


# Networks like these.


@pytest.mark.parametrize("configurations", [2, 3, 12])
@pytest.mark.parametrize("seeds", [1, 3])
def test_nested_networks_are_the_t_interval_of_their_means(configurations: int, seeds: int) -> None:
    values = table(configurations, seeds)
    each = values.mean(axis=1)
    mean = of_networks(balanced(values, False))
    same(mean, values.mean(), float(stats.sem(each)), configurations - 1)
    if configurations > 2:
        expected = stats.kstat(each, 3) / configurations**2 / float(stats.sem(each)) ** 3
        assert mean.skewness == pytest.approx(expected, rel=1e-6)


def test_unbalanced_nested_networks_weigh_alike() -> None:
    mean = of_networks(nested([1.0], [2.0, 4.0], [0.0, 1.0, 2.0, 9.0]))
    same(mean, 7 / 3, float(stats.sem([1.0, 3.0, 3.0])), 2)


def mean_squares(values: np.ndarray) -> tuple[float, float, float]:
    """Of configurations, seeds and their interaction."""
    configurations, seeds = values.shape
    rows, columns, whole = values.mean(axis=1), values.mean(axis=0), values.mean()
    left = values - rows[:, None] - columns[None, :] + whole
    mixed = float((left**2).sum()) / (configurations - 1) / (seeds - 1)
    return seeds * float(rows.var(ddof=1)), configurations * float(columns.var(ddof=1)), mixed


@pytest.mark.parametrize(("configurations", "seeds"), [(3, 3), (6, 4), (12, 5), (25, 3)])
@pytest.mark.parametrize("seed", range(3))
def test_crossed_networks_are_two_way_mean_squares(configurations: int, seeds: int, seed: int) -> None:
    values = table(configurations, seeds, seed)
    of_c, of_s, of_e = mean_squares(values)
    numerator = max(of_c + of_s - of_e, of_c, of_s)
    pieces = of_c**2 / (configurations - 1) + of_s**2 / (seeds - 1) + of_e**2 / (configurations - 1) / (seeds - 1)
    mean = of_networks(balanced(values, True))
    same(mean, values.mean(), math.sqrt(numerator / values.size), numerator**2 / pieces)
    skewness = stats.kstat(values.mean(axis=1), 3) / configurations**2 / mean.standard_error**3
    assert mean.skewness == pytest.approx(skewness, rel=1e-6)


@pytest.mark.parametrize(("configurations", "seeds", "seed"), [(8, 5, 0), (6, 6, 1), (12, 4, 2)])
def test_crossed_networks_are_the_mixed_model_of_statsmodels(configurations: int, seeds: int, seed: int) -> None:
    values = table(configurations, seeds, seed)
    of_c, of_s, of_e = mean_squares(values)
    assert min(of_c, of_s) > 1.5 * of_e, "the estimates are interior"
    configuration, code = (each.ravel() for each in np.indices(values.shape))
    frame = pd.DataFrame({"y": values.ravel(), "c": configuration, "s": code})
    parts = {"c": "0 + C(c)", "s": "0 + C(s)"}
    model = smf.mixedlm("y ~ 1", frame, groups=np.ones(values.size), vc_formula=parts)
    fit = cast(Any, model.fit(reml=True, method="lbfgs"))
    mean = of_networks(balanced(values, True))
    assert mean.estimate == pytest.approx(fit.params["Intercept"], abs=1e-6)
    assert mean.standard_error == pytest.approx(fit.bse["Intercept"], rel=1e-3)


@pytest.mark.parametrize("crossed", [False, True])
def test_other_networks_are_never_more_certain_than_either_sample(crossed: bool) -> None:
    for seed in range(20):
        of = balanced(table(5, 4, seed, between=0, shared=0), crossed)
        each = float(stats.sem(of.means))
        least = max(each, of_grid(of).standard_error) if crossed else each
        assert of_networks(of).standard_error >= least * (1 - 1e-12)


# Nothing to go by.


@pytest.mark.parametrize("crossed", [False, True])
@pytest.mark.parametrize(
    ("values", "configuration", "seed"), [([], [], []), ([0.1], [0], [0]), ([0.1, 0.2, 0.6], [0, 1, 2], [0, 0, 0])]
)
def test_a_single_seed_gives_no_error_of_this_grid(values, configuration, seed, crossed: bool) -> None:
    mean = of_grid(contrasts(values, configuration, seed, crossed))
    assert mean.estimate == pytest.approx(np.mean(values) if values else math.nan, nan_ok=True)
    ends = mean.interval()
    undefined = (mean.standard_error, mean.degrees_of_freedom, mean.p_below(1), mean.p_above(-1), ends.low, ends.high)
    assert all(math.isnan(each) for each in (*undefined, mean.p_inside(-1, 1)))
    assert mean.skewness == 0


@pytest.mark.parametrize(
    ("values", "configuration", "seed", "crossed"),
    [
        ([], [], [], False),
        ([], [], [], True),
        ([0.1, 0.3], [0, 0], [0, 1], False),
        ([0.1, 0.3], [0, 0], [0, 1], True),
        ([0.1, 0.3], [0, 1], [0, 0], True),
    ],
)
def test_one_network_says_nothing_of_others(values, configuration, seed, crossed: bool) -> None:
    mean = of_networks(contrasts(values, configuration, seed, crossed))
    assert mean.estimate == pytest.approx(np.mean(values) if values else math.nan, nan_ok=True)
    assert all(math.isnan(each) for each in (mean.standard_error, mean.degrees_of_freedom, mean.p_inside(-1, 1)))


def test_an_undefined_mean_has_no_p_of_zero() -> None:
    assert math.isnan(of_grid(nested([0.1])).p)
    assert math.isnan(of_networks(nested([0.1, 0.3])).p)


@pytest.mark.parametrize("values", [[0.1, 0.1, 0.1], [0.1, 0.2, 0.4]])
def test_a_bound_that_is_not_known_has_no_p(values: list[float]) -> None:
    mean = of_grid(nested(values))
    found = (mean.p_below(math.nan), mean.p_above(math.nan), mean.p_inside(-1, math.nan), mean.p_inside(math.nan, 1))
    assert all(math.isnan(p) for p in found)


@pytest.mark.parametrize("crossed", [False, True])
@pytest.mark.parametrize("size", [1e-320, 1e-200, 1e-13, 1e-9, 1e9, 1e15])
def test_sizes_do_not_matter(size: float, crossed: bool) -> None:
    nothing_warns(size, crossed)


@pytest.mark.parametrize("crossed", [False, True])
@pytest.mark.parametrize("size", [1e100, 1e160, 1e200, 1e300])
def test_huge_sizes_do_not_matter(size: float, crossed: bool) -> None:
    nothing_warns(size, crossed)


def nothing_warns(size: float, crossed: bool) -> None:
    values = size * np.array([[1, -1, 0.5], [0.25, 0, -0.5], [1, 1, 1], [0, 0.75, 0.25]])
    of = balanced(values, crossed)
    for mean in (of_grid(of), of_networks(of)):
        assert math.isfinite(mean.estimate)
        assert mean.standard_error >= 0
        assert all(0 <= p <= 1 for p in (mean.p_inside(-0.1, 0.1), mean.p))
        assert mean.interval().low <= mean.interval().high
    assert not seed_effect(of) < 0


# Seeds.


def additive(frame: pd.DataFrame) -> float:
    """P of the seeds in an additive model."""
    fit = smf.ols("y ~ C(c) + C(s)", frame).fit()
    row = anova_lm(fit, typ=2).loc["C(s)"]
    return float(row["PR(>F)"])


@pytest.mark.parametrize(("configurations", "seeds"), [(2, 2), (3, 5), (12, 3)])
@pytest.mark.parametrize("shared", [0.0, 2.0])
def test_the_seed_effect_is_that_of_statsmodels(configurations: int, seeds: int, shared: float) -> None:
    values = table(configurations, seeds, 2, shared=shared)
    configuration, code = (each.ravel() for each in np.indices(values.shape))
    found = seed_effect(balanced(values, True))
    theirs = additive(pd.DataFrame({"y": values.ravel(), "c": configuration, "s": code}))
    assert found == pytest.approx(theirs, rel=1e-7)


@pytest.mark.parametrize("seed", range(4))
def test_the_seed_effect_of_an_unbalanced_design_is_that_of_statsmodels(seed: int) -> None:
    of, frame = ragged(seed)
    assert seed_effect(of) == pytest.approx(additive(frame), rel=1e-7)


def test_seeds_are_compared_within_configurations_alone() -> None:
    """Two pairs of configurations with two seeds each of their own: two comparisons, not three."""
    values = table(4, 2, 3)
    steps = np.diff(values, axis=1).reshape(2, 2)
    found = seed_effect(contrasts(values.ravel(), np.repeat(np.arange(4), 2), [0, 1, 0, 1, 2, 3, 2, 3], True))
    ratio = (steps.sum(axis=1) ** 2).sum() / (np.ptp(steps, axis=1) ** 2).sum()
    assert found == pytest.approx(float(stats.f.sf(ratio, 2, 2)), rel=1e-8)


@pytest.mark.parametrize(
    ("values", "configuration", "seed"),
    [
        ([], [], []),
        ([0.1], [0], [0]),
        ([0.1, 0.4], [0, 0], [0, 1]),
        ([0.1, 0.4, 0.3], [0, 1, 2], [0, 0, 0]),
        ([0.1, 0.4, 0.3], [0, 0, 1], [0, 1, 0]),
        ([0.1, 0.1, 0.1, 0.1], [0, 0, 1, 1], [0, 1, 0, 1]),
    ],
)
def test_a_seed_effect_takes_two_configurations_of_two_seeds(values, configuration, seed) -> None:
    assert math.isnan(seed_effect(contrasts(values, configuration, seed, True)))


# Skewness.

SKEWED = pytest.mark.parametrize("skewness", [-1.7, -0.4, -1e-7, 0.0, 1e-7, 0.1, 0.5, 1.7])
FREEDOM = pytest.mark.parametrize("freedom", [2.0, 6.5, 48.0])


def hall(t: float, skewness: float) -> float:
    """Hall (1992, eq. 3.2) with a = 1/3 and b = 1/6, of a mean of which the standardised third moment is given."""
    return t + skewness * (t**2 / 3 + 1 / 6) + (skewness / 3) ** 2 * t**3 / 3


def unskewed(end: float, skewness: float) -> float:
    return cast(float, brentq(lambda t: hall(t, skewness) - end, -1e4, 1e4))


@SKEWED
@FREEDOM
@pytest.mark.parametrize("t", [-20.0, -2.0, -0.5, 0.0, 0.1, 1.7, 12.0])
def test_p_holds_with_and_without_halls_transformation(t: float, skewness: float, freedom: float) -> None:
    mean, either = Mean(0.3, 0.2, freedom, skewness), (t, hall(t, skewness))
    assert mean.p_below(0.3 - 0.2 * t) == pytest.approx(max(stats.t.cdf(each, freedom) for each in either), abs=1e-12)
    assert mean.p_above(0.3 - 0.2 * t) == pytest.approx(max(stats.t.sf(each, freedom) for each in either), abs=1e-12)


@SKEWED
@FREEDOM
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.99])
def test_the_interval_is_the_inverse_of_halls_transformation(
    skewness: float, freedom: float, confidence: float
) -> None:
    reach = float(stats.t.ppf((1 + confidence) / 2, freedom))
    low, high = (unskewed(end, skewness) for end in (-reach, reach))
    ends = Mean(0.3, 0.2, freedom, skewness).interval(confidence)
    assert ends.low == pytest.approx(0.3 - 0.2 * max(reach, high), rel=1e-5)
    assert ends.high == pytest.approx(0.3 - 0.2 * min(-reach, low), rel=1e-5)


def test_a_long_tail_widens_the_interval_on_its_own_side() -> None:
    plain, skewed = (Mean(0.0, 1.0, 20.0, skewness).interval() for skewness in (0.0, 0.5))
    assert skewed.high > plain.high
    assert skewed.low == pytest.approx(plain.low)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 90.0, -0.1, math.nan])
def test_confidence_is_checked(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        Mean(0.1, 0.1, 5.0, 0.0).interval(confidence)
