"""Student's t: equivalence and difference."""

import math
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from analysis.equivalence import difference_test, tost

VALUES = arrays(np.float64, st.integers(2, 30), elements=st.floats(-1, 1).map(lambda value: round(value, 3)))
VARYING = VALUES.filter(lambda values: float(np.ptp(values)) > 0)


def sample(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([n, seed]).normal(0.01, 0.05, n)


@pytest.mark.parametrize("n", [2, 3, 12, 480])
@pytest.mark.parametrize("margin", [0.02, (-0.01, 0.05)])
def test_tost_is_that_of_statsmodels(n: int, margin: float | tuple[float, float]) -> None:
    values = sample(n)
    low, high = margin if isinstance(margin, tuple) else (-margin, margin)
    p, lower, upper = DescrStatsW(values).ttost_mean(low, high)
    ours = tost(values, margin)
    assert ours.p == pytest.approx(p, abs=1e-12)
    assert (ours.p_lower, ours.p_upper) == pytest.approx((lower[1], upper[1]), abs=1e-12)
    assert (ours.interval.low, ours.interval.high) == pytest.approx(
        DescrStatsW(values).tconfint_mean(alpha=0.10), abs=1e-12
    )
    assert (ours.n, ours.degrees_of_freedom) == (n, n - 1)
    assert ours.interval.confidence == pytest.approx(0.9)


def test_pingouin_agrees() -> None:
    pingouin = pytest.importorskip("pingouin")
    values = sample(20)
    assert tost(values, 0.03).p == pytest.approx(float(pingouin.tost(values, 0, bound=0.03)["pval"].iloc[0]), abs=1e-8)


@pytest.mark.parametrize("n", [2, 5, 100])
def test_difference_is_that_of_scipy(n: int) -> None:
    values = sample(n, 1)
    theirs = cast(Any, stats.ttest_1samp(values, 0))
    ours = difference_test(values)
    assert ours.p == pytest.approx(theirs.pvalue, abs=1e-12)
    low, high = theirs.confidence_interval(0.95)
    assert (ours.interval.low, ours.interval.high) == pytest.approx((low, high), abs=1e-12)
    below = cast(Any, stats.ttest_1samp(values, 0.02, alternative="less"))
    above = cast(Any, stats.ttest_1samp(values, -0.02, alternative="greater"))
    one_sided = tost(values, 0.02)
    assert (one_sided.p_lower, one_sided.p_upper) == pytest.approx((above.pvalue, below.pvalue), abs=1e-12)
    assert one_sided.interval.high == pytest.approx(below.confidence_interval(0.95).high, abs=1e-12)


@given(VALUES, st.floats(0.01, 0.5), st.floats(0.01, 0.4))
def test_p_is_below_alpha_where_the_interval_is_inside_the_margin(values, margin, alpha) -> None:
    result = tost(values, margin, alpha)
    ends = abs(result.interval.low), abs(result.interval.high)
    if all(abs(end - margin) > 1e-9 for end in ends):
        assert (result.p < alpha) == result.interval.inside(-margin, margin)


@given(VALUES, st.floats(0.01, 0.5))
def test_swapping_the_arms_mirrors_everything(values, margin) -> None:
    one, other = tost(values, margin), tost(-values, margin)
    assert (one.p, one.p_lower, one.p_upper) == (other.p, other.p_upper, other.p_lower)
    assert (one.estimate, one.interval.low) == (-other.estimate, -other.interval.high)
    assert difference_test(values).p == difference_test(-values).p


@given(VARYING, st.floats(0.01, 0.5), st.floats(0.1, 10))
def test_the_unit_does_not_matter(values, margin, factor) -> None:
    one, other = tost(values, margin), tost(values * factor, margin * factor)
    assert other.p == pytest.approx(one.p, abs=1e-9)
    assert other.interval.high == pytest.approx(one.interval.high * factor, abs=1e-9)


@given(VALUES, st.floats(0.01, 0.3), st.floats(0.01, 0.3))
def test_a_wider_margin_is_never_harder(values, margin, more) -> None:
    assert tost(values, margin + more).p <= tost(values, margin).p


@pytest.mark.parametrize(("value", "p"), [(0.0, 0.0), (0.1, 0.0), (0.2, 0.5), (-0.2, 0.5), (0.3, 1.0)])
def test_identical_values_are_a_point(value: float, p: float) -> None:
    result = tost(np.full(7, value), 0.2)
    assert result.p == p
    assert (result.standard_error, result.interval.low, result.interval.high) == (0, value, value)
    assert difference_test(np.full(7, value)).p == (1.0 if value == 0 else 0.0)


@pytest.mark.parametrize("values", [[], [0.3]])
def test_too_few_values_are_undefined(values: list[float]) -> None:
    result, difference = tost(values, 0.2), difference_test(values)
    assert result.n == len(values)
    undefined = (result.p, result.p_lower, result.p_upper, result.interval.low, result.standard_error)
    assert all(math.isnan(each) for each in (*undefined, difference.p, difference.interval.high))
    assert result.estimate == pytest.approx(values[0] if values else math.nan, nan_ok=True)


@pytest.mark.parametrize("values", [[0.1, math.nan], [[0.1, 0.2]], [math.inf, 0.0], 0.1])
def test_malformed_values_are_refused(values) -> None:
    with pytest.raises(ValueError, match="must be"):
        tost(values, 0.1)
    with pytest.raises(ValueError, match="must be"):
        difference_test(values)


@pytest.mark.parametrize("margin", [0.0, -0.1, (0.2, 0.1)])
def test_an_empty_margin_is_refused(margin) -> None:
    with pytest.raises(ValueError, match="margin"):
        tost([0.0, 0.1], margin)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, -0.1, math.nan])
def test_alpha_is_checked(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha"):
        tost([0.0, 0.1], 1, alpha)
