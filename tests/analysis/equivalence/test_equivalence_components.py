"""Components of variance: configurations and seeds."""

import math

import numpy as np
import pytest

from analysis.equivalence.components import components


def test_components_of_a_balanced_design_are_those_of_anova() -> None:
    rng = np.random.default_rng(0)
    table = rng.normal(size=(20, 1)) + 0.5 * rng.normal(size=(20, 4))
    result = components(table.ravel(), np.repeat(np.arange(20), 4))
    within = table.var(axis=1, ddof=1).mean()
    assert result.within == pytest.approx(within)
    assert result.between == pytest.approx((4 * table.mean(axis=1).var(ddof=1) - within) / 4)


def test_components_of_an_unbalanced_design_are_found() -> None:
    rng = np.random.default_rng(1)
    configuration = np.repeat(np.arange(4000), rng.integers(1, 6, 4000))
    values = rng.normal(size=4000)[configuration] * 0.5 + rng.normal(size=len(configuration))
    result = components(values, configuration)
    assert result.between == pytest.approx(0.25, rel=0.15)
    assert result.within == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize(
    ("values", "labels", "between", "within"),
    [
        ([], [], math.nan, math.nan),
        ([1.0, 2.0], [0, 1], math.nan, math.nan),
        ([1.0, 2.0], [0, 0], math.nan, 0.5),
        ([0.1] * 4, [0, 0, 1, 1], 0.0, 0.0),
        ([0.0, 2.0, 2.0, 0.0], [0, 0, 1, 1], 0.0, 2.0),
    ],
)
def test_degenerate_components(values, labels, between, within) -> None:
    result = components(values, labels)
    assert result.between == pytest.approx(between, nan_ok=True)
    assert result.within == pytest.approx(within, nan_ok=True)


@pytest.mark.parametrize(("values", "labels"), [([math.nan], [0]), ([0.1, 0.2], [0])])
def test_malformed_values_are_refused(values, labels) -> None:
    with pytest.raises(ValueError, match="must"):
        components(values, labels)
