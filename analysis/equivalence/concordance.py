"""How close pairs lie to the line of identity: Lin's concordance correlation coefficient."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from analysis.equivalence.inputs import Vector, level, pair
from analysis.equivalence.statistic import Question, Row, Statistic, ends
from analysis.equivalence.student import UNDEFINED, Interval, reach
from analysis.formats import number


@dataclass(frozen=True)
class Concordance:
    """Lin's coefficient `ccc` = `pearson` x `bias_correction`, with Lin's interval and the jackknife's."""

    n: int
    ccc: float
    interval: Interval
    jackknife: Interval
    pearson: float
    bias_correction: float


def concordance(x: ArrayLike, y: ArrayLike, confidence: float = 0.95) -> Concordance:
    """Lin's concordance correlation coefficient (1989, eq. 2), how close pairs lie to the line of identity.

    Both arrays have shape (configurations,). Moments divide by n. Both intervals are on Fisher's z. `interval` has the
    variance of Lin 1989 (eq. 4) as corrected in 2000 (Biometrics 56:324), which assumes normal pairs: with heavy tails
    or skew it is far too short, however many pairs there are. `jackknife` assumes no distribution (Feng et al. 2014,
    J. Biopharm. Stat. 24:272) and comes closer there, if not to its confidence. Identical arrays that vary have
    coefficient 1 and points for intervals; where a side does not vary, all but the coefficient is NaN, and where
    all values are one, that too. Raises ValueError for malformed arrays.
    """
    a, b = pair(x, y, ("x", "y"))
    level(confidence, "confidence", upper=1)
    nothing, n = Interval(UNDEFINED, UNDEFINED, confidence), len(a)
    if n < 2 or np.ptp(np.r_[a, b]) == 0:
        return Concordance(n, UNDEFINED, nothing, nothing, UNDEFINED, UNDEFINED)
    da, db = a - a.mean(), b - b.mean()
    vary_a, vary_b, together = float(da @ da) / n, float(db @ db) / n, float(da @ db) / n
    geometric = np.sqrt(vary_a) * np.sqrt(vary_b)
    if geometric == 0 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return Concordance(n, 0.0, nothing, nothing, UNDEFINED, UNDEFINED)
    if np.array_equal(a, b):
        point = Interval(1.0, 1.0, confidence)
        return Concordance(n, 1.0, point, point, 1.0, 1.0)
    shift = float(a.mean() - b.mean()) ** 2 / geometric
    pearson = float(np.clip(together / geometric, -1, 1))
    correction = float(2 / (np.sqrt(vary_a / vary_b) + np.sqrt(vary_b / vary_a) + shift))
    ccc = pearson * correction
    if n < 3 or abs(ccc) >= 1:
        return Concordance(n, ccc, nothing, nothing, pearson, correction)
    return Concordance(
        n,
        ccc,
        _around(ccc, float(ndtri((1 + confidence) / 2)) * _lin_error(n, pearson, correction, shift), confidence),
        _around(ccc, float(reach(_jackknife_error(da, b - a.mean()), n - 1, (1 - confidence) / 2)), confidence),
        pearson,
        correction,
    )


def _around(ccc: float, half: float, confidence: float) -> Interval:
    z = np.arctanh(ccc)
    return Interval(float(np.tanh(z - half)), float(np.tanh(z + half)), confidence)


def _lin_error(n: int, pearson: float, correction: float, shift: float) -> float:
    """Lin's standard error of z; `shift` is his u^2. In terms of C_b = ccc / pearson it is defined at 0 too."""
    ccc = pearson * correction
    spare = 1 - ccc**2
    variance = (
        (1 - pearson**2) * correction**2 / spare
        + 2 * ccc**2 * correction * (1 - ccc) * shift / spare**2
        - ccc**2 * correction**2 * shift**2 / (2 * spare**2)
    ) / (n - 2)
    # Pairs on one line can leave rounding below zero.
    return max(variance, 0.0) ** 0.5


def _jackknife_error(a: Vector, b: Vector) -> float:
    """The standard error of z from leaving out each pair in turn."""
    rest = len(a) - 1
    mean_a, mean_b = (a.sum() - a) / rest, (b.sum() - b) / rest
    squares = (a @ a - a**2 + b @ b - b**2) / rest - mean_a**2 - mean_b**2
    together = (a @ b - a * b) / rest - mean_a * mean_b
    whole = squares + (mean_a - mean_b) ** 2
    if not (np.abs(2 * together) < whole).all():
        return UNDEFINED
    z = np.arctanh(2 * together / whole)
    return float(np.sqrt(rest / len(a) * ((z - z.mean()) ** 2).sum()))


CONCORDANCE = Statistic(
    "concordance",
    lambda of: concordance(of.sequential, of.parallel),
    (
        Row(
            Question.AGREEMENT,
            "Lin's concordance of log losses",
            lambda found: f"{number(found.ccc)} {ends(found.jackknife)}",
        ),
    ),
)
