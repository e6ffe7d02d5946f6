"""Contrasts of pairs under the design that they come from, and whether they are enough for a verdict."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.equivalence.inputs import Codes, Vector, codes, groups, vector

ROUNDING = 12
"""Decimals of a contrast that are told apart: anything finer is rounding of float64 arithmetic."""

MOST = 1e30
"""Contrasts beyond are taken to be this: nothing there can be told apart, and its powers stay finite."""

LEAST_FREEDOM = 48
"""Least degrees of freedom that nested seeds have to leave for a verdict, in configurations of three seeds or more."""
LEAST_SEEDS = 3
"""Least number of crossed seeds for a verdict, and of nested ones in a configuration that counts."""


@dataclass(frozen=True)
class Contrasts:
    """One value per configuration and seed, arrays of one length; see `contrasts`."""

    values: Vector
    configuration: Codes
    seed: Codes
    crossed: bool

    @property
    def configurations(self) -> int:
        """How many configurations there are."""
        return int(self.configuration.max(initial=-1)) + 1

    @property
    def means(self) -> Vector:
        """The mean of each configuration, over its seeds."""
        return groups(self.values, self.configuration).mean

    @property
    def seeds(self) -> int:
        """How many different seeds there are."""
        return len(np.unique(self.seed))

    @property
    def counted_freedom(self) -> int:
        """Degrees of freedom that nested seeds leave, in configurations with enough seeds to tell skewness."""
        n = np.bincount(self.configuration)
        return int((n[n >= LEAST_SEEDS] - 1).sum())


def enough_seeds(of: Contrasts) -> bool:
    """Whether seeds are enough for a verdict: below, tests err more often than they say under strong skew.

    Nested seeds are not where a configuration has a single one: its noise is unknown, and may be the largest.
    """
    if of.crossed:
        return of.seeds >= LEAST_SEEDS
    return of.counted_freedom >= LEAST_FREEDOM and int(np.bincount(of.configuration).min()) > 1


def contrasts(values: ArrayLike, configuration: ArrayLike, seed: ArrayLike, crossed: bool) -> Contrasts:
    """Contrasts of pairs, all three of shape (pairs,): the mean of each configuration and seed.

    Several pairs of one configuration and seed, as of several budgets, share their draws and are one piece of evidence.
    Raises ValueError for malformed arrays.
    """
    array = vector(np.clip(vector(values), -MOST, MOST))
    unit, code = codes(configuration, len(array)), codes(seed, len(array), "seed")
    cell, at = np.unique(np.stack([unit, code]), axis=1, return_inverse=True)
    means = groups(array, at.reshape(-1)).mean if len(array) else array
    return Contrasts(np.round(means, ROUNDING), cell[0].astype(np.intp), cell[1].astype(np.intp), crossed)
