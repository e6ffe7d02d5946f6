"""Limits of agreement and concordance."""

import math
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from analysis.equivalence import Interval, bland_altman, concordance

PAIRS = arrays(np.float64, st.tuples(st.just(2), st.integers(3, 20)), elements=st.integers(-50, 50).map(float))
VARYING = PAIRS.filter(lambda pair: bool((np.ptp(pair, axis=1) > 0).all()))

# Peak expiratory flow by two meters (Bland & Altman 1986, table 1: first measurements).
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]


def sample(n: int, rho: float = 0.9, shift: float = 0.2, scale: float = 1.3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([n, 1])
    x = rng.normal(size=n)
    return x, shift + scale * (rho * x + math.sqrt(1 - rho**2) * rng.normal(size=n))


def test_the_example_of_bland_and_altman() -> None:
    """Their differences are Wright less mini: mean -2.1, SD 38.8, and limits -79.7 and 75.5 at 2 SD."""
    result = bland_altman(MINI, WRIGHT)
    assert result.bias == pytest.approx(-2.1, abs=0.05)
    assert result.sd == pytest.approx(38.8, abs=0.05)
    assert result.bias - 2 * result.sd == pytest.approx(-79.7, abs=0.1)
    assert result.limits.high == pytest.approx(result.bias + 1.959963984540054 * result.sd, rel=1e-12)
    assert (result.bias_interval.low, result.bias_interval.high) == pytest.approx((-22.0, 17.8), abs=0.1)


@pytest.mark.parametrize("n", [2, 3, 20, 1000])
def test_intervals_of_the_limits_are_noncentral_t(n: int) -> None:
    x, y = sample(n)
    result = bland_altman(x, y)
    d = y - x
    near, far = (
        stats.nct.ppf([0.025, 0.975], n - 1, stats.norm.ppf(0.975) * math.sqrt(n)) * d.std(ddof=1) / math.sqrt(n)
    )
    assert (result.upper_limit.low, result.upper_limit.high) == pytest.approx(
        (d.mean() + near, d.mean() + far), abs=1e-8
    )
    assert (result.lower_limit.low, result.lower_limit.high) == pytest.approx(
        (d.mean() - far, d.mean() - near), abs=1e-8
    )


def test_limits_cover_at_their_confidence() -> None:
    rng = np.random.default_rng(0)
    draws = [bland_altman(np.zeros(10), rng.normal(size=10)).upper_limit for _ in range(2000)]
    covered = np.mean([interval.low <= 1.959964 <= interval.high for interval in draws])
    assert covered == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("n", [3, 20, 200])
def test_the_slope_is_that_of_scipy(n: int) -> None:
    x, y = sample(n)
    theirs = cast(Any, stats.linregress((x + y) / 2, y - x))
    result = bland_altman(x, y)
    assert (result.slope, result.slope_p) == pytest.approx((theirs.slope, theirs.pvalue), abs=1e-10)


@given(VARYING)
def test_swapping_the_sides_mirrors_the_limits(pair) -> None:
    one, other = bland_altman(*pair), bland_altman(*pair[::-1])
    assert (one.bias, one.limits.low) == pytest.approx((-other.bias, -other.limits.high), abs=1e-9)
    assert one.upper_limit.high == pytest.approx(-other.lower_limit.low, abs=1e-9)
    assert one.slope == pytest.approx(-other.slope, abs=1e-9, nan_ok=True)


def test_degenerate_limits() -> None:
    same = bland_altman([1.0, 2.0, 4.0], [1.0, 2.0, 4.0])
    assert (same.bias, same.sd, same.limits.low, same.upper_limit.high, same.slope, same.slope_p) == (0, 0, 0, 0, 0, 1)
    for values in ([], [1.0]):
        result = bland_altman(values, values)
        assert all(math.isnan(each) for each in (result.sd, result.limits.low, result.upper_limit.low, result.slope))
    assert math.isnan(bland_altman([0.0, 1.0, 2.0], [2.0, 1.0, 0.0]).slope)
    assert bland_altman([0.0, 1.0, 2.0], [0.0, 2.0, 4.0]).slope_p == pytest.approx(0, abs=1e-6)


def numeric_variance(n: int, rho: float, shift: float, scale: float) -> float:
    """The variance of Fisher's z of the coefficient by the delta method on normal moments, with numeric gradients."""
    covariance = np.array([[1, rho * scale], [rho * scale, scale**2]])
    pairs = [(0, 0), (1, 1), (0, 1)]
    spread = np.zeros((5, 5))
    spread[:2, :2] = covariance
    for i, (a, b) in enumerate(pairs):
        for j, (c, d) in enumerate(pairs):
            spread[2 + i, 2 + j] = covariance[a, c] * covariance[b, d] + covariance[a, d] * covariance[b, c]

    def z(moments: np.ndarray) -> float:
        mean_a, mean_b, vary_a, vary_b, together = moments
        return math.atanh(2 * together / (vary_a + vary_b + (mean_a - mean_b) ** 2))

    at = np.array([0, shift, 1, scale**2, rho * scale])
    step = 1e-6
    gradient = np.array([(z(at + step * unit) - z(at - step * unit)) / (2 * step) for unit in np.eye(5)])
    return float(gradient @ spread @ gradient) / (n - 2)


@pytest.mark.parametrize(
    ("rho", "shift", "scale"), [(0.9, 0.0, 1.0), (0.9, 0.5, 1.4), (0.5, 1.0, 0.7), (-0.4, 0.3, 1.2)]
)
def test_the_variance_is_that_of_the_delta_method(rho: float, shift: float, scale: float) -> None:
    """Lin's formula in print was wrong until 2000: this holds it to a derivation of its own."""
    x, y = sample(50)
    x = (x - x.mean()) / x.std()
    y = y - y.mean() - (x @ y) / (x @ x) * x
    y = shift + scale * (rho * x + math.sqrt(1 - rho**2) * y / y.std())
    result = concordance(x, y)
    half = (math.atanh(result.interval.high) - math.atanh(result.interval.low)) / 2
    assert half == pytest.approx(1.959963984540054 * math.sqrt(numeric_variance(50, rho, shift, scale)), rel=1e-6)
    assert result.pearson == pytest.approx(rho, abs=1e-12)


def test_concordance_by_its_definition() -> None:
    x, y = sample(40)
    result = concordance(x, y)
    moment = np.cov(x, y, ddof=0)
    assert result.ccc == pytest.approx(2 * moment[0, 1] / (moment[0, 0] + moment[1, 1] + (x.mean() - y.mean()) ** 2))
    assert result.ccc == pytest.approx(result.pearson * result.bias_correction)
    assert result.pearson == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert result.interval.low < result.ccc < result.interval.high


@pytest.mark.parametrize("n", [3, 4, 25])
def test_the_jackknife_leaves_out_each_pair(n: int) -> None:
    x, y = sample(n)
    without = np.array([math.atanh(concordance(np.delete(x, i), np.delete(y, i)).ccc) for i in range(n)])
    error = math.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
    half = stats.t.ppf(0.975, n - 1) * error
    result = concordance(x, y)
    z = math.atanh(result.ccc)
    assert (result.jackknife.low, result.jackknife.high) == pytest.approx((math.tanh(z - half), math.tanh(z + half)))


def test_the_intervals_agree_on_normal_pairs_and_not_on_heavy_tails() -> None:
    def width(interval: Interval) -> float:
        return math.atanh(interval.high) - math.atanh(interval.low)

    x, y = sample(4000)
    result = concordance(x, y)
    assert width(result.jackknife) == pytest.approx(width(result.interval), rel=0.1)
    result = concordance(x, x + 0.1 * np.random.default_rng(0).standard_t(3, 4000))
    assert width(result.jackknife) > 1.5 * width(result.interval)


@given(VARYING)
def test_concordance_never_exceeds_correlation_and_is_symmetric(pair) -> None:
    result = concordance(*pair)
    assert abs(result.ccc) <= abs(result.pearson) + 1e-12
    assert 0 < result.bias_correction <= 1 + 1e-12
    assert concordance(*pair[::-1]).ccc == pytest.approx(result.ccc, abs=1e-12)
    assert concordance(*(3 * pair + 7)).ccc == pytest.approx(result.ccc, abs=1e-9)


@given(VARYING)
def test_identical_arrays_agree_perfectly(pair) -> None:
    result = concordance(pair[0], pair[0])
    assert (result.ccc, result.interval.low, result.interval.high) == (1, 1, 1)
    assert concordance(pair[0], pair[0] + 1).ccc < 1


@pytest.mark.parametrize(
    ("x", "y", "ccc"),
    [([], [], math.nan), ([1.0], [1.0], math.nan), ([1.0, 1.0], [1.0, 1.0], math.nan), ([1.0, 1.0], [1.0, 2.0], 0.0)],
)
def test_degenerate_concordance(x, y, ccc) -> None:
    result = concordance(x, y)
    assert result.ccc == pytest.approx(ccc, nan_ok=True)
    assert math.isnan(result.interval.low)
    assert math.isnan(result.pearson)


def test_uncorrelated_sides_have_an_interval_around_zero() -> None:
    result = concordance([1.0, 1.0, -1.0, -1.0], [1.0, -1.0, 1.0, -1.0])
    assert result.ccc == 0
    assert result.interval.high == -result.interval.low == pytest.approx(math.tanh(1.959963984540054 / math.sqrt(2)))


@pytest.mark.parametrize("function", [bland_altman, concordance])
def test_malformed_arrays_are_refused(function) -> None:
    with pytest.raises(ValueError, match="one length"):
        function([0.1, 0.2], [0.1])
    with pytest.raises(ValueError, match="finite"):
        function([0.1, 0.2], [0.1, math.nan])
