"""How far apart the two sides of a pair may be: Bland & Altman's limits of agreement."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import nctdtrit, ndtri

from analysis.equivalence.inputs import Vector, level, moments, pair
from analysis.equivalence.statistic import Question, Row, Statistic
from analysis.equivalence.student import UNDEFINED, Interval, reach, standard_errors, two_tails
from analysis.formats import DASH, number, p_is


@dataclass(frozen=True)
class BlandAltman:
    """Limits between which 95 % of the differences parallel - sequential lie.

    `slope` is that of the difference on the mean of the two sides, by least squares: far from zero, the bias is
    proportional and one pair of limits does not serve the whole range. Its p equals that of Pitman's (1939) test
    that the sides vary alike.
    """

    n: int
    bias: float
    bias_interval: Interval
    sd: float
    limits: Interval
    lower_limit: Interval
    upper_limit: Interval
    slope: float
    slope_p: float


def bland_altman(sequential: ArrayLike, parallel: ArrayLike, confidence: float = 0.95) -> BlandAltman:
    """Limits of agreement (Bland & Altman 1986): bias -+ 1.96 SD of the differences, each with its interval.

    Both arrays have shape (configurations,). On log losses the limits are log ratios. The limits' intervals are exact
    for normal differences, by the noncentral t (Carkeet 2015), not the approximation of Bland & Altman 1999. The
    slope is NaN below three values and where the means do not vary. Raises ValueError for malformed arrays.
    """
    x, y = pair(sequential, parallel, ("sequential", "parallel"))
    level(confidence, "confidence", upper=1)
    n, bias, sd = moments(y - x)
    error, freedom = (float(each) for each in standard_errors(n, sd))
    half = float(reach(error, freedom, (1 - confidence) / 2))
    normal = float(ndtri(0.975))
    tails = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    far = nctdtrit(freedom, normal * n**0.5, tails) * error if n > 1 else np.full(2, np.nan)
    slope, slope_p = _slope((x + y) / 2, y - x)
    return BlandAltman(
        n=n,
        bias=bias,
        bias_interval=Interval(bias - half, bias + half, confidence),
        sd=sd,
        limits=Interval(bias - normal * sd, bias + normal * sd, 0.95),
        lower_limit=Interval(bias - float(far[1]), bias - float(far[0]), confidence),
        upper_limit=Interval(bias + float(far[0]), bias + float(far[1]), confidence),
        slope=slope,
        slope_p=slope_p,
    )


def _slope(x: Vector, y: Vector) -> tuple[float, float]:
    """The slope of y on x by least squares, and the two-sided p that it is zero."""
    if len(x) < 3:
        return UNDEFINED, UNDEFINED
    dx, dy = x - x.mean(), y - y.mean()
    if np.ptp(x) == 0 or dx @ dx == 0:
        return UNDEFINED, UNDEFINED
    if np.ptp(y) == 0:
        return 0.0, 1.0
    slope = float(dx @ dy / (dx @ dx))
    rest = dy - slope * dx
    freedom = len(x) - 2
    return slope, float(two_tails(slope, np.sqrt(rest @ rest / freedom / (dx @ dx)), freedom))


def _limits(found: BlandAltman) -> str:
    if not math.isfinite(found.limits.low):
        return DASH
    return f"{number(math.exp(found.limits.low))} to {number(math.exp(found.limits.high))}"


AGREEMENT = Statistic(
    "agreement",
    lambda of: bland_altman(of.sequential, of.parallel),
    (
        Row(Question.AGREEMENT, "limits of agreement (95 %)", _limits),
        Row(
            Question.AGREEMENT,
            "slope of the ratio on the loss",
            lambda found: f"{number(found.slope)} ({p_is(found.slope_p)})",
        ),
    ),
)
