"""Means over seeds: by hand, and where there are too few."""

import numpy as np
import pytest
from scipy import stats

from analysis.seeds import over_seeds


def test_the_interval_is_students_t_of_the_seeds_that_have_a_value():
    values = np.array([[1.0, 5.0], [2.0, np.nan], [6.0, np.inf]])
    found = over_seeds(values)
    low, high = stats.t.interval(0.95, 2, 3.0, stats.sem(values[:, 0]))
    assert found.n.tolist() == [3, 1]
    assert found.mean.tolist() == [3.0, 5.0]
    assert (found.low[0], found.high[0]) == (pytest.approx(low), pytest.approx(high))
    assert np.isnan([found.low[1], found.high[1]]).all()
    assert (found.lowest.tolist(), found.highest.tolist()) == ([1.0, 5.0], [6.0, 5.0])


def test_without_a_value_there_is_none():
    found = over_seeds([np.nan, np.nan])
    assert found.n == 0
    assert np.isnan([found.mean, found.low, found.lowest, found.highest]).all()
