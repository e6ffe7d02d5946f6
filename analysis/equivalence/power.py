"""What a plan can show before it is run: the power to show equivalence, and the difference that it would detect."""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import root_scalar
from scipy.special import chdtri, ndtr, stdtrit

from analysis.equivalence.contrast import LEAST_FREEDOM, LEAST_SEEDS, contrasts
from analysis.equivalence.design import of_grid
from analysis.equivalence.inputs import level

WANTED = 0.8
"""The power that a detectable difference is shown with."""
_POINTS, _DRAWS = 400, 1000


@dataclass(frozen=True)
class Power:
    """Of configurations with so many seeds each, where log ratios differ among seeds by `noise`.

    `equivalence` is the chance to show equivalence where there is no difference at all, `detectable` the log ratio that
    is shown to differ from 0 with a power of 0.8. `enough` says whether there are enough seeds for a verdict.
    """

    configurations: int
    seeds: int
    noise: float
    equivalence: float
    detectable: float
    enough: bool


def power(configurations: int, seeds: int, noise: float, margin: float, alpha: float, crossed: bool = False) -> Power:
    """The power of the tests of this grid's mean at `alpha`, for normal noise of that standard deviation.

    Crossed seeds may share all of their noise, so more configurations are taken to buy nothing. Where few degrees of
    freedom are left, the tests are tried on drawn noise: their correction for skewness costs power there. Raises
    ValueError for a count below 1, and for noise or a margin that is not above 0.
    """
    if min(configurations, seeds) < 1 or not (noise > 0 and margin > 0):
        raise ValueError("power takes counts of at least 1, and noise and a margin above 0")
    level(alpha)
    pieces = 1 if crossed else configurations
    freedom = pieces * (seeds - 1)
    enough = seeds >= LEAST_SEEDS and (crossed or freedom >= LEAST_FREEDOM)
    if not freedom:
        return Power(configurations, seeds, noise, math.nan, math.nan, enough=False)
    known = _computed if freedom >= LEAST_FREEDOM else _tried
    return Power(configurations, seeds, noise, *known(pieces, seeds, noise, margin, alpha), enough)


def _computed(pieces: int, seeds: int, noise: float, margin: float, alpha: float) -> tuple[float, float]:
    """Power and detectable difference of Student's t."""
    freedom, error = pieces * (seeds - 1), noise / math.sqrt(pieces * seeds)
    # Over the distribution of the estimated variance, at its mid-quantiles.
    tails = (np.arange(_POINTS) + 0.5) / _POINTS
    estimated = error * np.sqrt(chdtri(freedom, tails) / freedom)
    room = margin - float(stdtrit(freedom, 1 - alpha)) * estimated
    shown = np.where(room > 0, 2 * ndtr(room / error) - 1, 0.0)
    reach = float(stdtrit(freedom, 1 - alpha / 2)) + float(stdtrit(freedom, WANTED))
    return float(shown.mean()), reach * error


def _tried(pieces: int, seeds: int, noise: float, margin: float, alpha: float) -> tuple[float, float]:
    """The same of the tests themselves, over draws that are the same each time."""
    drawn = np.random.default_rng(0).normal(0, noise, (_DRAWS, pieces * seeds))
    unit, seed = np.repeat(np.arange(pieces), seeds), np.tile(np.arange(seeds), pieces)
    means = [of_grid(contrasts(values, unit, seed, crossed=False)) for values in drawn]
    shown = np.mean([mean.p_inside(-margin, margin) < alpha for mean in means])

    def lacking(shift: float) -> float:
        found = np.mean([replace(mean, estimate=mean.estimate + shift).p < alpha for mean in means])
        return float(found) - WANTED

    most = noise
    while lacking(most) < 0:
        most *= 2
    return float(shown), float(root_scalar(lacking, bracket=(0.0, most), xtol=1e-3 * most).root)
