"""Paths through one network by their length: mean norms, contributions, the effective band, and how norms fall (P2).

A path of length k goes through the branches of k blocks and the skips of the others. What a length contributes is the
number of its paths times the mean norm that arrives at the input along one of them. Numbers of paths exceed 2^50, so
counts and contributions are kept as natural logarithms.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.arrays import Array

Z = 1.959963984540054
BAND = (0.05, 0.95)
"""Quantiles of the contribution that bound the effective band. Where P2 put its own is not known; these are ours."""
LEAST_LENGTHS = 3
"""Fewer path lengths do not show how norms fall."""
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Norms:
    """Mean gradient norm by path length, arrays of (lengths,).

    `low` and `high` bound the mean at 95 %: normal on the log scale, the standard error of the log taken as that of
    the mean over the mean, so that draws of norm zero count and the ends stay above zero. NaN where they are unknown.
    """

    length: Array
    draws: Array
    zeros: Array
    mean: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class Band:
    """Path lengths `low` to `high`, ends included, with their share of the contribution and of all paths."""

    low: int
    high: int
    contribution: float
    paths: float


@dataclass(frozen=True)
class Profile:
    """One network: arrays of (lengths,) over the path lengths that were measured.

    `paths` and `contribution` are shares, of all paths and of the measured contribution.
    """

    norms: Norms
    paths: Array
    contribution: Array
    longest: int
    """The longest path: all blocks of a sequential network, one of a parallel one."""
    mean_length: float
    """Of all paths."""
    effective_length: float
    """Of paths weighed by their contribution."""
    band: Band
    slope: float
    r_squared: float


def summarise(length: ArrayLike, norm: ArrayLike) -> Norms:
    """Means over draws; both arrays are of (draws,). Norms that are not finite are left out."""
    norms = np.asarray(norm, np.float64)
    known = np.isfinite(norms)
    norms = norms[known]
    lengths, code, draws = np.unique(np.asarray(length)[known], return_inverse=True, return_counts=True)
    mean = np.bincount(code, norms) / draws
    # Relative to the mean, so that the squares of tiny norms do not vanish.
    relative = np.divide(norms, mean[code], out=np.ones_like(norms), where=mean[code] > 0)
    error = np.sqrt(np.bincount(code, (relative - 1) ** 2) / np.maximum(draws - 1, 1) / draws)
    error[(draws < 2) | (mean == 0)] = np.nan
    zeros = np.bincount(code, norms == 0)
    return Norms(lengths, draws, zeros, mean, mean * np.exp(-Z * error), mean * np.exp(Z * error))


def profile(norms: Norms, log_paths: Mapping[int, float]) -> Profile:
    """Norms and numbers of paths together; `log_paths` has the logarithm of the number of paths of each length.

    Raises ValueError where no length has both, or no norm is above zero.
    """
    every = np.array(sorted(log_paths))
    logs = np.array([log_paths[length] for length in every.tolist()])
    counted = np.isin(norms.length, every)
    norms = Norms(**{name: each[counted] for name, each in vars(norms).items()})
    if not (norms.mean > 0).any():
        raise ValueError("there is no path length with a count and a norm above zero.")
    of_all, place = _shares(logs), np.searchsorted(every, norms.length)
    paths = of_all[place]
    with np.errstate(divide="ignore"):
        contribution = _shares(logs[place] + np.log(norms.mean))
    lengths = int(every[-1]), float(every @ of_all), float(norms.length @ contribution)
    band = effective_band(norms.length, contribution, paths)
    return Profile(norms, paths, contribution, *lengths, band, *decay(norms.length, norms.mean))


def effective_band(length: Array, contribution: Array, paths: Array) -> Band:
    """The central interval of lengths that holds at least 90 % of the contribution; all arrays are of (lengths,).

    Less than 5 % lies below it and at most 5 % above.
    """
    reached = np.cumsum(contribution) / contribution.sum()
    low, high = (int(np.flatnonzero(reached >= share - _ROUNDING)[0]) for share in BAND)
    inside = slice(low, high + 1)
    return Band(int(length[low]), int(length[high]), float(contribution[inside].sum()), float(paths[inside].sum()))


def decay(length: Array, mean: Array) -> tuple[float, float]:
    """How mean norms fall, each of (lengths,): the slope of their logarithm per block and the R² of that straight line.

    Lengths of norm zero are left out; NaN below three lengths.
    """
    shown = mean > 0
    x, y = length[shown], np.log(mean[shown])
    if len(x) < LEAST_LENGTHS:
        return np.nan, np.nan
    x, y = x - x.mean(), y - y.mean()
    slope = float(x @ y / (x @ x))
    total = float(y @ y)
    return slope, 1 - float(np.sum((y - slope * x) ** 2)) / total if total > 0 else np.nan


def _shares(logs: Array) -> Array:
    """Shares of the total, from logarithms."""
    parts = np.exp(logs - logs.max())
    return parts / parts.sum()
