"""What a plan can show before it is run: the power to show equivalence, and the difference that it would detect."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri, ndtr, stdtrit

from analysis.equivalence.contrast import LEAST_FREEDOM, LEAST_SEEDS
from analysis.equivalence.inputs import level

_POINTS = 400
WANTED = 0.8
"""The power that a detectable difference is shown with."""


@dataclass(frozen=True)
class Power:
    """Of configurations with so many nested seeds each, where log ratios differ among seeds by `noise`.

    `equivalence` is the chance to show equivalence where there is no difference at all, `detectable` the log ratio that
    is shown to differ from 0 with a power of 0.8. `enough` says whether there are enough seeds for a verdict.
    """

    configurations: int
    seeds: int
    noise: float
    equivalence: float
    detectable: float
    enough: bool


def power(configurations: int, seeds: int, noise: float, margin: float, alpha: float) -> Power:
    """The power of the tests of this grid's mean at `alpha`, for normal noise of that standard deviation.

    Raises ValueError for a count below 1, and for noise or a margin that is not above 0.
    """
    if min(configurations, seeds) < 1 or not (noise > 0 and margin > 0):
        raise ValueError("power takes counts of at least 1, and noise and a margin above 0")
    level(alpha)
    freedom = configurations * (seeds - 1)
    enough = seeds >= LEAST_SEEDS and freedom >= LEAST_FREEDOM
    if not freedom:
        return Power(configurations, seeds, noise, math.nan, math.nan, enough=False)
    error = noise / math.sqrt(configurations * seeds)
    # Over the distribution of the estimated variance, at its mid-quantiles.
    tails = (np.arange(_POINTS) + 0.5) / _POINTS
    estimated = error * np.sqrt(chdtri(freedom, tails) / freedom)
    room = margin - float(stdtrit(freedom, 1 - alpha)) * estimated
    shown = np.where(room > 0, 2 * ndtr(room / error) - 1, 0.0)
    reach = float(stdtrit(freedom, 1 - alpha / 2)) + float(stdtrit(freedom, WANTED))
    return Power(configurations, seeds, noise, float(shown.mean()), reach * error, enough)
