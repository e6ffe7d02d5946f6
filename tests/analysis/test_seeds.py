"""Means over seeds: by hand, and where there are too few."""

import numpy as np
import pytest
from scipy import stats

from analysis.seeds import contrast, over_seeds


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


def test_independent_groups_are_compared_by_welchs_test():
    one, two = [1.0, 2.0, 4.0, np.nan], [3.0, 8.0, 5.0, 9.0]
    found = contrast([one, two], (1, -1))
    expected = stats.ttest_ind(one[:3], two, equal_var=False)
    assert (found.estimate, found.n) == (pytest.approx(7 / 3 - 25 / 4), 3)
    assert found.p == pytest.approx(expected[1])
    assert found.interval(0.95)[1:] == pytest.approx(expected.confidence_interval(0.95))


def test_a_contrast_weighs_means():
    found = contrast([[1.0, 3.0], [10.0, 14.0], [5.0, 5.0]], (2, 0.5, -1))
    assert found.estimate == pytest.approx(4 + 6 - 5)
    # Variances of the means are 1, 4 and 0.
    assert found.standard_error == pytest.approx(np.sqrt(4 + 1))
    assert found.degrees_of_freedom == pytest.approx(25 / 17)


def test_a_contrast_of_too_few_seeds_is_an_estimate_alone():
    found = contrast([[1.0], [3.0, 4.0]], (-1, 1))
    assert (found.estimate, found.n) == (2.5, 1)
    assert np.isnan(found.p)
    assert np.isnan(contrast([[np.nan], [1.0]], (-1, 1)).estimate)
    same = contrast([[0.1] * 3, [0.1] * 3], (-1, 1))
    assert (same.standard_error, same.p) == (0, 1)
