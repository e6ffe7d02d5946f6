"""No array of finite numbers, however odd, raises or warns: what is undefined is NaN."""

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analysis.equivalence.components import components
from analysis.equivalence.contrast import contrasts
from analysis.equivalence.crossed import seed_effect
from analysis.equivalence.design import of_grid, of_networks
from analysis.equivalence.divergence import clustered_mcnemar
from analysis.equivalence.heterogeneity import factor_test, interaction_test
from analysis.equivalence.inside import Inside, share_inside
from analysis.equivalence.mean import Mean, difference
from analysis.equivalence.registry import STATISTICS
from analysis.equivalence.skewness import skewness

ODD = st.lists(st.sampled_from([0.0, 0.1, -0.1, 0.2, 1.0, 1e-9, 1e9, 1e-200]), max_size=7)


def everything(values: np.ndarray, label: np.ndarray) -> list[Any]:
    other, seed = values[::-1], np.arange(len(values)) % 3
    designs = [contrasts(values, label, seed, crossed) for crossed in (False, True)]
    means = [function(of) for of in designs for function in (of_grid, of_networks)]
    return [
        difference(values),
        factor_test(values, label),
        interaction_test(values, label, np.arange(len(values)) % 2),
        components(values, label),
        skewness(values),
        clustered_mcnemar(values > 0, other > 0, label),
        *means,
        *(mean.interval() for mean in means),
        *(SimpleNamespace(p=seed_effect(of)) for of in designs),
        *(share_inside(of, -0.1, 0.1) for of in designs),
        *(statistic.compute(designs[0], 0.1) for statistic in STATISTICS.values()),
    ]


def probabilities(result: Any) -> list[float]:
    names = ("p", "p_exact")
    found = [float(getattr(result, name, math.nan)) for name in names]
    if isinstance(result, Inside):
        found.append(result.share.value)
    if isinstance(result, Mean):
        found += [result.p_below(0.1), result.p_above(0.1), result.p_inside(-0.1, 0.1)]
    return found


@settings(max_examples=50, deadline=None, derandomize=True)
@given(ODD, st.integers(1, 4))
@example([], 1)
@example([0.0, 1e-200], 2)
@example([1e9, 1e9, 1e9 + 1e-7], 1)
def test_nothing_raises_or_warns(values, configurations) -> None:
    assert everything(np.array(values), np.arange(len(values)) % configurations)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(ODD.filter(lambda values: len(values) > 0), st.integers(1, 4))
def test_probabilities_are_probabilities(values, configurations) -> None:
    array, label = np.array(values), np.arange(len(values)) % configurations
    for result in everything(array, label):
        assert all(math.isnan(p) or 0 <= p <= 1 for p in probabilities(result))


@given(ODD)
def test_a_margin_that_is_not_known_has_no_p(values) -> None:
    found = difference(np.array(values))
    assert all(math.isnan(p(math.nan)) for p in (found.p_above, found.p_below))
    assert math.isnan(found.p_inside(math.nan, math.nan))


def design(values: np.ndarray, margin: float) -> object:
    of = contrasts(values, np.arange(len(values)) % 3, np.arange(len(values)) // 3, True)
    return of_grid(of), of_networks(of), seed_effect(of), share_inside(of, -margin, margin)


@pytest.mark.parametrize("function", [lambda values, _: difference(values), design])
def test_pure_functions_leave_their_arrays_alone(function: Callable[[np.ndarray, float], object]) -> None:
    values = np.array([0.3, -0.1, 0.2, 0.0, 0.1, -0.4])
    before = values.copy()
    function(values, 0.2)
    np.testing.assert_array_equal(values, before)
