"""Equivalence and difference of a mean by Student's t.

Values are parallel minus sequential, one a configuration (seeds averaged), in the unit of the margin: a log ratio of
losses, or a difference of losses. Lower losses are better, so values above zero favour sequential.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.equivalence.inputs import Margin, Vector, bounds, level, moments, vector
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
class Tosts:
    """`Tost` for many strata: arrays of one shape. `low` and `high` bound the means at `confidence`."""

    n: Vector
    estimate: Vector
    standard_error: Vector
    degrees_of_freedom: Vector
    low: Vector
    high: Vector
    confidence: float
    p_lower: Vector
    p_upper: Vector
    p: Vector


@dataclass(frozen=True)
class Difference:
    """Two-sided test of a mean against zero, with the interval of confidence 1 - alpha."""

    n: int
    estimate: float
    standard_error: float
    degrees_of_freedom: float
    interval: Interval
    p: float


def tost_from_moments(
    n: ArrayLike, mean: ArrayLike, sd: ArrayLike, low: ArrayLike, high: ArrayLike, alpha: float = 0.05
) -> Tosts:
    """Schuirmann's two one-sided t tests (1987, eq. 3) of every stratum at once.

    `n`, `mean`, `sd` (n - 1 in its denominator) and the margins broadcast to one shape. Strata below two values are
    NaN, and so is p where the margin is. A stratum of identical values has p = 0 inside the margin, 1 outside, 0.5 on
    it.
    """
    level(alpha)
    n, mean, sd, low, high = np.broadcast_arrays(*(np.asarray(each, np.float64) for each in (n, mean, sd, low, high)))
    error, freedom = standard_errors(n, sd)
    p_lower = upper_tail(mean - low, error, freedom)
    p_upper = upper_tail(high - mean, error, freedom)
    half = reach(error, freedom, alpha)
    return Tosts(
        n, mean, error, freedom, mean - half, mean + half, 1 - 2 * alpha, p_lower, p_upper, np.maximum(p_lower, p_upper)
    )


def tost(values: ArrayLike, margin: Margin, alpha: float = 0.05) -> Tost:
    """Two one-sided t tests of the mean of `values`, shape (configurations,), against (-margin, margin).

    A pair (low, high) is an asymmetric margin. See `tost_from_moments` for the source and for degenerate values.
    Raises ValueError for values that are not finite or not one-dimensional, and for an empty margin.
    """
    n, mean, sd = moments(vector(values))
    many = tost_from_moments(n, mean, sd, *bounds(margin), alpha)
    return Tost(
        n,
        mean,
        float(many.standard_error),
        float(many.degrees_of_freedom),
        Interval(float(many.low), float(many.high), many.confidence),
        float(many.p_lower),
        float(many.p_upper),
        float(many.p),
    )


def difference_p_from_moments(n: ArrayLike, mean: ArrayLike, sd: ArrayLike) -> Vector:
    """Two-sided p of the one-sample t test against zero, of every stratum at once; see `difference_test`."""
    error, freedom = standard_errors(n, sd)
    return two_tails(mean, error, freedom)


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
