"""Bootstrap of a mean over configurations."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from analysis.equivalence.inputs import Vector, level, vector
from analysis.equivalence.statistic import Row, Statistic, Topic, as_ratio
from analysis.equivalence.student import UNDEFINED, Interval

_CHUNK = 1 << 19


@dataclass(frozen=True)
class Bootstrap:
    """A mean with its bootstrap standard error and intervals."""

    n: int
    estimate: float
    standard_error: float
    percentile: Interval
    bca: Interval


def cluster_bootstrap(
    values: ArrayLike, draws: int = 10_000, seed: int | np.random.Generator = 0, confidence: float = 0.90
) -> Bootstrap:
    """Resample configurations; percentile and BCa intervals of the mean (Efron 1987, section 3).

    `values` has shape (configurations,), seeds averaged: a configuration enters or leaves whole. Seeds are not
    resampled within it, which would count their noise twice (Davison & Hinkley 1997, section 3.8); for pairs with
    unbalanced seeds, `configuration_means` gives the values that weigh configurations alike. One seed gives one
    result. Below some fifty configurations both intervals are too short, where Student's is not: resampling leaves out
    the factor n / (n - 1) of the variance and the tails of t. Identical values give a point; fewer than two, NaN.
    Raises ValueError for malformed values.
    """
    array = vector(values)
    level(confidence, "confidence", upper=1)
    n = len(array)
    mean = float(array.mean()) if n else UNDEFINED
    if n < 2:
        nothing = Interval(UNDEFINED, UNDEFINED, confidence)
        return Bootstrap(n, mean, UNDEFINED, nothing, nothing)
    if np.ptp(array) == 0:
        point = Interval(float(array[0]), float(array[0]), confidence)
        return Bootstrap(n, float(array[0]), 0.0, point, point)
    means = _resampled_means(array, draws, np.random.default_rng(seed))
    tails = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    return Bootstrap(
        n,
        mean,
        float(means.std(ddof=1)),
        Interval(*_quantiles(means, tails), confidence),
        Interval(*_quantiles(means, _bca_tails(array, mean, means, tails)), confidence),
    )


def _resampled_means(values: Vector, draws: int, generator: np.random.Generator) -> Vector:
    n = len(values)
    rows = max(1, _CHUNK // n)
    means = np.empty(draws)
    for start in range(0, draws, rows):
        part = means[start : start + rows]
        part[:] = values[generator.integers(0, n, (len(part), n))].mean(axis=1)
    return means


def _bca_tails(values: Vector, mean: float, means: Vector, tails: Vector) -> Vector:
    """Tails corrected for bias and acceleration (Efron 1987, eq. 3.8, 6.6)."""
    bias = float(ndtri(((means < mean).mean() + (means <= mean).mean()) / 2))
    if not np.isfinite(bias):
        # All draws lie on one side of the mean, which takes very few of them.
        return np.full(2, np.nan)
    # The jackknife's influence values of a mean are the deviations; their scale drops out, and must not underflow.
    influence = (values - mean) / np.abs(values - mean).max()
    acceleration = (influence**3).sum() / (6 * (influence**2).sum() ** 1.5)
    shifted = bias + ndtri(tails)
    return ndtr(bias + shifted / (1 - acceleration * shifted))


def _quantiles(means: Vector, tails: Vector) -> tuple[float, float]:
    if np.isnan(tails).any():
        return UNDEFINED, UNDEFINED
    low, high = np.quantile(means, tails)
    return float(low), float(high)


BOOTSTRAP = Statistic(
    "bootstrap",
    # Sorted, so that the order of the rows draws nothing else.
    lambda of, margin: cluster_bootstrap(np.sort(of.means)),
    (Row(Topic.SIZE, "cluster bootstrap, BCa 90 %", lambda found: as_ratio(found.estimate, found.bca)),),
)
