"""Effect sizes of the difference parallel - sequential, and how often parallel is better."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, nctdtr, stdtrit
from scipy.stats import rankdata

from analysis.equivalence.inputs import Vector, codes, groups, level, moments, vector
from analysis.equivalence.roots import root
from analysis.equivalence.statistic import Question, Row, Statistic, ends
from analysis.equivalence.student import UNDEFINED, Interval
from analysis.formats import number


@dataclass(frozen=True)
class EffectSizes:
    """Cohen's d_z with its interval, Hedges' unbiased g, and the matched-pairs rank-biserial correlation.

    Above zero, sequential is better.
    """

    n: int
    d: float
    interval: Interval
    g: float
    rank_biserial: float


@dataclass(frozen=True)
class ProbabilityBetter:
    """The probability that parallel is better, its standard error and interval over configurations."""

    configurations: int
    pairs: int
    probability: float
    standard_error: float
    interval: Interval


def effect_sizes(values: ArrayLike, confidence: float = 0.95) -> EffectSizes:
    """Standardised sizes of the mean of `values`, shape (configurations,).

    d_z is mean / SD (Cohen 1988, section 2.3.5) with the interval of the noncentral t (Cumming & Finch 2001); g is
    d_z times the exact correction of Hedges (1981, eq. 6e) on n - 1 degrees of freedom; the rank-biserial
    correlation is the difference of the shares of rank sums, zeros left out (Kerby 2014). NaN without variance, and
    the last where all values are zero. Raises ValueError for malformed values.
    """
    array = vector(values)
    level(confidence, "confidence", upper=1)
    n, mean, sd = moments(array)
    if n < 2 or sd == 0:
        nothing = Interval(UNDEFINED, UNDEFINED, confidence)
        return EffectSizes(n, UNDEFINED, nothing, UNDEFINED, _rank_biserial(array))
    d = mean / sd
    half = (n - 1) / 2
    correction = float(np.exp(gammaln(half) - gammaln(half - 0.5))) / half**0.5
    tails = (1 + confidence) / 2, (1 - confidence) / 2
    low, high = (_noncentrality(n - 1, d * n**0.5, tail) / n**0.5 for tail in tails)
    return EffectSizes(n, d, Interval(low, high, confidence), d * correction, _rank_biserial(array))


def _noncentrality(freedom: int, t: float, below: float) -> float:
    """The noncentrality at which a share `below` of the noncentral t lies below `t`."""
    if t < 0:
        # nctdtr is NaN at some negative t far in the tail.
        return -_noncentrality(freedom, -t, 1 - below)

    def excess(noncentrality: float) -> float:
        return float(nctdtr(freedom, noncentrality, t)) - below

    width = 8 * (1 + abs(t) / freedom**0.5)
    # SciPy's own inverse, nctdtrinc, is good to six digits only.
    return root(excess, t - width, t + width)


def _rank_biserial(values: Vector) -> float:
    nonzero = values[values != 0]
    if len(nonzero) == 0:
        return UNDEFINED
    ranks = rankdata(np.abs(nonzero))
    return float(np.sum(np.sign(nonzero) * ranks) / ranks.sum())


def probability_better(values: ArrayLike, configuration: ArrayLike, confidence: float = 0.90) -> ProbabilityBetter:
    """The probability that parallel is better for a configuration drawn from the grid and a new seed.

    `values`, shape (pairs,), are parallel - sequential; below zero parallel is better, ties count half. Each
    configuration's share of its pairs weighs alike; the standard error is that of the shares over configurations.
    The interval is Wilson's (1927) with the pairs' effective number, p (1 - p) / SE^2 (Korn & Graubard 1998), and
    Student's quantile: so it stays inside 0 to 1 and has a width at both. The effective number is at most the number
    of pairs, and that of configurations where all pairs agree. NaN below two configurations. Raises ValueError for
    malformed arrays.
    """
    array = vector(values)
    level(confidence, "confidence", upper=1)
    shares = groups((1 - np.sign(array)) / 2, codes(configuration, len(array))).mean
    n, p, sd = moments(shares)
    if n < 2:
        return ProbabilityBetter(n, len(array), p, UNDEFINED, Interval(UNDEFINED, UNDEFINED, confidence))
    error = sd / n**0.5
    effective = n if p in (0, 1) else min(p * (1 - p) / error**2, len(array)) if error else len(array)
    square = float(stdtrit(n - 1, (1 + confidence) / 2)) ** 2
    middle = (p + square / (2 * effective)) / (1 + square / effective)
    half = (square * (p * (1 - p) / effective + square / (4 * effective**2))) ** 0.5 / (1 + square / effective)
    # At 0 and 1 the formula gives these ends but for rounding.
    interval = Interval(0.0 if p == 0 else middle - half, 1.0 if p == 1 else middle + half, confidence)
    return ProbabilityBetter(n, len(array), p, error, interval)


EFFECTS = Statistic(
    "effects",
    lambda of: effect_sizes(of.means),
    (
        Row(
            Question.STANDARDISED_SIZE,
            "Cohen's d_z; Hedges' g",
            lambda found: f"{number(found.d, 2)} {ends(found.interval, 2)}; {number(found.g, 2)}",
        ),
        Row(Question.STANDARDISED_SIZE, "rank-biserial correlation", lambda found: number(found.rank_biserial, 2)),
    ),
)
PROBABILITY_BETTER = Statistic("probability_better", lambda of: probability_better(of.signs, of.signs_configuration))
