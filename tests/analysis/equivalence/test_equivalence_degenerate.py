"""No array of finite numbers, however odd, raises or warns: what is undefined is NaN."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analysis import equivalence as eq

ODD = st.lists(st.sampled_from([0.0, 0.1, -0.1, 0.2, 1.0, 1e-9, 1e9, 1e-200]), max_size=7)


def everything(values: np.ndarray, label: np.ndarray) -> list[object]:
    other = values[::-1]
    noise = eq.seed_noise(values, label, np.arange(len(values)) % 2)
    return [
        eq.tost(values, 0.1),
        eq.noninferiority(values, 0.1),
        eq.difference_test(values),
        noise,
        eq.scaled_tost(values, noise),
        eq.signed_rank(values),
        eq.rank_tost(values, 0.1),
        eq.cluster_bootstrap(values, 50),
        eq.bland_altman(values, other),
        eq.concordance(values, other),
        eq.effect_sizes(values),
        eq.probability_better(values, label),
        eq.factor_test(values, label),
        eq.interaction_test(values, label, np.arange(len(values)) % 2),
        eq.decompose(values, {"arch": np.arange(len(values)) % 2}, [("arch",)], label, "arch"),
        eq.components(values, label),
        eq.skewness(values),
        eq.clustered_mcnemar(values > 0, other > 0, label),
        eq.worst_case(values, label, label[:1]),
        eq.tipping_point(values, label, label[:1], 0.1),
    ]


@given(ODD, st.integers(1, 4))
@example([], 1)
@example([0.0, 1e-200], 2)
@example([1e9, 1e9, 1e9 + 1e-7], 1)
def test_nothing_raises_or_warns(values, configurations) -> None:
    assert everything(np.array(values), np.arange(len(values)) % configurations)


@given(ODD.filter(lambda values: len(values) > 0), st.integers(1, 4))
def test_probabilities_are_probabilities(values, configurations) -> None:
    array, label = np.array(values), np.arange(len(values)) % configurations
    for result in everything(array, label):
        for name in ("p", "p_lower", "p_upper", "p_exact", "p_chi2", "slope_p"):
            p = getattr(result, name, math.nan)
            assert math.isnan(p) or 0 <= p <= 1


@given(ODD, st.integers(1, 4))
def test_a_margin_that_is_not_known_leaves_all_but_what_depends_on_it(values, configurations) -> None:
    array, label = np.array(values), np.arange(len(values)) % configurations
    p = dict.fromkeys(("p_lower", "p_upper", "p"), math.nan)
    for test in (eq.tost, eq.rank_tost):
        assert repr(test(array, math.nan)) == repr(replace(test(array, 1.0), **p))
    known = eq.noninferiority(array, 1.0)
    assert repr(eq.noninferiority(array, math.nan)) == repr(replace(known, margin=math.nan, p=math.nan))
    assert math.isnan(eq.tipping_point(array, label, label[:1], math.nan).above)


@pytest.mark.parametrize("function", [eq.tost, eq.rank_tost, eq.concordance])
def test_pure_functions_leave_their_arrays_alone(function) -> None:
    values = np.array([0.3, -0.1, 0.2, 0.0, 0.1, -0.4])
    before = values.copy()
    function(values, values + 1 if function is eq.concordance else 0.2)
    eq.cluster_bootstrap(values, 50)
    np.testing.assert_array_equal(values, before)
