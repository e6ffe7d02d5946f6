"""Student's t from moments, defined down to a standard error of zero, and the interval type of the package."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from analysis.equivalence.inputs import Vector


@dataclass(frozen=True)
class Interval:
    """A two-sided interval at `confidence`; both ends are NaN where it is undefined."""

    low: float
    high: float
    confidence: float

    def inside(self, low: float, high: float) -> bool:
        """Whether the whole interval lies strictly between `low` and `high`."""
        return low < self.low and self.high < high


UNDEFINED = float("nan")


def ratio(distance: ArrayLike, error: ArrayLike) -> Vector:
    """Distance over standard error; without error it is 0 at no distance, infinite at any other, and NaN at NaN."""
    distance, error = np.broadcast_arrays(np.asarray(distance, np.float64), np.asarray(error, np.float64))
    exact = np.where((distance == 0) | np.isnan(distance), distance, np.copysign(np.inf, distance))
    # Not `error > 0`: an undefined error must give an undefined ratio.
    return np.divide(distance, error, out=exact, where=error != 0)


def upper_tail(distance: ArrayLike, error: ArrayLike, freedom: ArrayLike) -> Vector:
    """P(T >= distance / error) on `freedom` degrees of freedom."""
    return np.asarray(stdtr(freedom, -ratio(distance, error)))


def two_tails(distance: ArrayLike, error: ArrayLike, freedom: ArrayLike) -> Vector:
    """P(|T| >= |distance| / error) on `freedom` degrees of freedom."""
    return np.asarray(2 * stdtr(freedom, -np.abs(ratio(distance, error))))


def reach(error: ArrayLike, freedom: ArrayLike, tail: float) -> Vector:
    """How far an interval reaches from its estimate if it leaves out `tail` on that side."""
    return np.asarray(-stdtrit(freedom, tail) * np.asarray(error))


def standard_errors(n: ArrayLike, sd: ArrayLike) -> tuple[Vector, Vector]:
    """Standard errors of means of `n` values, and degrees of freedom; both NaN below two values."""
    n = np.asarray(n, np.float64)
    enough = n > 1
    error = np.where(enough, np.asarray(sd, np.float64) / np.sqrt(np.where(enough, n, 1)), np.nan)
    return error, np.where(enough, n - 1, np.nan)
