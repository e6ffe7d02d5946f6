"""The share of configurations inside the margin."""

import math
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import digamma, ndtr, polygamma
from scipy.stats import t

from analysis.equivalence.contrast import Contrasts, contrasts
from analysis.equivalence.design import of_grid
from analysis.equivalence.inside import seed_variances, share_inside

MARGIN = math.log(1.1)


def balanced(values: np.ndarray, crossed: bool = False) -> Contrasts:
    configuration, seed = np.indices(values.shape)
    return contrasts(values.ravel(), configuration.ravel(), seed.ravel(), crossed)


def nested(*each: np.ndarray) -> Contrasts:
    configuration = np.repeat(np.arange(len(each)), [len(values) for values in each])
    return contrasts(np.concatenate(each), configuration, np.concatenate([np.arange(len(v)) for v in each]), False)


def noisy(true: np.ndarray, noise: float, seeds: int = 3, seed: int = 0) -> np.ndarray:
    return true[:, None] + noise * np.random.default_rng(seed).normal(size=(len(true), seeds))


@pytest.mark.parametrize("crossed", [False, True])
def test_it_is_the_same_each_time(crossed: bool) -> None:
    of = balanced(noisy(np.linspace(-0.2, 0.2, 9), 0.05), crossed)
    np.random.default_rng().normal()
    assert share_inside(of, -MARGIN, MARGIN) == share_inside(of, -MARGIN, MARGIN)


@pytest.mark.parametrize("crossed", [False, True])
@pytest.mark.parametrize("noise", [1e-6, 0.01])
def test_tight_configurations_are_all_inside(crossed: bool, noise: float) -> None:
    found = share_inside(balanced(noisy(np.linspace(-0.02, 0.02, 20), noise), crossed), -MARGIN, MARGIN)
    assert found.share.value > 0.999
    assert (found.share.low, found.share.high) == (1.0, 1.0)


@pytest.mark.parametrize("noise", [1e-6, 0.005, 0.03])
@pytest.mark.parametrize("seeds", [2, 4])
def test_a_pattern_of_two_points_is_outside_though_its_mean_is_inside(noise: float, seeds: int) -> None:
    true = np.tile([math.log(1.3), -math.log(1.3)], 12)
    of = balanced(noisy(true, noise, seeds))
    found = share_inside(of, -MARGIN, MARGIN)
    assert of_grid(of).p_inside(-MARGIN, MARGIN) < 0.05
    assert -MARGIN < found.mean.low < found.mean.high < MARGIN
    assert found.share.value < 0.01
    assert found.share.high <= 0.05


@pytest.mark.parametrize("outside", [1, 6, 12, 23])
def test_those_inside_are_counted(outside: int) -> None:
    true = np.r_[np.full(outside, 0.4), np.linspace(-0.03, 0.03, 24 - outside)]
    found = share_inside(balanced(noisy(true, 0.01)), -MARGIN, MARGIN)
    assert found.share.value == pytest.approx(1 - outside / 24, abs=0.01)
    assert (found.share.low, found.share.high) == pytest.approx((found.share.value, found.share.value), abs=0.01)


def posterior(of: Contrasts, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights over a grid of spread and centre; the chance of each configuration to be inside, by point of the grid."""
    means, variance = of.means, np.asarray(seed_variances(of))
    size = float(means.std() + np.sqrt(variance.max()))
    tau = np.linspace(0, 12 * size, 1201)[1:, None]
    centre = means.mean() + np.linspace(-6 * size, 6 * size, 801)[None, :]
    log = np.zeros((len(tau), centre.shape[1]))
    inside = []
    for mean, error in zip(means, variance, strict=True):
        whole = error + tau**2
        log -= 0.5 * (np.log(whole) + (mean - centre) ** 2 / whole)
        middle = (mean * tau**2 + centre * error) / whole
        sd = np.sqrt(error * tau**2 / whole)
        inside.append(ndtr((high - middle) / sd) - ndtr((low - middle) / sd))
    weight = np.exp(log - log.max())
    return weight / weight.sum(), np.array(inside)


SPREADS = [(0.05, 0.02, 0), (0.05, 0.1, 1), (0.15, 0.1, 2), (0.0, 0.1, 3)]


@pytest.mark.parametrize(("spread", "noise", "seed"), SPREADS)
def test_draws_agree_with_the_whole_posterior(spread: float, noise: float, seed: int) -> None:
    """On a grid of both hyperparameters, with as many as nine configurations: no draws, no conjugacy."""
    rng = np.random.default_rng(seed)
    of = nested(*(rng.normal(spread * rng.normal(), noise, size) for size in (2, 3, 3, 4, 5, 3, 3, 3, 6)))
    found = share_inside(of, -MARGIN, MARGIN)
    weight, inside = posterior(of, -MARGIN, MARGIN)
    assert found.share.value == pytest.approx((weight * inside.mean(axis=0)).sum(), abs=0.01)
    # The number inside, given the hyperparameters, is a sum of nine independent coins.
    count = np.zeros((10, *weight.shape))
    count[0] = 1
    for chance in inside:
        count[1:] = count[1:] * (1 - chance) + count[:-1] * chance
        count[0] *= 1 - chance
    below = np.cumsum([(weight * each).sum() for each in count])
    for end, tail in ((found.share.low, 0.05), (found.share.high, 0.95)):
        place = round(9 * end)
        assert (below[place - 1] if place else 0) <= tail + 0.015
        assert below[place] >= tail - 0.015


@pytest.mark.parametrize("crossed", [False, True])
@pytest.mark.parametrize(("spread", "noise", "seed"), SPREADS)
def test_the_posterior_mean_is_that_of_this_grid(spread: float, noise: float, seed: int, crossed: bool) -> None:
    rng = np.random.default_rng(seed)
    of = balanced(noisy(spread * rng.normal(size=24), noise, 4, seed), crossed)
    found, mean = share_inside(of, -MARGIN, MARGIN), of_grid(of)
    assert found.mean.value == pytest.approx(mean.estimate, abs=0.3 * mean.standard_error)
    if not crossed:
        ends = mean.interval()
        assert found.mean.low == pytest.approx(ends.low, abs=0.6 * mean.standard_error)
        assert found.mean.high == pytest.approx(ends.high, abs=0.6 * mean.standard_error)


@pytest.mark.parametrize("shift", [0.05, 0.2])
def test_what_seeds_share_widens(shift: float) -> None:
    values = noisy(np.linspace(-0.05, 0.05, 20), 0.02) + shift * np.array([-1.0, 0.0, 1.0])
    apart, together = (share_inside(balanced(values, crossed), -MARGIN, MARGIN) for crossed in (False, True))
    widths = [found.mean.high - found.mean.low for found in (apart, together)]
    assert widths[1] > 1.5 * widths[0]
    # The seeds' means are -shift, 0 and shift.
    assert widths[1] > 1.6 * float(t.ppf(0.95, 2)) * shift / math.sqrt(3)


@pytest.mark.parametrize("shift", [0.1, 0.5])
def test_what_seeds_share_is_no_noise_of_a_configuration(shift: float) -> None:
    """All seeds agree that the configurations differ by more than the margin, whatever else they share."""
    values = noisy(np.tile([0.12, -0.12], 12), 0.005)
    calm, moved = (seed_variances(balanced(values + each * np.array([-1.0, 0.0, 1.0]), True)) for each in (0.0, shift))
    assert moved == pytest.approx(calm, rel=1e-6)


@pytest.mark.parametrize("configurations", [4, 10, 24])
def test_two_crossed_seeds_have_the_mean_of_this_grid(configurations: int) -> None:
    of = balanced(noisy(np.linspace(-0.1, 0.1, configurations), 0.02, 2) + np.array([-0.05, 0.05]), True)
    mean = of_grid(of)
    assert share_inside(of, -MARGIN, MARGIN).mean.value == pytest.approx(mean.estimate, abs=0.1 * mean.standard_error)


# Variances by seeds.


def squeezed(variance: np.ndarray, freedom: np.ndarray, common: float) -> np.ndarray:
    """`squeezeVar` of limma towards a common value, with the degrees of freedom of its `fitFDist`: Smyth (2004)."""
    logs = np.log(variance) - digamma(freedom / 2) + np.log(freedom / 2)
    excess = logs.var(ddof=1) - polygamma(1, freedom / 2).mean()
    if excess <= 0:
        return np.full(len(variance), common)
    prior = 2 * cast(float, brentq(lambda half: float(polygamma(1, half)) - excess, 1e-9, 1e9, xtol=1e-13))
    return (freedom * variance + prior * common) / (freedom + prior)


def spreads(sizes: list[int], unequal: float, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [math.exp(unequal * rng.normal()) * rng.normal(size=size) for size in sizes]


def expected(each: list[np.ndarray]) -> np.ndarray:
    size = np.array([len(values) for values in each])
    variance = np.array([values.var(ddof=1) for values in each])
    pooled = float(((size - 1) * variance).sum() / (size - 1).sum())
    return squeezed(variance, size - 1.0, pooled) / size


@pytest.mark.parametrize("seeds", [2, 3, 5, 20])
@pytest.mark.parametrize("unequal", [0.0, 0.3, 1.0, 2.0])
def test_variances_are_moderated_as_by_limma(seeds: int, unequal: float) -> None:
    each = spreads([seeds] * 30, unequal)
    np.testing.assert_allclose(np.asarray(seed_variances(nested(*each))), expected(each), rtol=1e-5)


@pytest.mark.parametrize("unequal", [0.3, 1.5])
def test_variances_of_unlike_numbers_of_seeds_are_moderated_as_by_limma(unequal: float) -> None:
    each = spreads([2] * 15 + [3] * 10 + [12] * 15, unequal)
    np.testing.assert_allclose(np.asarray(seed_variances(nested(*each))), expected(each), rtol=1e-5)


def test_like_variances_become_one_and_unlike_ones_stay() -> None:
    base = np.array([-1.0, 0.0, 1.0])
    np.testing.assert_allclose(np.asarray(seed_variances(balanced(np.tile(base, (5, 1))))), 1 / 3)
    each = spreads([40] * 10, 3.0)
    own = [values.var(ddof=1) / 40 for values in each]
    np.testing.assert_allclose(np.asarray(seed_variances(nested(*each)))[int(np.argmax(own))], max(own), rtol=0.05)


def test_two_variances_are_too_few_to_tell_apart() -> None:
    of = nested(np.array([0.0, 2.0]), np.array([0.0, 0.2]), np.array([1.0]))
    np.testing.assert_allclose(np.asarray(seed_variances(of)), [1.01 / 2, 1.01 / 2, 1.01])


def test_a_single_seed_has_the_common_variance() -> None:
    each = [*spreads([3] * 20, 1.5), np.array([0.4])]
    pooled = np.mean([values.var(ddof=1) for values in each[:-1]])
    assert np.asarray(seed_variances(nested(*each)))[-1] == pytest.approx(pooled)


def test_variances_move_towards_the_common_one_and_keep_their_order() -> None:
    each = spreads([4] * 30, 1.0)
    own = np.array([values.var(ddof=1) / 4 for values in each])
    found = np.asarray(seed_variances(nested(*each)))
    order = np.argsort(own)
    assert (np.diff(found[order]) >= 0).all()
    assert (found > 0).all()
    assert np.ptp(found) < np.ptp(own)


def test_a_configuration_without_variance_has_some_after_all() -> None:
    each = [*spreads([3] * 20, 1.0), np.full(3, 0.7)]
    found = np.asarray(seed_variances(nested(*each)))
    assert 0 < found[-1] <= found.min() * (1 + 1e-12)


# What is not known.


@pytest.mark.parametrize("crossed", [False, True])
@pytest.mark.parametrize(
    ("values", "configuration", "seed"),
    [
        ([], [], []),
        ([0.1], [0], [0]),
        ([0.1, 0.2, 0.3], [0, 1, 2], [0, 0, 0]),
        ([0.1, 0.2, 0.3, 0.5], [0, 0, 1, 1], [0, 1, 0, 1]),
        ([0.1] * 6, [0, 0, 1, 1, 2, 2], [0, 1] * 3),
        ([0.1, 0.1, 0.2, 0.2, 0.3, 0.3], [0, 0, 1, 1, 2, 2], [0, 1] * 3),
    ],
)
def test_without_variance_or_three_configurations_it_is_not_known(values, configuration, seed, crossed: bool) -> None:
    found = share_inside(contrasts(values, configuration, seed, crossed), -MARGIN, MARGIN)
    ends = (found.share.low, found.share.high, found.mean.low, found.mean.high)
    assert all(math.isnan(each) for each in (found.share.value, found.mean.value, *ends))


def test_a_margin_that_is_not_known_has_nothing_inside() -> None:
    found = share_inside(balanced(noisy(np.zeros(5), 0.1)), math.nan, math.nan)
    assert math.isnan(found.share.value)


# Any values.

STEADY = settings(max_examples=25, derandomize=True)


@st.composite
def cases(draw: st.DrawFn) -> Contrasts:
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    sizes = draw(st.lists(st.integers(1, 4), min_size=3, max_size=7).filter(lambda sizes: max(sizes) > 1))
    configuration = np.repeat(np.arange(len(sizes)), sizes)
    values = 0.1 * rng.normal(size=len(sizes))[configuration] + 0.1 * rng.normal(size=len(configuration))
    seed = np.concatenate([np.arange(size) for size in sizes])
    return contrasts(values.round(6), configuration, seed, draw(st.booleans()))


@STEADY
@given(cases(), st.floats(0.01, 0.3))
def test_shares_are_shares(of: Contrasts, margin: float) -> None:
    found = share_inside(of, -margin, margin)
    if math.isnan(found.share.value):
        return
    assert 0 <= found.share.low <= found.share.high <= 1
    assert 0 <= found.share.value <= 1
    assert found.mean.low <= found.mean.high
    wider = share_inside(of, -margin - 0.05, margin + 0.05)
    assert wider.share.value >= found.share.value
    assert wider.mean == found.mean


@STEADY
@given(cases(), st.floats(-1, 1), st.floats(0.2, 5))
def test_it_moves_and_scales_with_values_and_margin(of: Contrasts, shift: float, factor: float) -> None:
    other = contrasts(factor * of.values + shift, of.configuration, of.seed, of.crossed)
    one = share_inside(of, -MARGIN, MARGIN)
    moved = share_inside(other, shift - factor * MARGIN, shift + factor * MARGIN)
    assert moved.share.value == pytest.approx(one.share.value, abs=2e-3, nan_ok=True)
    assert moved.mean.value == pytest.approx(factor * one.mean.value + shift, abs=1e-3, nan_ok=True)


@STEADY
@given(cases(), st.randoms(use_true_random=False))
def test_neither_order_nor_names_nor_sides_matter_beyond_the_draws(of: Contrasts, random) -> None:
    one = share_inside(of, -MARGIN, MARGIN)
    order = np.array(random.sample(range(len(of.values)), len(of.values)))
    shuffled = contrasts(of.values[order], of.configuration[order], of.seed[order], of.crossed)
    again = share_inside(shuffled, -MARGIN, MARGIN)
    assert again.share.value == pytest.approx(one.share.value, abs=1e-3, nan_ok=True)
    names = np.array(random.sample("abcdefg", 7))
    for other in (
        share_inside(contrasts(of.values, names[of.configuration], of.seed, of.crossed), -MARGIN, MARGIN),
        share_inside(contrasts(-of.values, of.configuration, of.seed, of.crossed), -MARGIN, MARGIN),
    ):
        assert other.share.value == pytest.approx(one.share.value, abs=0.03, nan_ok=True)


def test_the_interval_covers_the_true_share_about_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(80):
        true = 0.08 * np.random.default_rng([seed, 1]).normal(size=24)
        found = share_inside(balanced(noisy(true, 0.08, 3, seed)), -MARGIN, MARGIN)
        share = float((np.abs(true) < MARGIN).mean())
        covered += found.share.low - 1e-9 <= share <= found.share.high + 1e-9
    assert covered / 80 >= 0.82
