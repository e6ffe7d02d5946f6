"""Dependence on factors."""

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.oneway import anova_oneway

from analysis.equivalence.heterogeneity import factor_test, interaction_test


def sample(levels: int, per: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    level = rng.permutation(np.r_[np.repeat(np.arange(levels), per), rng.integers(0, levels, 7)])
    return rng.normal(0.2 * level, 1 + level), level


def crossed(rows: int, columns: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    cell = rng.permutation(np.r_[np.repeat(np.arange(rows * columns), 3), rng.integers(0, rows * columns, 9)])
    a, b = cell // columns, cell % columns
    return rng.normal(0.5 * a - 0.2 * b + 0.4 * a * b, 1 + 0.5 * b), a, b


@pytest.mark.parametrize("levels", [2, 3, 6])
def test_welch_is_that_of_statsmodels(levels: int) -> None:
    y, level = sample(levels, 4)
    theirs = anova_oneway(y, groups=level, use_var="unequal", welch_correction=True)
    ours = factor_test(y, level)
    assert (ours.f, ours.numerator, ours.denominator, ours.p) == pytest.approx(
        (theirs.statistic, *theirs.df, theirs.pvalue), rel=1e-9
    )


def test_pingouin_agrees() -> None:
    pingouin = pytest.importorskip("pingouin")
    y, level = sample(4, 5)
    theirs = pingouin.welch_anova(pd.DataFrame({"y": y, "level": level}), dv="y", between="level")
    assert factor_test(y, level).p == pytest.approx(float(theirs["p_unc"].iloc[0]), abs=1e-8)


@pytest.mark.parametrize(("rows", "columns"), [(2, 2), (2, 4), (3, 3)])
def test_interaction_is_the_hc3_test_of_statsmodels(rows: int, columns: int) -> None:
    y, a, b = crossed(rows, columns)
    fit = smf.ols("y ~ C(a) * C(b)", pd.DataFrame({"y": y, "a": a, "b": b})).fit(cov_type="HC3", use_t=True)
    chosen = np.eye(len(fit.params))[[":" in name for name in fit.model.exog_names]]
    theirs = fit.f_test(chosen)
    ours = interaction_test(y, a, b)
    assert (ours.f, ours.p) == pytest.approx((float(theirs.fvalue), float(theirs.pvalue)), rel=1e-8)
    assert (ours.numerator, ours.denominator) == (theirs.df_num, theirs.df_denom)


@given(st.integers(0, 1000), st.floats(0.1, 10), st.floats(-5, 5))
def test_f_does_not_depend_on_unit_labels_or_order(seed, factor, shift) -> None:
    y, a, b = crossed(2, 3, seed)
    order = np.random.default_rng(seed).permutation(len(y))
    names = np.array(["z", "m", "a"])
    other = interaction_test(factor * y[order] + shift, a[order], names[b[order]])
    assert other.f == pytest.approx(interaction_test(y, a, b).f, rel=1e-6)
    assert interaction_test(y, b, a).f == pytest.approx(interaction_test(y, a, b).f, rel=1e-6)
    assert factor_test(factor * y[order] + shift, names[b[order]]).f == pytest.approx(factor_test(y, b).f, rel=1e-6)


def test_additive_effects_are_no_interaction() -> None:
    y, a, b = crossed(3, 3)
    assert interaction_test(y + 7 * a - 3 * b, a, b).f == pytest.approx(interaction_test(y, a, b).f, rel=1e-8)
    assert factor_test(y + 7 * a, a).p < 1e-3


@pytest.mark.parametrize(
    ("y", "levels"),
    [
        ([], []),
        ([1.0, 2.0, 3.0], ["a", "a", "a"]),
        ([1.0, 2.0, 3.0], ["a", "a", "b"]),
        ([1.0, 2.0, 3.0, 3.0], ["a", "a", "b", "b"]),
        ([0.1] * 4, ["a", "a", "b", "b"]),
    ],
)
def test_undefined_factor_tests(y, levels) -> None:
    assert math.isnan(factor_test(y, levels).p)


@pytest.mark.parametrize("lost", ["empty", "single", "constant", "one level", "everything"])
def test_undefined_interaction_tests(lost: str) -> None:
    y, a, b = crossed(2, 3)
    keep = np.ones(len(y), bool)
    at = np.flatnonzero((a == 1) & (b == 2))
    if lost == "empty":
        keep[at] = False
    elif lost == "single":
        keep[at[1:]] = False
    elif lost == "constant":
        y[at] = 0.1
    elif lost == "one level":
        keep = a == 0
    else:
        keep[:] = False
    assert math.isnan(interaction_test(y[keep], a[keep], b[keep]).p)


def test_malformed_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="levels must"):
        factor_test([1.0, 2.0], [1])
    with pytest.raises(ValueError, match="finite"):
        interaction_test([math.nan], [1], [1])
