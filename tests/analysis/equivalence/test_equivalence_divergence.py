"""Does one side diverge more often?"""

import itertools
import math
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from analysis.equivalence.divergence import ClusteredMcNemar, clustered_mcnemar


def pairs(sequential_only: int, parallel_only: int, both: int = 9) -> ClusteredMcNemar:
    """The test of pairs that are each the only one of their configuration."""
    sequential, parallel = (
        np.repeat([*sides, True, False], [sequential_only, parallel_only, both, both])
        for sides in ((True, False), (False, True))
    )
    return clustered_mcnemar(sequential, parallel, np.arange(len(sequential)))


@given(st.integers(0, 60), st.integers(0, 60))
def test_single_pairs_are_tested_as_by_statsmodels_and_scipy(b, c) -> None:
    ours = pairs(b, c)
    table = [[9, b], [c, 9]]
    assert ours.p_exact == pytest.approx(cast(Any, statsmodels_mcnemar(table, exact=True)).pvalue, abs=1e-10)
    if b + c:
        assert ours.p_exact == pytest.approx(stats.binomtest(b, b + c).pvalue, abs=1e-10)
    assert pairs(c, b).p_exact == ours.p_exact


def test_without_discordant_pairs() -> None:
    assert pairs(0, 0).p_exact == 1


def test_exact_p_of_fagerland() -> None:
    """Airway hyper-responsiveness (Bentur et al. 2009): 1 against 7 of 8 discordant; exact p 0.070."""
    assert pairs(1, 7).p_exact == pytest.approx(0.0703, abs=5e-5)
    assert pairs(1, 7, both=100_000).p_exact == pairs(1, 7).p_exact


def clusters(configurations: int, seeds: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(configurations), seeds)
    tendency = rng.uniform(0, 0.8, (2, configurations))[:, labels]
    sequential, parallel = rng.uniform(size=tendency.shape) < tendency
    return sequential, parallel, labels


@given(st.integers(0, 1000))
def test_p_counts_the_signs_of_whole_configurations(seed) -> None:
    sequential, parallel, labels = clusters(9, 4, seed)
    lean = [int(sequential[labels == k].sum()) - int(parallel[labels == k].sum()) for k in range(9)]
    result = clustered_mcnemar(sequential, parallel, labels)
    sums = [
        sum(s * each for s, each in zip(signs, lean, strict=True)) for signs in itertools.product((-1, 1), repeat=9)
    ]
    assert result.p_exact == pytest.approx(np.mean(np.abs(sums) >= abs(sum(lean))), abs=1e-12)
    swapped = clustered_mcnemar(parallel, sequential, labels)
    assert (swapped.p_exact, swapped.sequential_only) == (result.p_exact, result.parallel_only)


def test_single_pairs_are_counted() -> None:
    result = pairs(9, 3)
    assert (result.sequential_only, result.parallel_only) == (9, 3)


def test_whole_configurations_count_once() -> None:
    """Three seeds that diverge together are one piece of evidence, not three."""
    sequential = np.repeat([True, True, True, True, False, False], 3)
    result = clustered_mcnemar(sequential, np.zeros(18, bool), np.repeat(np.arange(6), 3))
    assert result.p_exact == pytest.approx(2 / 16)
    assert pairs(12, 0).p_exact < 0.001


def test_degenerate_clusters() -> None:
    nothing = clustered_mcnemar(np.zeros(0, bool), np.zeros(0, bool), [])
    assert math.isnan(nothing.p_exact)
    none = clustered_mcnemar(np.zeros(4, bool), np.ones(4, bool) & False, [0, 0, 1, 1])
    assert none.p_exact == 1
    level = clustered_mcnemar(np.array([True, False]), np.array([False, True]), [0, 0])
    assert (level.p_exact, level.parallel_only) == (1, 1)


@pytest.mark.parametrize("diverged", [[0, 1], [[True, False]], [True, False, True]])
def test_malformed_divergence_is_refused(diverged) -> None:
    with pytest.raises(ValueError, match="boolean"):
        clustered_mcnemar(np.array(diverged), np.array([True, False]), [0, 1])
