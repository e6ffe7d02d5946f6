"""Wilcoxon's signed ranks: test, estimate, interval, equivalence. About the pseudo-median, not the mean."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

from analysis.equivalence.inputs import Margin, Vector, bounds, level, vector
from analysis.equivalence.signs import plus_sums
from analysis.equivalence.statistic import Row, Statistic, Topic, as_ratio
from analysis.equivalence.student import UNDEFINED, Interval
from analysis.formats import p_value

_EXACT = 50
_ENUMERATED = 2000


@dataclass(frozen=True)
class SignedRank:
    """Two-sided p of no shift, the Hodges-Lehmann estimate and its interval."""

    n: int
    estimate: float
    interval: Interval
    p: float


@dataclass(frozen=True)
class RankTost:
    """Two one-sided signed-rank tests of the pseudo-median against a margin; see `Tost` for the fields."""

    n: int
    estimate: float
    interval: Interval
    p_lower: float
    p_upper: float
    p: float


def signed_rank(values: ArrayLike, alpha: float = 0.10) -> SignedRank:
    """Wilcoxon's signed-rank test of `values`, shape (configurations,), and the interval of confidence 1 - alpha.

    Zeros are ranked and left out of the sums (Pratt 1959). Up to 50 values other than zero p is exact, over all signs
    of the ranks as they are, ties included; beyond, normal without continuity correction. The estimate is the median of
    the Walsh averages, the interval runs between two of them (Hollander, Wolfe & Chicken 2014, sections 3.2 and 3.3),
    exact and normal for the same numbers, conservative with ties, and NaN where there are too few values.
    Values that are all zero have p = 1. The values are assumed symmetric about the pseudo-median. Raises ValueError
    for malformed values.
    """
    array = vector(values)
    estimate, interval = hodges_lehmann(array, level(alpha, upper=1))
    return SignedRank(len(array), estimate, interval, signed_rank_p(array, "two-sided"))


def rank_tost(values: ArrayLike, margin: Margin, alpha: float = 0.05) -> RankTost:
    """Equivalence of the pseudo-median by two one-sided signed-rank tests (Wellek 2010, section 5.4).

    `values` has shape (configurations,). p is NaN where the margin is. Raises ValueError for malformed values and an
    empty margin.
    """
    array = vector(values)
    low, high = bounds(margin)
    estimate, interval = hodges_lehmann(array, 2 * level(alpha))
    p_lower, p_upper = signed_rank_p(array - low, "greater"), signed_rank_p(array - high, "less")
    return RankTost(len(array), estimate, interval, p_lower, p_upper, float(np.maximum(p_lower, p_upper)))


def hodges_lehmann(values: ArrayLike, alpha: float = 0.10) -> tuple[float, Interval]:
    """The median of the Walsh averages (Hodges & Lehmann 1963) and its interval of confidence 1 - alpha."""
    array = np.sort(vector(values))
    n = len(array)
    if n == 0:
        return UNDEFINED, Interval(UNDEFINED, UNDEFINED, 1 - alpha)
    count = n * (n + 1) // 2
    outside = critical_sum(n, alpha / 2)
    middle = ((count - 1) // 2, count // 2)
    if outside < 0:
        lower, upper = _walsh(array, middle)
        return (lower + upper) / 2, Interval(UNDEFINED, UNDEFINED, 1 - alpha)
    low, lower, upper, high = _walsh(array, (outside, *middle, count - 1 - outside))
    return (lower + upper) / 2, Interval(low, high, 1 - alpha)


def signed_rank_p(values: Vector, alternative: Literal["two-sided", "greater", "less"]) -> float:
    """p of the signed-rank test of no shift: exact up to 50 that are not zero, normal beyond; see `signed_rank`."""
    if len(values) == 0 or np.isnan(values).any():
        return UNDEFINED
    if not values.any():
        return 1.0
    # Twice the ranks, which are whole numbers with ties too.
    sizes = (2 * rankdata(np.abs(values))).astype(np.int64)[values != 0]
    seen = int(sizes[values[values != 0] > 0].sum())
    if np.count_nonzero(values) <= _EXACT:
        chance = plus_sums(sizes.tolist())
        less, greater = float(chance[: seen + 1].sum()), float(chance[seen:].sum())
    else:
        z = (seen - sizes.sum() / 2) / (np.sum(sizes**2) / 4) ** 0.5
        less, greater = float(ndtr(z)), float(ndtr(-z))
    tails = {"less": less, "greater": greater, "two-sided": 2 * min(less, greater)}
    return min(1.0, tails[alternative])


@cache
def critical_sum(n: int, tail: float) -> int:
    """The largest rank sum of probability below `tail` to be at most it; -1 where even 0 is more likely."""
    if n > _EXACT:
        mean, variance = n * (n + 1) / 4, n * (n + 1) * (2 * n + 1) / 24
        return int(np.ceil(mean + float(ndtri(tail)) * variance**0.5)) - 1
    return int(np.searchsorted(np.cumsum(plus_sums(range(1, n + 1))), tail, side="left")) - 1


def _walsh(ordered: Vector, places: tuple[int, ...]) -> list[float]:
    """The Walsh averages at these places of their order, counted from 0."""
    n = len(ordered)
    if n <= _ENUMERATED:
        first, second = np.triu_indices(n)
        averages = (ordered[first] + ordered[second]) / 2
        averages.partition(places)
        return [float(averages[place]) for place in places]
    return [_bisect(ordered, place) for place in places]


def _bisect(ordered: Vector, place: int) -> float:
    """One Walsh average by counting those at or below a guess, which needs no list of them."""
    low, high = float(ordered[0]), float(ordered[-1])
    while low < (guess := low + (high - low) / 2) < high:
        twice = np.searchsorted(ordered, 2 * guess - ordered, side="right").sum()
        below = (twice + np.searchsorted(ordered, guess, side="right")) // 2
        low, high = (low, guess) if below > place else (guess, high)
    return high


SIGNED_RANK = Statistic(
    "signed_rank",
    lambda of, margin: signed_rank(of.means),
    (Row(Topic.DIFFERENCE, "Wilcoxon signed rank, p", lambda found: p_value(found.p)),),
)
RANK_TOST = Statistic(
    "rank_tost",
    lambda of, margin: rank_tost(of.means, margin),
    (
        Row(Topic.SIZE, "Hodges-Lehmann, 90 %", lambda found: as_ratio(found.estimate, found.interval)),
        Row(Topic.EQUIVALENCE, "rank TOST, p", lambda found: p_value(found.p)),
    ),
)
