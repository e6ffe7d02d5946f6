"""Pairs without a value: who diverged, and what it could change."""

import itertools
import math
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from analysis.equivalence import clustered_mcnemar, mcnemar, tipping_point, tost, worst_case


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_that_of_statsmodels_and_scipy(b, c) -> None:
    ours = mcnemar(b, c)
    table = [[9, b], [c, 9]]
    assert ours.p_exact == pytest.approx(cast(Any, statsmodels_mcnemar(table, exact=True)).pvalue, abs=1e-10)
    if b + c:
        theirs = cast(Any, statsmodels_mcnemar(table, exact=False, correction=False))
        assert (ours.chi2, ours.p_chi2) == pytest.approx((theirs.statistic, theirs.pvalue), abs=1e-10)
        assert ours.p_exact == pytest.approx(stats.binomtest(b, b + c).pvalue, abs=1e-10)
        mid = min(1.0, 2 * stats.binom.cdf(min(b, c), b + c, 0.5) - stats.binom.pmf(b, b + c, 0.5))
        assert ours.p_mid == pytest.approx(mid, abs=1e-10)
    assert (mcnemar(c, b).p_exact, mcnemar(c, b).p_mid) == (ours.p_exact, ours.p_mid)


def test_mcnemar_without_discordant_pairs() -> None:
    result = mcnemar(0, 0)
    assert (result.p_exact, result.p_mid) == (1, 1)
    assert math.isnan(result.chi2)
    assert math.isnan(result.p_chi2)
    with pytest.raises(ValueError, match="negative"):
        mcnemar(-1, 3)


def test_mid_p_of_fagerland() -> None:
    """Airway hyper-responsiveness (Bentur et al. 2009): 1 against 7 of 8 discordant; mid-p 0.039, exact 0.070."""
    result = mcnemar(1, 7)
    assert result.p_exact == pytest.approx(0.0703, abs=5e-5)
    assert result.p_mid == pytest.approx(0.0391, abs=5e-5)
    assert result.p_chi2 == pytest.approx(0.0339, abs=5e-5)


def clusters(configurations: int, seeds: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(configurations), seeds)
    tendency = rng.uniform(0, 0.8, (2, configurations))[:, labels]
    sequential, parallel = rng.uniform(size=tendency.shape) < tendency
    return sequential, parallel, labels


@given(st.integers(0, 1000))
def test_the_clustered_statistic_is_obuchowskis(seed) -> None:
    sequential, parallel, labels = clusters(9, 4, seed)
    lean = [int(sequential[labels == k].sum()) - int(parallel[labels == k].sum()) for k in range(9)]
    result = clustered_mcnemar(sequential, parallel, labels)
    if any(lean):
        assert result.chi2 == pytest.approx(8 / 9 * sum(lean) ** 2 / sum(each**2 for each in lean))
        assert result.p_chi2 == pytest.approx(stats.chi2.sf(result.chi2, 1))
    sums = [
        sum(s * each for s, each in zip(signs, lean, strict=True)) for signs in itertools.product((-1, 1), repeat=9)
    ]
    assert result.p_exact == pytest.approx(np.mean(np.abs(sums) >= abs(sum(lean))), abs=1e-12)
    swapped = clustered_mcnemar(parallel, sequential, labels)
    assert (swapped.p_exact, swapped.sequential_only) == (result.p_exact, result.parallel_only)


def test_single_pairs_are_mcnemars() -> None:
    sequential = np.array([True] * 9 + [False] * 3 + [True] * 5 + [False] * 83)
    parallel = np.array([False] * 9 + [True] * 3 + [True] * 5 + [False] * 83)
    clustered, plain = clustered_mcnemar(sequential, parallel, np.arange(100)), mcnemar(9, 3)
    assert clustered.p_exact == pytest.approx(plain.p_exact)
    assert clustered.chi2 == pytest.approx(0.99 * plain.chi2)
    assert (clustered.sequential_only, clustered.parallel_only, clustered.discordant) == (9, 3, 12)


def test_whole_configurations_count_once() -> None:
    """Three seeds that diverge together are one piece of evidence, not three."""
    sequential = np.repeat([True, True, True, True, False, False], 3)
    result = clustered_mcnemar(sequential, np.zeros(18, bool), np.repeat(np.arange(6), 3))
    assert result.p_exact == pytest.approx(2 / 16)
    assert mcnemar(12, 0).p_exact < 0.001


def test_degenerate_clusters() -> None:
    nothing = clustered_mcnemar(np.zeros(0, bool), np.zeros(0, bool), [])
    assert math.isnan(nothing.p_exact)
    none = clustered_mcnemar(np.zeros(4, bool), np.ones(4, bool) & False, [0, 0, 1, 1])
    assert none.p_exact == 1
    assert math.isnan(none.chi2)
    level = clustered_mcnemar(np.array([True, False]), np.array([False, True]), [0, 0])
    assert (level.p_exact, level.discordant, level.parallel_only) == (1, 0, 1)
    assert math.isnan(level.p_chi2)


@pytest.mark.parametrize("diverged", [[0, 1], [[True, False]], [True, False, True]])
def test_malformed_divergence_is_refused(diverged) -> None:
    with pytest.raises(ValueError, match="boolean"):
        clustered_mcnemar(np.array(diverged), np.array([True, False]), [0, 1])


VALUES, LABELS = [0.01, 0.03, -0.02, 0.00, 0.01], ["a", "a", "b", "b", "c"]


def test_the_worst_case_fills_every_incomplete_pair() -> None:
    result = worst_case(VALUES, LABELS, ["b", "d", "d"])
    assert result.fill == 0.03
    assert result.against_parallel == pytest.approx([0.02, 0.01 / 3, 0.01, 0.03])
    assert result.for_parallel == pytest.approx([0.02, -0.05 / 3, 0.01, -0.03])


def test_nothing_incomplete_changes_nothing() -> None:
    result = worst_case(VALUES, LABELS, [])
    assert result.against_parallel == pytest.approx([0.02, -0.01, 0.01])
    assert result.for_parallel == pytest.approx([0.02, -0.01, 0.01])
    assert tipping_point(VALUES, LABELS, [], 0.1) == (point := tipping_point(VALUES, LABELS, [], 0.2))
    assert (point.above, point.below) == (math.inf, -math.inf)


@pytest.mark.parametrize("incomplete", [[], ["a"]])
def test_no_complete_pair_leaves_nothing_to_fill_with(incomplete) -> None:
    result = worst_case([], [], incomplete)
    assert math.isnan(result.fill)
    assert result.against_parallel.size == result.for_parallel.size == 0
    assert math.isnan(tipping_point([], [], incomplete, 0.1).above)


def filled(values: np.ndarray, labels: np.ndarray, incomplete: np.ndarray, value: float) -> np.ndarray:
    together, names = np.r_[values, np.full(len(incomplete), value)], np.r_[labels, incomplete]
    return np.array([together[names == name].mean() for name in np.unique(names)])


@given(st.integers(0, 1000), st.integers(1, 6), st.floats(0.02, 0.2))
def test_the_tipping_point_is_where_the_interval_leaves_the_margin(seed, count, margin) -> None:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(12), 3)
    values, incomplete = rng.normal(0.005, 0.02, 36), rng.integers(0, 14, count)
    point = tipping_point(values, labels, incomplete, margin)
    if not tost(filled(values, labels, incomplete, 0.0), margin).interval.inside(-margin, margin):
        assert (point.above, point.below) == (0, 0)
        return
    assert point.below < 0 < point.above
    for edge in (point.above, point.below):
        inside, outside = (tost(filled(values, labels, incomplete, edge * by), margin) for by in (0.999, 1.001))
        assert inside.p < 0.05 < outside.p
    mirrored = tipping_point(-values, labels, incomplete, margin)
    assert (mirrored.above, mirrored.below) == pytest.approx((-point.below, -point.above), rel=1e-9)


def test_malformed_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="one label a value"):
        worst_case([0.1], ["a", "b"], [])
    with pytest.raises(ValueError, match="finite"):
        tipping_point([math.nan], ["a"], [], 0.1)
    with pytest.raises(ValueError, match="margin"):
        tipping_point([0.1], ["a"], [], 0.0)
