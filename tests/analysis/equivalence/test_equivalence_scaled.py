"""The noise of seeds as a margin."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from analysis.equivalence import SeedNoise, scaled_tost, seed_noise, tost


def trials(
    configurations: int, seeds: int, scale: float | np.ndarray = 1.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    configuration, arm, _ = (each.ravel() for each in np.indices((configurations, 2, seeds)))
    offsets = 10 * rng.normal(size=(configurations, 2))[configuration, arm]
    return (
        offsets + rng.normal(size=len(arm)) * np.broadcast_to(scale, configurations)[configuration],
        configuration,
        arm,
    )


def test_noise_is_the_pooled_variance_of_a_balanced_grid() -> None:
    y, configuration, arm = trials(6, 4)
    table = y.reshape(6, 2, 4)
    variances = table.var(axis=2, ddof=1).mean(axis=1)
    noise = seed_noise(y, configuration, arm)
    assert noise.sd == pytest.approx(math.sqrt(variances.mean()), rel=1e-12)
    freedom = 2 * variances.mean() ** 2 / (variances.var(ddof=1) / 6)
    assert noise.degrees_of_freedom == pytest.approx(min(freedom, 6 * 2 * 3), rel=1e-12)


def test_configurations_weigh_alike_and_single_seeds_have_no_variance() -> None:
    y = [0.0, 2.0, 5.0, 1.0, 2.0, 3.0, 4.0, 9.0]
    configuration = ["a", "a", "a", "b", "b", "b", "b", "c"]
    arm = ["s", "s", "p", "s", "s", "s", "s", "p"]
    assert seed_noise(y, configuration, arm).sd == pytest.approx(math.sqrt((2 + 5 / 3) / 2), rel=1e-12)


def test_unequal_variances_cost_degrees_of_freedom() -> None:
    even = seed_noise(*trials(400, 5))
    uneven = seed_noise(*trials(400, 5, scale=np.repeat([0.1, 3.0], 200)))
    assert even.degrees_of_freedom == pytest.approx(400 * 2 * 4, rel=0.25)
    assert uneven.degrees_of_freedom < 0.7 * even.degrees_of_freedom


def test_arms_that_share_their_noise_count_once() -> None:
    y, configuration, arm = trials(400, 5)
    shared = y.reshape(400, 2, 5).copy()
    shared[:, 1] = shared[:, 0] + 1
    alone, twice = seed_noise(y, configuration, arm), seed_noise(shared.ravel(), configuration, arm)
    assert twice.degrees_of_freedom == pytest.approx(alone.degrees_of_freedom / 2, rel=0.25)


@given(st.permutations(range(24)), st.floats(0.1, 10))
def test_noise_does_not_depend_on_order_and_scales(order, factor) -> None:
    y, configuration, arm = trials(4, 3)
    order = list(order)
    one, other = seed_noise(y, configuration, arm), seed_noise(factor * y[order], configuration[order], arm[order])
    assert other.sd == pytest.approx(factor * one.sd, rel=1e-9)
    assert other.degrees_of_freedom == pytest.approx(one.degrees_of_freedom, rel=1e-6)


@pytest.mark.parametrize(
    ("y", "configuration", "sd"),
    [
        ([], [], math.nan),
        ([1.0, 2.0], [0, 1], math.nan),
        ([1.0, 3.0], [0, 0], math.sqrt(2)),
        ([0.3] * 4, [0, 0, 1, 1], 0),
    ],
)
def test_undefined_noise(y, configuration, sd) -> None:
    noise = seed_noise(y, configuration, np.zeros(len(y)))
    assert noise.sd == pytest.approx(sd, nan_ok=True)
    assert math.isnan(noise.degrees_of_freedom)


def test_the_bound_is_howes() -> None:
    """The formula of Hyslop, Hsuan & Holder (2000), written out once more."""
    values, noise, alpha, k = np.random.default_rng(0).normal(0.02, 0.1, 24), SeedNoise(0.12, 37.0), 0.05, 0.8
    mean, error = values.mean(), values.std(ddof=1) / math.sqrt(24)
    upper = (abs(mean) + stats.t.ppf(0.95, 23) * error) ** 2
    lower = k**2 * 0.12**2 * 37 / stats.chi2.ppf(0.95, 37)
    point = mean**2 - k**2 * 0.12**2
    bound = point + math.sqrt((upper - mean**2) ** 2 + (k**2 * 0.12**2 - lower) ** 2)
    result = scaled_tost(values, noise, k, alpha)
    assert result.bound == pytest.approx(bound, rel=1e-12)
    assert result.margin == pytest.approx(0.096)


@given(st.integers(0, 10_000), st.floats(0.02, 0.4), st.floats(2, 500), st.floats(0.001, 0.45))
def test_p_is_where_the_bound_meets_zero(seed, sd, freedom, alpha) -> None:
    values = np.random.default_rng(seed).normal(0.03, 0.1, 12)
    result = scaled_tost(values, SeedNoise(sd, freedom), alpha=alpha)
    assume(abs(result.bound) > 1e-10)
    assert (result.p < alpha) == (result.bound < 0)
    assert 0 <= result.p <= 1


@given(st.integers(0, 10_000), st.floats(0.02, 0.4), st.floats(0.1, 10))
def test_scaled_laws(seed, sd, factor) -> None:
    values = np.random.default_rng(seed).normal(0.03, 0.1, 12)
    result = scaled_tost(values, SeedNoise(sd, 30.0))
    assert scaled_tost(-values, SeedNoise(sd, 30.0)).p == result.p
    assert scaled_tost(factor * values, SeedNoise(factor * sd, 30.0)).p == pytest.approx(result.p, abs=1e-8)
    assert scaled_tost(values, SeedNoise(sd, 30.0), multiple=1.5).p <= result.p + 1e-12


@given(st.integers(0, 10_000))
def test_a_noise_known_for_certain_is_a_fixed_margin(seed) -> None:
    values = np.random.default_rng(seed).normal(0.03, 0.1, 12)
    p = tost(values, 0.1).p
    scaled = scaled_tost(values, SeedNoise(0.1, math.inf)).p
    # The smaller of the two one-sided tests is what the square leaves out.
    assert scaled == pytest.approx(p, abs=1e-9)
    assert scaled_tost(values, SeedNoise(0.1, 1e9)).p == pytest.approx(p, abs=1e-3)


def test_an_estimated_margin_is_harder_than_a_known_one() -> None:
    values = np.random.default_rng(3).normal(0.03, 0.1, 60)
    ps = [scaled_tost(values, SeedNoise(0.08, freedom)).p for freedom in (math.inf, 100.0, 20.0, 5.0)]
    assert ps == sorted(ps)
    assert ps[0] < 0.5 * ps[-1]


@pytest.mark.parametrize(
    ("values", "noise", "p"),
    [
        ([], SeedNoise(0.1, 5.0), math.nan),
        ([0.1], SeedNoise(0.1, 5.0), math.nan),
        ([0.1, 0.2], SeedNoise(math.nan, math.nan), math.nan),
        ([0.1, 0.2], SeedNoise(0.1, math.nan), math.nan),
        ([0.1, 0.2], SeedNoise(0.0, math.nan), 1.0),
        ([0.0, 0.0], SeedNoise(0.0, math.nan), 1.0),
        ([0.0, 0.0], SeedNoise(0.1, math.inf), 0.0),
        ([0.1, 0.1], SeedNoise(0.1, math.inf), 0.5),
        ([0.2, 0.2], SeedNoise(0.1, math.inf), 1.0),
        ([1e6, 1e6 + 1], SeedNoise(1e-6, 3.0), 1.0),
    ],
)
def test_degenerate_scaled(values, noise, p) -> None:
    assert scaled_tost(values, noise).p == pytest.approx(p, nan_ok=True, abs=1e-6)


def test_zero_spread_still_has_an_uncertain_margin() -> None:
    result = scaled_tost([0.09] * 5, SeedNoise(0.1, 3.0))
    assert result.p == pytest.approx(stats.chi2.sf(3 * (0.1 / 0.09) ** 2, 3), rel=1e-6)
