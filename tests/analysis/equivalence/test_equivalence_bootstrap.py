"""The bootstrap over configurations."""

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.equivalence import cluster_bootstrap, configuration_means


@pytest.mark.parametrize("n", [5, 40, 1000])
@pytest.mark.parametrize("confidence", [0.90, 0.95])
def test_intervals_are_those_of_scipy(n: int, confidence: float) -> None:
    values = np.random.default_rng(n).lognormal(size=n)
    ours = cluster_bootstrap(values, 2000, np.random.default_rng(7), confidence)
    for method in ("BCa", "percentile"):
        theirs = stats.bootstrap(
            (values,),
            np.mean,
            n_resamples=2000,
            confidence_level=confidence,
            method=method,
            rng=np.random.default_rng(7),
        )
        interval = ours.bca if method == "BCa" else ours.percentile
        low, high = theirs.confidence_interval
        assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-8)
        assert ours.standard_error == pytest.approx(theirs.standard_error, abs=1e-8)


def test_one_seed_gives_one_result() -> None:
    values = np.random.default_rng(0).normal(size=30)
    assert cluster_bootstrap(values, 500, 3) == cluster_bootstrap(values, 500, 3)
    assert cluster_bootstrap(values, 500, 3) != cluster_bootstrap(values, 500, 4)


def test_bca_leans_to_the_long_tail() -> None:
    values = np.random.default_rng(1).lognormal(size=50)
    result = cluster_bootstrap(values)
    assert result.bca.high > result.percentile.high
    assert result.bca.low > result.percentile.low


@settings(max_examples=20)
@given(st.integers(0, 1000), st.floats(0.1, 10), st.floats(-5, 5))
def test_the_interval_moves_and_scales_with_the_values(seed, factor, shift) -> None:
    values = np.random.default_rng(seed).normal(size=15)
    one, other = cluster_bootstrap(values, 300), cluster_bootstrap(factor * values + shift, 300)
    assert other.percentile.low == pytest.approx(factor * one.percentile.low + shift, abs=1e-9)
    assert other.bca.high == pytest.approx(factor * one.bca.high + shift, abs=1e-6)


def test_ten_thousand_draws_of_a_thousand_configurations_are_quick() -> None:
    values = np.random.default_rng(0).normal(size=1000)
    began = time.process_time()
    cluster_bootstrap(values, 10_000)
    assert time.process_time() - began < 1


def test_degenerate_values() -> None:
    for values in ([], [0.3]):
        result = cluster_bootstrap(values)
        assert all(math.isnan(each) for each in (result.bca.low, result.percentile.high, result.standard_error))
    point = cluster_bootstrap([0.1] * 7)
    assert (point.bca.low, point.bca.high, point.percentile.low, point.standard_error) == (0.1, 0.1, 0.1, 0.0)
    two = cluster_bootstrap([0.0, 1.0])
    assert 0 <= two.bca.low <= two.bca.high <= 1


def test_malformed_values_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        cluster_bootstrap([0.1, math.nan])
    with pytest.raises(ValueError, match="confidence"):
        cluster_bootstrap([0.1, 0.2], confidence=90)


def test_configurations_weigh_alike_however_many_seeds_they_have() -> None:
    means = configuration_means([1.0, 2.0, 3.0, 10.0, 0.2, 0.2, 0.2], ["b", "b", "b", "a", "c", "c", "c"])
    assert means.tolist() == [10.0, 2.0, 0.2]
    assert configuration_means([], []).size == 0


@pytest.mark.parametrize(("values", "labels"), [([1.0], [1, 2]), ([1.0, 2.0], [[1, 2]]), ([math.nan], [1])])
def test_malformed_configurations_are_refused(values, labels) -> None:
    with pytest.raises(ValueError, match="must"):
        configuration_means(values, labels)
