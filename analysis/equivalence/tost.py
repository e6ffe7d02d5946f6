"""Equivalence and difference of a mean by Student's t.

Values are parallel minus sequential, one a configuration (seeds averaged), in the unit of the margin: a log ratio of
losses, or a difference of losses. Lower losses are better, so values above zero favour sequential.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.equivalence.inputs import Margin, bounds, groups, level, vector
from analysis.equivalence.mean import Mean
from analysis.equivalence.student import UNDEFINED, Interval

_LEAST = 1e-90
"""Standard errors below are taken to be none: what they divide would overflow."""


@dataclass(frozen=True)
class Difference:
    """Two-sided test of a mean against zero, with the interval of confidence 1 - alpha."""

    n: int
    estimate: float
    standard_error: float
    degrees_of_freedom: float
    interval: Interval
    p: float


@dataclass(frozen=True)
class Tost(Difference):
    """Two one-sided tests of a mean against a margin.

    `p_lower` speaks against a mean at or below the lower margin, `p_upper` against one at or above the upper; `p`,
    the larger, is below alpha exactly when `interval`, of confidence 1 - 2 alpha, lies inside the margin.
    """

    p_lower: float
    p_upper: float


def tost(values: ArrayLike, margin: Margin, alpha: float = 0.05) -> Tost:
    """Schuirmann's two one-sided t tests (1987, eq. 3) of the mean of `values`, shape (configurations,).

    A pair (low, high) is an asymmetric margin, and a number m stands for (-m, m). Below two values all is NaN but the
    mean, and so is p where the margin is. Identical values have p = 0 inside the margin, 1 outside, 0.5 on it. Raises
    ValueError for values that are not finite or not one-dimensional, and for an empty margin.
    """
    level(alpha)
    low, high = bounds(margin)
    n, mean = _mean(values)
    found = n, mean.estimate, mean.standard_error, mean.degrees_of_freedom, mean.interval(1 - 2 * alpha)
    return Tost(*found, mean.p_inside(low, high), mean.p_above(low), mean.p_below(high))


def difference_test(values: ArrayLike, alpha: float = 0.05) -> Difference:
    """The two-sided one-sample t test of `values`, shape (configurations,), against zero.

    Identical values have p = 0, or 1 if they are zero. Raises ValueError for malformed values.
    """
    n, mean = _mean(values)
    found = n, mean.estimate, mean.standard_error, mean.degrees_of_freedom, mean.interval(1 - alpha)
    return Difference(*found, mean.p_zero)


def _mean(values: ArrayLike) -> tuple[int, Mean]:
    """How many values there are, and their mean, by Student's t alone."""
    array = vector(values)
    n = len(array)
    if n < 2:
        return n, Mean(float(array[0]) if n else UNDEFINED, UNDEFINED, UNDEFINED, 0.0)
    whole = groups(array, np.zeros(n, np.intp))
    error = float(np.sqrt(whole.squares[0] / (n - 1) / n))
    return n, Mean(float(whole.mean[0]), error if error > _LEAST else 0.0, n - 1.0, 0.0)
