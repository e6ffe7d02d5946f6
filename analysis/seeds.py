"""Means over the seeds of one network, with intervals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.equivalence.student import reach, standard_errors
from analysis.sample import Array

CONFIDENCE = 0.95


@dataclass(frozen=True)
class OverSeeds:
    """Seeds with a value, their mean, its t interval at 95 %, and the lowest and highest value: arrays of one shape.

    The interval is NaN below two seeds, and everything but `n` without one.
    """

    n: Array
    mean: Array
    low: Array
    high: Array
    lowest: Array
    highest: Array


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
