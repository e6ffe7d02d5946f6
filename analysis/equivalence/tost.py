"""Equivalence and difference of a mean by Student's t.

Values are parallel minus sequential, one a configuration (seeds averaged), in the unit of the margin: a log ratio of
losses, or a difference of losses. Lower losses are better, so values above zero favour sequential.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.equivalence.inputs import Margin, bounds, level, moments, vector
from analysis.equivalence.student import Interval, reach, standard_errors, two_tails, upper_tail


@dataclass(frozen=True)
class Tost:
    """Two one-sided tests of a mean against a margin.

    `p_lower` speaks against a mean at or below the lower margin, `p_upper` against one at or above the upper; `p`,
    the larger, is below alpha exactly when `interval`, of confidence 1 - 2 alpha, lies inside the margin.
    """

    n: int
    estimate: float
    standard_error: float
    degrees_of_freedom: float
    interval: Interval
    p_lower: float
    p_upper: float
    p: float


@dataclass(frozen=True)
class Difference:
    """Two-sided test of a mean against zero, with the interval of confidence 1 - alpha."""

    n: int
    estimate: float
    standard_error: float
    degrees_of_freedom: float
    interval: Interval
    p: float


def tost(values: ArrayLike, margin: Margin, alpha: float = 0.05) -> Tost:
    """Schuirmann's two one-sided t tests (1987, eq. 3) of the mean of `values`, shape (configurations,).

    A pair (low, high) is an asymmetric margin, and a number m stands for (-m, m). Below two values all is NaN but the
    mean, and so is p where the margin is. Identical values have p = 0 inside the margin, 1 outside, 0.5 on it. Raises
    ValueError for values that are not finite or not one-dimensional, and for an empty margin.
    """
    level(alpha)
    low, high = bounds(margin)
    n, mean, sd = moments(vector(values))
    error, freedom = standard_errors(n, sd)
    p_lower, p_upper = upper_tail(mean - low, error, freedom), upper_tail(high - mean, error, freedom)
    half = float(reach(error, freedom, alpha))
    interval = Interval(mean - half, mean + half, 1 - 2 * alpha)
    p = float(np.maximum(p_lower, p_upper))
    return Tost(n, mean, float(error), float(freedom), interval, float(p_lower), float(p_upper), p)


def difference_test(values: ArrayLike, alpha: float = 0.05) -> Difference:
    """The two-sided one-sample t test of `values`, shape (configurations,), against zero.

    Identical values have p = 0, or 1 if they are zero. Raises ValueError for malformed values.
    """
    level(alpha, upper=1)
    n, mean, sd = moments(vector(values))
    error, freedom = standard_errors(n, sd)
    half = float(reach(error, freedom, alpha / 2))
    interval = Interval(mean - half, mean + half, 1 - alpha)
    return Difference(n, mean, float(error), float(freedom), interval, float(two_tails(mean, error, freedom)))
