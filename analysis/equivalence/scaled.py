"""Equivalence against the noise of seeds: a margin that is itself estimated."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri, stdtrit

from analysis.equivalence.inputs import codes, groups, level, moments, vector
from analysis.equivalence.roots import root
from analysis.equivalence.statistic import Question, Row, Statistic
from analysis.equivalence.student import UNDEFINED, standard_errors
from analysis.formats import number, p_is, percent

_SMALLEST = 1e-15


@dataclass(frozen=True)
class SeedNoise:
    """Standard deviation of one training's value when only the seed changes, with its degrees of freedom."""

    sd: float
    degrees_of_freedom: float


@dataclass(frozen=True)
class ScaledTost:
    """Whether |mean| < `multiple` x seed noise. `margin` is that product as estimated.

    `bound` is the upper bound at confidence 1 - alpha of mean^2 - (multiple x noise)^2: equivalence is shown where
    it is below zero, which is where `p` < alpha.
    """

    n: int
    estimate: float
    margin: float
    multiple: float
    bound: float
    p: float


def seed_noise(values: ArrayLike, configuration: ArrayLike, arm: ArrayLike) -> SeedNoise:
    """Pooled standard deviation over seeds within (configuration, arm), each configuration weighing alike.

    All three have shape (trials,). A configuration's variance is the mean of its arms' variances; arms with one
    seed have none. Degrees of freedom follow Satterthwaite (1946), 2 V^2 / var(V), with var(V) from the spread of
    the configurations' variances: so unequal variances, heavy tails and arms that share seeds all count. They are
    at most those of equal normal variances, since a spread seen in few configurations is often too small. With
    one configuration they are NaN. Raises ValueError for malformed arrays.
    """
    y = vector(values)
    place, side = codes(configuration, len(y)), codes(arm, len(y), "arm")
    if len(y) == 0:
        return SeedNoise(UNDEFINED, UNDEFINED)
    _, first, cell = np.unique(place * (side.max() + 1) + side, return_index=True, return_inverse=True)
    cells = groups(y, cell.astype(np.intp))
    repeated = cells.n > 1
    if not repeated.any():
        return SeedNoise(UNDEFINED, UNDEFINED)
    owner = place[first][repeated]
    variance = groups(cells.squares[repeated] / (cells.n[repeated] - 1), codes(owner, len(owner))).mean
    count, mean, spread = moments(variance)
    most = float((cells.n[repeated] - 1).sum())
    if count < 2 or mean == 0:
        return SeedNoise(mean**0.5, UNDEFINED)
    return SeedNoise(mean**0.5, min(most, 2 * mean**2 * count / spread**2) if spread else most)


def scaled_tost(values: ArrayLike, noise: SeedNoise, multiple: float = 1.0, alpha: float = 0.05) -> ScaledTost:
    """Equivalence within a multiple of the seed noise: H0 |mean| >= multiple x noise.

    The linearised criterion mean^2 - multiple^2 noise^2 has the upper bound of Howe (1974) from the bounds of its
    two parts, as Hyslop, Hsuan & Holder (2000, Stat. Med. 19:2885, section 3) use it for individual bioequivalence;
    `p` is the alpha at which the bound meets zero. `values` has shape (configurations,).

    The noise enters as estimated, so the test keeps its level where comparing with the plug-in margin does not. It
    is conservative where the margin is not well above the standard error of the mean, as every TOST is. It is
    anti-conservative where mean and noise are not independent: few configurations with skewed values, or noise that
    grows with the difference; and where the noise has so few degrees of freedom that they are misjudged.
    Where either part is undefined, p is NaN; without noise, 1. Raises ValueError for malformed values.
    """
    level(alpha)
    n, mean, sd = moments(vector(values))
    margin = multiple * noise.sd
    error, freedom = (float(each) for each in standard_errors(n, sd))
    parts = (abs(mean), error, freedom, margin**2, noise.degrees_of_freedom)
    if margin == 0 and n > 1:
        return ScaledTost(n, mean, margin, multiple, (abs(mean) - float(stdtrit(freedom, alpha)) * error) ** 2, 1.0)
    if np.isnan(parts).any():
        return ScaledTost(n, mean, margin, multiple, UNDEFINED, UNDEFINED)
    return ScaledTost(n, mean, margin, multiple, _bound(alpha, *parts), _p(*parts))


def _bound(tail: float, mean: float, error: float, freedom: float, square: float, noise_freedom: float) -> float:
    """One-sided bound of mean^2 - square, above it for a tail below one half and below it otherwise."""
    upper = tail < 0.5
    quantile = -float(stdtrit(freedom, tail)) * error
    # chdtri takes the upper tail: the margin's square is at least this at confidence 1 - tail.
    margin = square * noise_freedom / float(chdtri(noise_freedom, tail)) if np.isfinite(noise_freedom) else square
    if upper:
        excess = np.hypot((mean + quantile) ** 2 - mean**2, max(square - margin, 0.0))
        return float(mean**2 - square + excess)
    excess = np.hypot(mean**2 - max(mean + quantile, 0.0) ** 2, max(margin - square, 0.0))
    return float(mean**2 - square - excess)


def _p(*parts: float) -> float:
    """The tail at which the bound meets zero."""
    low, high = (_SMALLEST, np.nextafter(0.5, 0)), (0.5, 1 - _SMALLEST)
    if _bound(low[0], *parts) < 0:
        return 0.0
    if _bound(low[1], *parts) < 0:
        return _root(*low, parts)
    if _bound(high[0], *parts) <= 0:
        return 0.5
    return _root(*high, parts) if _bound(high[1], *parts) < 0 else 1.0


def _root(low: float, high: float, parts: tuple[float, ...]) -> float:
    return root(lambda tail: _bound(tail, *parts), low, high)


SEED_NOISE = Statistic(
    "seed_noise",
    lambda of: of.noise,
    (
        Row(
            Question.SEEDS,
            "spread among seeds (SD of log loss)",
            lambda found: f"{percent(found.sd)}, {number(found.degrees_of_freedom, 0)} degrees of freedom",
        ),
    ),
)
SEED_NOISE_TOST = Statistic(
    "seed_noise_tost",
    lambda of: scaled_tost(of.means, of.noise, of.multiple),
    (Row(Question.SEEDS, "seed-noise TOST", lambda found: f"{p_is(found.p)} against {percent(found.margin)}"),),
)
