"""Signed ranks."""

import itertools
import math
import time
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from analysis.equivalence import hodges_lehmann, rank_tost, signed_rank
from analysis.equivalence import rank as module

SMALL = arrays(np.float64, st.integers(1, 12), elements=st.integers(-9, 9).map(float))


def wilcoxon(values: np.ndarray, **options) -> float:
    return float(cast(Any, stats.wilcoxon(values, **options)).pvalue)


def sample(n: int) -> np.ndarray:
    return np.random.default_rng(n).normal(0.1, 1, n)


@pytest.mark.parametrize("n", [1, 2, 6, 20, 50, 51, 300])
def test_p_is_that_of_scipy(n: int) -> None:
    assert signed_rank(sample(n)).p == pytest.approx(wilcoxon(sample(n)), abs=1e-12)


def test_pingouin_agrees() -> None:
    pingouin = pytest.importorskip("pingouin")
    theirs = pingouin.wilcoxon(sample(30), np.zeros(30), method="exact")
    assert signed_rank(sample(30)).p == pytest.approx(float(theirs["p_val"].iloc[0]), abs=1e-8)


def test_an_example_of_hollander_and_wolfe() -> None:
    """Depression scores (Hollander & Wolfe 1973, table 3.1): T+ = 5, P = 0.0195 one-sided; estimate and interval."""
    before = np.array([1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30])
    after = np.array([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29])
    result = signed_rank(after - before, alpha=0.08)
    assert result.p / 2 == pytest.approx(0.0195, abs=5e-5)
    assert result.estimate == pytest.approx(-0.46, abs=5e-3)
    # Their interval at 96 % is (-0.786, -0.010).
    exact = signed_rank(after - before, alpha=0.04)
    assert (exact.interval.low, exact.interval.high) == pytest.approx((-0.786, -0.010), abs=1e-9)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 11])
@pytest.mark.parametrize("tail", [0.01, 0.05, 0.2])
def test_the_exact_distribution_is_that_of_all_signs(n: int, tail: float) -> None:
    sums = sorted(
        sum(rank for rank, plus in enumerate(signs, 1) if plus) for signs in itertools.product((0, 1), repeat=n)
    )
    below = [value for value in sums if sum(each <= value for each in sums) / len(sums) < tail]
    assert module.critical_sum(n, tail) == (max(below) if below else -1)


@given(SMALL)
def test_the_estimate_is_the_median_of_walsh_averages(values) -> None:
    averages = [(a + b) / 2 for a, b in itertools.combinations_with_replacement(values, 2)]
    assert hodges_lehmann(values)[0] == pytest.approx(np.median(averages), abs=1e-12)


@given(st.integers(0, 1000), st.sampled_from([6, 13, 49, 50, 51, 80]), st.floats(0.1, 1.0))
def test_p_is_below_alpha_where_the_interval_is_inside_the_margin(seed, n, margin) -> None:
    values = np.random.default_rng(seed).normal(0.1, 1, n)
    result = rank_tost(values, margin)
    assert (result.p < 0.05) == result.interval.inside(-margin, margin)


@given(SMALL, st.floats(0.3, 5.2))
def test_swapping_the_arms_mirrors_everything(values, margin) -> None:
    one, other = rank_tost(values, margin), rank_tost(-values, margin)
    assert one.p == pytest.approx(other.p, abs=1e-12)
    assert one.estimate == pytest.approx(-other.estimate, abs=1e-12)
    assert one.interval.low == pytest.approx(-other.interval.high, abs=1e-12, nan_ok=True)
    assert signed_rank(values).p == pytest.approx(signed_rank(-values).p, abs=1e-12)


@given(st.integers(0, 1000), st.floats(-3, 3), st.floats(0.1, 10))
def test_the_interval_moves_and_scales_with_the_values(seed, shift, factor) -> None:
    values = np.random.default_rng(seed).normal(size=20)
    one, other = signed_rank(values), signed_rank(factor * values + shift)
    assert other.interval.low == pytest.approx(factor * one.interval.low + shift, abs=1e-9)
    assert other.estimate == pytest.approx(factor * one.estimate + shift, abs=1e-9)


@pytest.mark.parametrize("values", [sample(200), np.round(sample(201), 1), np.ones(60)])
def test_counting_finds_what_enumerating_finds(values, monkeypatch: pytest.MonkeyPatch) -> None:
    estimate, interval = hodges_lehmann(values)
    monkeypatch.setattr(module, "_ENUMERATED", 0)
    counted, around = hodges_lehmann(values)
    assert (counted, around.low, around.high) == pytest.approx((estimate, interval.low, interval.high), abs=1e-12)


@pytest.mark.parametrize("n", [2000, 20_000])
def test_many_values_are_quick(n: int) -> None:
    began = time.process_time()
    signed_rank(sample(n))
    assert time.process_time() - began < 1


@pytest.mark.parametrize(("value", "p"), [(0.0, 1.0), (0.1, 0.0625)])
def test_identical_values_are_a_point(value: float, p: float) -> None:
    result = signed_rank(np.full(5, value))
    assert result.p == pytest.approx(p)
    assert (result.estimate, result.interval.low, result.interval.high) == (value, value, value)
    assert rank_tost(np.full(5, value), 0.2).p == pytest.approx(1 / 32)


@pytest.mark.parametrize("n", [3, 6, 9])
@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_ties_and_zeros_are_permuted_as_by_scipy(n: int, alternative) -> None:
    values = np.random.default_rng(n).integers(-2, 4, n).astype(float)
    theirs = wilcoxon(values, zero_method="pratt", alternative=alternative, method=stats.PermutationMethod())
    assert module.signed_rank_p(values, alternative) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_many_ties_and_zeros_are_approximated_as_by_scipy(alternative) -> None:
    values = np.random.default_rng(0).integers(-5, 7, 80).astype(float)
    theirs = wilcoxon(values, zero_method="pratt", alternative=alternative, method="asymptotic")
    assert module.signed_rank_p(values, alternative) == pytest.approx(theirs, abs=1e-12)


def test_zeros_are_ranked() -> None:
    values = np.array([0, 0, 1.0, 2, 3, -4, 5, 6])
    assert signed_rank(values).p == pytest.approx(wilcoxon(values, zero_method="pratt"), abs=1e-12)
    assert signed_rank(values).p != pytest.approx(wilcoxon(values, zero_method="wilcox"), abs=1e-3)


@pytest.mark.parametrize("others", [[1.0], [2.0, 1.0], [-2.0, 1.0], [-1.0, 1.0], [3.0, 2.0, -1.0]])
@pytest.mark.parametrize("zeros", [0, 47, 48, 49, 50, 51, 300])
def test_zeros_do_not_make_few_values_many(others: list[float], zeros: int) -> None:
    """However many zeros, p is exact, over all signs of the few values that speak."""
    values = np.r_[np.zeros(zeros), others]
    ranks = stats.rankdata(np.abs(values))[zeros:]
    sums = np.array([np.dot(ranks, plus) for plus in itertools.product((0, 1), repeat=len(others))])
    seen = float(ranks[np.array(others) > 0].sum())
    less, greater = np.mean(sums <= seen), np.mean(sums >= seen)
    assert module.signed_rank_p(values, "less") == pytest.approx(less, abs=1e-12)
    assert module.signed_rank_p(values, "greater") == pytest.approx(greater, abs=1e-12)
    assert signed_rank(values).p == pytest.approx(min(1, 2 * min(less, greater)), abs=1e-12)


@pytest.mark.parametrize("other", [1.0, 2.0, -2.0])
def test_p_does_not_jump_where_zeros_fill_up_the_exact_sizes(other: float) -> None:
    two = [other, 1.0]
    below, above = (signed_rank(np.r_[np.zeros(zeros), two]).p for zeros in (48, 49))
    assert below == above
    assert signed_rank(np.r_[np.zeros(49), 1.0]).p == signed_rank(np.r_[np.zeros(50), 1.0]).p == 1.0


@pytest.mark.parametrize("zeros", [0, 5])
def test_more_than_fifty_values_other_than_zero_are_approximated(zeros: int) -> None:
    values = np.r_[np.zeros(zeros), sample(51)]
    theirs = wilcoxon(values, zero_method="pratt", correction=False, method="asymptotic")
    assert signed_rank(values).p == pytest.approx(theirs, abs=1e-12)


def test_too_few_values_are_undefined() -> None:
    nothing, few = signed_rank([]), signed_rank([1.0, 2.0, 3.0, 4.0])
    assert all(math.isnan(each) for each in (nothing.p, nothing.estimate, nothing.interval.low, rank_tost([], 1).p))
    assert few.estimate == 2.5
    assert math.isnan(few.interval.low)
    assert few.p == 0.125


@pytest.mark.parametrize("n", range(1, 16))
def test_ties_and_zeros_of_any_number_do_without_warnings(n: int) -> None:
    for values in (np.r_[np.zeros(n - 1), 1.0], np.arange(n) % 2 - 0.5, np.arange(n) % 3 - 1.0):
        assert 0 <= signed_rank(values).p <= 1
        assert 0 <= rank_tost(values, 0.5).p <= 1


def test_malformed_values_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        signed_rank([0.1, math.nan])
    with pytest.raises(ValueError, match="margin"):
        rank_tost([0.1, 0.2], 0.0)
