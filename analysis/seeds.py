"""Means over the seeds of one network, and differences paired by seed, with intervals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from analysis.arrays import Array
from analysis.equivalence.student import UNDEFINED, reach, standard_errors
from analysis.equivalence.tost import Difference, difference_test

CONFIDENCE = 0.95
LEAST_SEEDS = 3
"""Fewer seeds show nothing."""
LEVEL = 0.01
"""What a test of few seeds has to reach for 5 % to hold.

From simulations with known truth, `benchmarks/simulation/few_seeds.py`. At 5 %, three to eight paired seeds call arms
equivalent at the edge of the margin in up to 23 %, and different without a difference in the mean in up to 25 %, where
the arms differ in spread and skew. At 1 %, three and four seeds keep 5 % in all that was drawn; with five and eight,
mishaps of one seed in ten do not, as they are often not seen, nor with eight the strongest skew. Errors that spread by
three points rather than one keep it with three seeds alone.
"""


class Estimate(NamedTuple):
    """A value with the ends of its interval, which are NaN where there is none."""

    value: float
    low: float = UNDEFINED
    high: float = UNDEFINED

    @classmethod
    def of(cls, found: Difference) -> "Estimate":
        """The mean difference with its interval."""
        return cls(found.estimate, found.interval.low, found.interval.high)


@dataclass(frozen=True)
class OverSeeds:
    """Over the `n` seeds with a value: mean, its 95 % t interval, lowest and highest value; arrays of one shape.

    Below two seeds the interval is NaN, and without any seed everything but `n`.
    """

    n: Array
    mean: Array
    low: Array
    high: Array
    lowest: Array
    highest: Array

    def at(self, *place: int) -> Estimate:
        """The mean with its interval at one place of the arrays."""
        return Estimate(float(self.mean[place]), float(self.low[place]), float(self.high[place]))

    @property
    def band(self) -> Array:
        """Mean, lowest and highest value, (3, ...), as a figure shows them."""
        return np.array([self.mean, self.lowest, self.highest])


def over_seeds(values: ArrayLike) -> OverSeeds:
    """Summary along the first axis of `values`, (seeds, ...); NaN is a seed without a value."""
    array = np.asarray(values, dtype=float)
    known = np.isfinite(array)
    n = known.sum(axis=0)
    none = n == 0
    some = np.where(none, 1, n)
    mean = np.where(none, np.nan, np.where(known, array, 0.0).sum(axis=0) / some)
    squares = np.where(known, array - mean, 0.0) ** 2
    error, freedom = standard_errors(n, np.sqrt(squares.sum(axis=0) / np.where(n > 1, n - 1, 1)))
    half = reach(error, freedom, (1 - CONFIDENCE) / 2)
    lowest = np.where(none, np.nan, np.where(known, array, np.inf).min(axis=0, initial=np.inf))
    highest = np.where(none, np.nan, np.where(known, array, -np.inf).max(axis=0, initial=-np.inf))
    return OverSeeds(n, mean, mean - half, mean + half, lowest, highest)


def over_zero(values: ArrayLike) -> Difference:
    """The mean of values, one per seed, against zero, with its 95 % t interval; only finite values count."""
    array = np.asarray(values, dtype=float)
    return difference_test(array[np.isfinite(array)], 1 - CONFIDENCE)


def paired(first: Mapping[Any, float], second: Mapping[Any, float]) -> Difference:
    """First minus second, paired by their keys, such as seeds; see `over_zero`."""
    return over_zero([first[key] - second[key] for key in sorted(first.keys() & second.keys())])
