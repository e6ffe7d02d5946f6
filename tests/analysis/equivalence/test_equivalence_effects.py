"""Effect sizes and the probability that parallel is better."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import special, stats
from statsmodels.stats.proportion import proportion_confint

from analysis.equivalence import effect_sizes, probability_better

VALUES = arrays(np.float64, st.integers(2, 20), elements=st.integers(-9, 9).map(float))


def sample(n: int) -> np.ndarray:
    return np.random.default_rng(n).normal(0.3, 1, n)


@pytest.mark.parametrize("n", [2, 12, 480])
def test_d_and_g_are_their_definitions(n: int) -> None:
    values = sample(n)
    result = effect_sizes(values)
    assert result.d == pytest.approx(values.mean() / values.std(ddof=1), rel=1e-12)
    correction = special.gamma((n - 1) / 2) / special.gamma((n - 2) / 2) / math.sqrt((n - 1) / 2) if n == 12 else None
    if correction:
        assert result.g == pytest.approx(result.d * correction, rel=1e-12)
        assert result.g == pytest.approx(result.d * (1 - 3 / (4 * 11 - 1)), rel=1e-3)


@pytest.mark.parametrize(("n", "shift"), [(2, 0.0), (5, 1.0), (12, 0.0), (480, -0.1), (2000, 3.0)])
def test_the_interval_inverts_the_noncentral_t(n: int, shift: float) -> None:
    values = sample(n) + shift
    result, root = effect_sizes(values, 0.90), math.sqrt(n)
    t = result.d * root
    assert stats.nct.cdf(t, n - 1, result.interval.low * root) == pytest.approx(0.95, abs=1e-9)
    assert stats.nct.cdf(t, n - 1, result.interval.high * root) == pytest.approx(0.05, abs=1e-9)


def test_pingouin_agrees() -> None:
    pingouin = pytest.importorskip("pingouin")
    values, zeros = sample(30), np.zeros(30)
    theirs = pingouin.wilcoxon(values, zeros)
    assert effect_sizes(values).rank_biserial == pytest.approx(float(theirs["RBC"].iloc[0]), abs=1e-8)
    d = pingouin.compute_effsize(values, zeros, paired=True, eftype="cohen_dz")
    assert effect_sizes(values).d == pytest.approx(d, abs=1e-8)


@given(VALUES)
def test_swapping_the_arms_mirrors_the_sizes(values) -> None:
    one, other = effect_sizes(values), effect_sizes(-values)
    assert one.d == pytest.approx(-other.d, nan_ok=True)
    assert one.interval.low == pytest.approx(-other.interval.high, nan_ok=True, abs=1e-9)
    assert one.rank_biserial == pytest.approx(-other.rank_biserial, nan_ok=True)
    if not math.isnan(one.d):
        assert abs(one.g) <= abs(one.d)
        assert one.interval.low < one.d < one.interval.high
        assert abs(one.rank_biserial) <= 1


@given(VALUES, st.floats(0.1, 10))
def test_sizes_have_no_unit(values, factor) -> None:
    one, other = effect_sizes(values), effect_sizes(factor * values)
    assert other.d == pytest.approx(one.d, nan_ok=True)
    assert other.rank_biserial == pytest.approx(one.rank_biserial, nan_ok=True)


@pytest.mark.parametrize(
    ("values", "rank_biserial"), [([], math.nan), ([2.0], 1.0), ([0.0] * 4, math.nan), ([-0.1] * 4, -1.0)]
)
def test_undefined_sizes(values, rank_biserial) -> None:
    result = effect_sizes(values)
    assert all(math.isnan(each) for each in (result.d, result.g, result.interval.low, result.interval.high))
    assert result.rank_biserial == pytest.approx(rank_biserial, nan_ok=True)


def test_configurations_weigh_alike_and_ties_count_half() -> None:
    values = [-1.0, -2.0, 3.0, 0.0, 5.0]
    result = probability_better(values, [0, 0, 0, 1, 2])
    assert result.probability == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert result.standard_error == pytest.approx(np.std([2 / 3, 1 / 2, 0], ddof=1) / math.sqrt(3))
    assert (result.configurations, result.pairs) == (3, 5)


def test_single_seeds_give_wilsons_interval() -> None:
    values = np.where(np.arange(400) < 130, -1.0, 1.0)
    result = probability_better(values, np.arange(400), 0.95)
    low, high = proportion_confint(130, 400, method="wilson")
    assert (result.interval.low, result.interval.high) == pytest.approx((low, high), abs=1e-3)


@pytest.mark.parametrize(("sign", "end"), [(-1.0, 1.0), (1.0, 0.0)])
def test_the_interval_has_a_width_where_all_pairs_agree(sign: float, end: float) -> None:
    result = probability_better(np.full(36, sign), np.repeat(np.arange(12), 3))
    assert result.probability == end
    assert end in (result.interval.low, result.interval.high)
    assert 0.1 < result.interval.high - result.interval.low < 0.4


@given(st.integers(0, 1000), st.integers(2, 12), st.integers(1, 4))
def test_the_interval_stays_inside_and_mirrors(seed, configurations, seeds) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(-2, 3, configurations * seeds).astype(float)
    configuration = np.repeat(np.arange(configurations), seeds)
    one, other = probability_better(values, configuration), probability_better(-values, configuration)
    assert 0 <= one.interval.low <= one.probability <= one.interval.high <= 1
    assert one.probability == pytest.approx(1 - other.probability)
    assert one.interval.low == pytest.approx(1 - other.interval.high, abs=1e-9)


@pytest.mark.parametrize(("values", "labels"), [([], []), ([-1.0, 1.0], [0, 0])])
def test_undefined_probability(values, labels) -> None:
    result = probability_better(values, labels)
    assert math.isnan(result.interval.low)
    assert math.isnan(result.standard_error)
    assert result.probability == pytest.approx(0.5 if values else math.nan, nan_ok=True)


def test_malformed_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        effect_sizes([math.inf])
    with pytest.raises(ValueError, match="one label a value"):
        probability_better([1.0, 2.0], [1])
