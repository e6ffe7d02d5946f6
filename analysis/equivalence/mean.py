"""Estimated means with tests and intervals that hold by Student's t and by Hall's transformation of it (1992)."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import root_scalar
from scipy.special import stdtr, stdtrit

from analysis.equivalence.inputs import Vector, groups, level, vector

UNDEFINED = float("nan")
_FAR = 1e3
_LEAST = 1e-90
"""Standard errors below are taken to be none: what they divide would overflow."""


class Estimate(NamedTuple):
    """A value and its interval; both ends are NaN if it has none."""

    value: float
    low: float = UNDEFINED
    high: float = UNDEFINED


@dataclass(frozen=True)
class Mean:
    """An estimated mean. The standard error is NaN where the design cannot give one, as with a single seed."""

    estimate: float
    standard_error: float = UNDEFINED
    degrees_of_freedom: float = UNDEFINED
    skewness: float = 0.0
    """Of the estimate; 0 where there are too few values to tell."""

    def p_below(self, bound: float) -> float:
        """One-sided p of the hypothesis that the mean is at or above `bound`."""
        return self._tail(bound, 1.0)

    def p_above(self, bound: float) -> float:
        """One-sided p of the hypothesis that the mean is at or below `bound`."""
        return self._tail(bound, -1.0)

    def p_inside(self, low: float, high: float) -> float:
        """P of two one-sided tests that the mean lies between `low` and `high` (Schuirmann 1987)."""
        return float(np.maximum(self.p_above(low), self.p_below(high)))

    @property
    def p(self) -> float:
        """Two-sided p of the hypothesis that the mean is zero."""
        return min(2 * min(self.p_below(0.0), self.p_above(0.0)), 1.0)  # NaN stays

    def interval(self, confidence: float = 0.90) -> Estimate:
        """The mean with its interval, which lies below a bound exactly where `p_below` is below half of the rest."""
        tail = (1 - level(confidence, "confidence", upper=1)) / 2
        if not self.degrees_of_freedom > 0:
            return Estimate(self.estimate)
        reach = float(stdtrit(self.degrees_of_freedom, 1 - tail))
        ends = [(-reach, reach), tuple(_unskewed(end, self.skewness) for end in (-reach, reach))]
        low, high = max(high for _, high in ends), min(low for low, _ in ends)
        return Estimate(self.estimate, *(self.estimate - end * self.standard_error for end in (low, high)))

    def _tail(self, bound: float, sign: float) -> float:
        distance = sign * (self.estimate - bound)
        if not math.isfinite(distance):
            return UNDEFINED
        if self.standard_error == 0:
            return 0.5 if distance == 0 else float(distance > 0)
        if not self.degrees_of_freedom > 0:
            return UNDEFINED
        t = distance / self.standard_error
        return float(stdtr(self.degrees_of_freedom, max(t, _skewed(t, sign * self.skewness))))


@dataclass(frozen=True)
class Difference(Mean):
    """The mean of `n` values, such as differences, by Student's t alone."""

    n: int = 0


def difference(values: ArrayLike) -> Difference:
    """The mean of `values`, shape (n,), against zero or a margin; below two values all is NaN but the mean.

    Identical values have a standard error of 0. Raises ValueError for malformed values.
    """
    array = vector(values)
    n = len(array)
    if n < 2:
        return Difference(float(array[0]) if n else UNDEFINED, n=n)
    whole = groups(array, np.zeros(n, np.intp))
    error = float(np.sqrt(whole.squares[0] / (n - 1) / n))
    return Difference(float(whole.mean[0]), error if error > _LEAST else 0.0, n - 1.0, n=n)


def reach(error: ArrayLike, freedom: ArrayLike, tail: float) -> Vector:
    """How far an interval by Student's t reaches from its estimate if it leaves out `tail` on that side."""
    return np.asarray(-stdtrit(freedom, tail) * np.asarray(error))


def crossing(p: Callable[[float], float], alpha: float, start: float, direction: float) -> float:
    """Where `p` falls to alpha, going from `start` in a direction, 1 or -1; infinite where it never does."""

    def excess(way: float) -> float:
        return p(start + direction * way) - alpha

    way = 1e-3
    while excess(way) > 0:
        way *= 2
        if way > _FAR:
            return direction * math.inf
    if not excess(0.0) > 0:
        return start
    return start + direction * float(root_scalar(excess, bracket=(0.0, way), xtol=1e-12).root)


def _skewed(t: float, skewness: float) -> float:
    """Hall's transformation of a studentised mean (1992, eq. 3.2): nearer to Student's t under skew."""
    return t + skewness / 3 * t**2 + skewness**2 / 27 * t**3 + skewness / 6


def _unskewed(value: float, skewness: float) -> float:
    """The inverse of `_skewed`."""
    if abs(skewness) < 1e-6:
        return value
    return 3 / skewness * (math.copysign(abs(inner := 1 + skewness * (value - skewness / 6)) ** (1 / 3), inner) - 1)
