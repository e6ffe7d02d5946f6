"""Many tests, and what they say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from analysis.equivalence.mean import difference
from analysis.equivalence.verdict import Verdict, decide, holm

PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@pytest.mark.parametrize("n", [1, 2, 10, 200])
def test_holm_is_that_of_statsmodels(n: int) -> None:
    p = np.random.default_rng(n).beta(0.3, 1, n).round(2)
    np.testing.assert_allclose(holm(p), np.asarray(multipletests(p, method="holm")[1]), atol=1e-12)


@given(PROBABILITIES)
def test_holm_is_monotone_and_never_below_the_raw_p(p) -> None:
    adjusted = holm(p)
    assert (adjusted >= np.asarray(p)).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()
    assert adjusted.max() <= 1


@given(PROBABILITIES, st.integers(0, 5))
def test_holm_leaves_nan_out(p, undefined) -> None:
    adjusted = holm([math.nan] * undefined + p)
    assert np.isnan(adjusted[:undefined]).all()
    np.testing.assert_array_equal(adjusted[undefined:], holm(p))


def test_holm_of_nothing() -> None:
    assert holm([]).size == 0
    assert np.isnan(holm([math.nan])).all()


@pytest.mark.parametrize("p", [[[0.1]], [1.1], [-0.1]])
def test_malformed_p_is_refused(p) -> None:
    with pytest.raises(ValueError, match="p must"):
        holm(p)


@pytest.mark.parametrize(
    ("tost_p", "difference_p", "estimate", "expected"),
    [
        (0.01, 0.50, 0.1, Verdict.EQUIVALENT),
        (0.01, 0.01, 0.1, Verdict.DIFFERENT_INSIDE),
        (0.50, 0.01, -0.1, Verdict.FIRST_BETTER),
        (0.50, 0.01, 0.1, Verdict.SECOND_BETTER),
        (0.50, 0.50, 0.1, Verdict.UNDECIDED),
        (0.05, 0.05, 0.1, Verdict.UNDECIDED),
        (math.nan, 0.01, 0.1, Verdict.UNDECIDED),
        (0.01, math.nan, 0.1, Verdict.UNDECIDED),
        (0.01, 0.50, math.nan, Verdict.UNDECIDED),
    ],
)
def test_verdicts(tost_p, difference_p, estimate, expected) -> None:
    assert decide(tost_p, difference_p, estimate) is expected


SWAPPED = {Verdict.FIRST_BETTER: Verdict.SECOND_BETTER, Verdict.SECOND_BETTER: Verdict.FIRST_BETTER}


@given(st.integers(0, 500), st.floats(-0.5, 0.5), st.floats(0.01, 0.5))
def test_the_verdict_flips_with_the_arms(seed, shift, margin) -> None:
    values = np.random.default_rng(seed).normal(shift, 0.2, 15)

    def of(values: np.ndarray) -> Verdict:
        found = difference(values)
        return decide(found.p_inside(-margin, margin), found.p, float(values.mean()))

    assert of(-values) is SWAPPED.get(of(values), of(values))


def test_identical_networks_are_equivalent() -> None:
    found = difference(np.zeros(12))
    assert decide(found.p_inside(-0.01, 0.01), found.p, 0.0) is Verdict.EQUIVALENT


def test_verdicts_of_strata_are_words() -> None:
    found = [decide(*each) for each in ((0.01, 0.5, 0.0), (0.5, 0.001, -1.0), (0.5, 0.001, 1.0))]
    assert found == ["equivalent", "first better", "second better"]
    assert [each.words("droppath", "plain") for each in found] == ["equivalent", "droppath better", "plain better"]
