"""Skewness of configuration means."""

import math
from typing import Any, cast

import numpy as np
import pytest
from scipy import stats

from analysis.equivalence.skewness import skewness


@pytest.mark.parametrize("n", [3, 12, 200])
def test_it_is_that_of_scipy(n: int) -> None:
    values = np.random.default_rng(n).lognormal(size=n)
    assert skewness(values) == pytest.approx(float(cast(Any, stats.skew(values))))
    assert skewness(-values) == pytest.approx(-skewness(values))


@pytest.mark.parametrize("values", [[], [0.1], [0.1, 0.4], [0.25] * 5])
def test_without_three_values_or_variance_there_is_none(values: list[float]) -> None:
    assert math.isnan(skewness(values))


def test_malformed_values_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        skewness([0.1, math.nan, 0.2])
