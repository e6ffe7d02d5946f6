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

from analysis.equivalence.mean import difference

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
    ours = difference(values)
    assert ours.p_inside(low, high) == pytest.approx(p, abs=1e-12)
    assert (ours.p_above(low), ours.p_below(high)) == pytest.approx((lower[1], upper[1]), abs=1e-12)
    ends = ours.interval(0.90)
    assert (ends.low, ends.high) == pytest.approx(DescrStatsW(values).tconfint_mean(alpha=0.10), abs=1e-12)
    assert (ours.n, ours.degrees_of_freedom) == (n, n - 1)


def test_pingouin_agrees() -> None:
    pingouin = pytest.importorskip("pingouin")
    values = sample(20)
    theirs = float(pingouin.tost(values, 0, bound=0.03)["pval"].iloc[0])
    assert difference(values).p_inside(-0.03, 0.03) == pytest.approx(theirs, abs=1e-8)


@pytest.mark.parametrize("n", [2, 5, 100])
def test_difference_is_that_of_scipy(n: int) -> None:
    values = sample(n, 1)
    theirs = cast(Any, stats.ttest_1samp(values, 0))
    ours = difference(values)
    assert ours.p == pytest.approx(theirs.pvalue, abs=1e-12)
    ends, (low, high) = ours.interval(0.95), theirs.confidence_interval(0.95)
    assert (ends.low, ends.high) == pytest.approx((low, high), abs=1e-12)
    below = cast(Any, stats.ttest_1samp(values, 0.02, alternative="less"))
    above = cast(Any, stats.ttest_1samp(values, -0.02, alternative="greater"))
    assert (ours.p_above(-0.02), ours.p_below(0.02)) == pytest.approx((above.pvalue, below.pvalue), abs=1e-12)
    assert ours.interval(0.90).high == pytest.approx(below.confidence_interval(0.95).high, abs=1e-12)


@given(VALUES, st.floats(0.01, 0.5), st.floats(0.01, 0.4))
def test_p_is_below_alpha_where_the_interval_is_inside_the_margin(values, margin, alpha) -> None:
    result = difference(values)
    ends = result.interval(1 - 2 * alpha)
    if all(abs(abs(end) - margin) > 1e-9 for end in (ends.low, ends.high)):
        assert (result.p_inside(-margin, margin) < alpha) == (-margin < ends.low and ends.high < margin)


@given(VALUES, st.floats(0.01, 0.5))
def test_swapping_the_arms_mirrors_everything(values, margin) -> None:
    one, other = difference(values), difference(-values)
    assert one.p_inside(-margin, margin) == other.p_inside(-margin, margin)
    assert (one.p_above(-margin), one.p_below(margin)) == (other.p_below(margin), other.p_above(-margin))
    assert (one.estimate, one.interval().low) == (-other.estimate, -other.interval().high)
    assert one.p == other.p


@given(VARYING, st.floats(0.01, 0.5), st.floats(0.1, 10))
def test_the_unit_does_not_matter(values, margin, factor) -> None:
    one, other = difference(values), difference(values * factor)
    p = one.p_inside(-margin, margin)
    assert other.p_inside(-margin * factor, margin * factor) == pytest.approx(p, abs=1e-9)
    assert other.interval().high == pytest.approx(one.interval().high * factor, abs=1e-9)


@given(VALUES, st.floats(0.01, 0.3), st.floats(0.01, 0.3))
def test_a_wider_margin_is_never_harder(values, margin, more) -> None:
    found = difference(values)
    assert found.p_inside(-margin - more, margin + more) <= found.p_inside(-margin, margin)


@pytest.mark.parametrize(("value", "p"), [(0.0, 0.0), (0.1, 0.0), (0.2, 0.5), (-0.2, 0.5), (0.3, 1.0)])
def test_identical_values_are_a_point(value: float, p: float) -> None:
    result = difference(np.full(7, value))
    assert result.p_inside(-0.2, 0.2) == p
    assert (result.standard_error, result.interval().low, result.interval().high) == (0, value, value)
    assert result.p == (1.0 if value == 0 else 0.0)


@pytest.mark.parametrize("values", [[], [0.3]])
def test_too_few_values_are_undefined(values: list[float]) -> None:
    result = difference(values)
    assert result.n == len(values)
    tests = (result.p, result.p_inside(-0.2, 0.2), result.p_above(-0.2), result.p_below(0.2))
    ends = result.interval()
    assert all(math.isnan(each) for each in (*tests, ends.low, ends.high, result.standard_error))
    assert result.estimate == pytest.approx(values[0] if values else math.nan, nan_ok=True)


@pytest.mark.parametrize("values", [[0.1, math.nan], [[0.1, 0.2]], [math.inf, 0.0], 0.1])
def test_malformed_values_are_refused(values) -> None:
    with pytest.raises(ValueError, match="must be"):
        difference(values)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 1.1, -0.1, math.nan])
def test_confidence_is_checked(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        difference([0.0, 0.1]).interval(confidence)
