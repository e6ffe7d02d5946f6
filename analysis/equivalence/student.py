"""Intervals, what those by Student's t are made of, and the ends of those that invert a test."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import root_scalar
from scipy.special import stdtrit

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
_FAR = 1e3


def reach(error: ArrayLike, freedom: ArrayLike, tail: float) -> Vector:
    """How far an interval reaches from its estimate if it leaves out `tail` on that side."""
    return np.asarray(-stdtrit(freedom, tail) * np.asarray(error))


def standard_errors(n: ArrayLike, sd: ArrayLike) -> tuple[Vector, Vector]:
    """Standard errors of means of `n` values, and degrees of freedom; both NaN below two values."""
    n = np.asarray(n, np.float64)
    enough = n > 1
    error = np.where(enough, np.asarray(sd, np.float64) / np.sqrt(np.where(enough, n, 1)), np.nan)
    return error, np.where(enough, n - 1, np.nan)


def crossing(p: Callable[[float], float], alpha: float, start: float, direction: float) -> float:
    """Where `p` falls to alpha, going from `start` in a direction, 1 or -1; infinite where it never does."""

    def excess(way: float) -> float:
        return p(start + direction * way) - alpha

    reach = 1e-3
    while excess(reach) > 0:
        reach *= 2
        if reach > _FAR:
            return direction * math.inf
    if not excess(0.0) > 0:
        return start
    return start + direction * float(root_scalar(excess, bracket=(0.0, reach), xtol=1e-12).root)
