"""Means over the seeds of one network, and differences paired by seed, with intervals."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from analysis.arrays import Array
from analysis.equivalence.mean import Difference, Estimate, difference, reach

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
    array = np.where(np.isfinite(array), array, np.nan)
    n = np.isfinite(array).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.nansum(array, axis=0) / n
        error = np.sqrt(np.nansum((array - mean) ** 2, axis=0) / (n - 1)) / np.sqrt(n)
        half = reach(error, n - 1, (1 - CONFIDENCE) / 2)
    lowest, highest = (end.reduce(array, axis=0, initial=np.nan) for end in (np.fmin, np.fmax))
    return OverSeeds(n, mean, mean - half, mean + half, lowest, highest)


def over_zero(values: ArrayLike) -> Difference:
    """The mean of values, one per seed, against zero, by Student's t; only finite values count."""
    array = np.asarray(values, dtype=float)
    return difference(array[np.isfinite(array)])


def paired(first: Mapping[Any, float], second: Mapping[Any, float]) -> Difference:
    """First minus second, paired by their keys, such as seeds; see `over_zero`."""
    return over_zero([first[key] - second[key] for key in sorted(first.keys() & second.keys())])


def apart(first: ArrayLike, second: ArrayLike) -> Difference:
    """The mean of `first` minus that of `second`, one value per seed, where the draws of either are independent.

    By Welch's t (1947); only finite values count, and `n` is the number of the smaller side.
    """
    sides = [over_zero(each) for each in (first, second)]
    estimate, n = sides[0].estimate - sides[1].estimate, min(side.n for side in sides)
    squares = [side.standard_error**2 for side in sides]
    spread = sum(square**2 / side.degrees_of_freedom for square, side in zip(squares, sides, strict=True))
    freedom = sum(squares) ** 2 / spread if spread > 0 else sum(side.degrees_of_freedom for side in sides)
    return Difference(estimate, math.sqrt(sum(squares)), freedom, n=n)
