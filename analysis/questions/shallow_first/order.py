"""When a subnetwork has learned, and whether those of few blocks are first: from arrays to numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.arrays import Array
from analysis.claims import signs
from analysis.equivalence.mean import Difference
from analysis.equivalence.verdict import ALPHA
from analysis.seeds import CONFIDENCE, LEVEL, over_zero

SHARE = 0.9
"""The share of its final gain that a subnetwork has learned at. Ours: P3's protocol is not public."""
LEAST_GAIN = 0.05
"""What a subnetwork has to gain over guessing to be looked at, in accuracy. Ours."""
LEAST_SIZES = 3
"""Fewer sizes have no order to speak of."""
_EXACT = 40
"""Up to so many sizes the orders are counted; beyond, Kendall's tau of shuffled ones is as good as normal."""


@dataclass(frozen=True)
class Order:
    """Over seeds, against zero: whether larger subnetworks learn later.

    `tau` is Kendall's tau-b between blocks kept and the epoch that the gain first reaches `SHARE` at; `delay` is the
    slope of that epoch, in epochs per block, and `stays` that of the epoch from which on the gain stays there.
    """

    tau: Difference
    delay: Difference
    stays: Difference


def reached(epoch: Array, gain: Array) -> tuple[float, float]:
    """When a gain, (epochs,), first reaches `SHARE` of its last value, and from when on it stays there.

    Between measured epochs it is taken to be a straight line. NaN below `LEAST_GAIN`, without a last value, and with
    fewer than three epochs. A gain that fluctuates reaches its goal too early and stays there too late.
    """
    last = gain[-1] if len(gain) else math.nan
    known = np.isfinite(gain)
    epoch, gain = epoch[known], gain[known]
    if not last >= LEAST_GAIN or len(gain) < 3:
        return math.nan, math.nan
    above = gain >= SHARE * last
    first, stays = int(np.argmax(above)), len(above) - int(np.argmin(np.append(above[::-1], False)))
    return _crossed(epoch, gain, first, SHARE * last), _crossed(epoch, gain, stays, SHARE * last)


def _crossed(epoch: Array, gain: Array, place: int, goal: float) -> float:
    """Where the line to a place, from the one before it, meets the goal."""
    if place == 0:
        return float(epoch[0])
    (before, after), (low, high) = epoch[place - 1 : place + 1], gain[place - 1 : place + 1]
    # Rounded, so that rounding is no order.
    return round(float(before + (goal - low) / (high - low) * (after - before)), 9)


def kendall_tau(x: ArrayLike, y: ArrayLike) -> float:
    """Kendall's tau-b of two arrays (n,), Kendall 1945; NaN where either is all ties."""
    pairs = np.triu_indices(len(np.asarray(x)), 1)
    first, second = (np.sign(np.subtract.outer(*[np.asarray(each)] * 2)[pairs]) for each in (x, y))
    untied = math.sqrt(float((first @ first) * (second @ second)))
    return float(first @ second) / untied if untied else math.nan


def slope(x: ArrayLike, y: ArrayLike) -> float:
    """The least-squares slope of y over x, both (n,); NaN where x does not vary."""
    away = np.asarray(x, float)
    away = away - away.mean()
    square = float(away @ away)
    return float(away @ np.asarray(y, float)) / square if square else math.nan


def shuffled(count: int) -> float:
    """The least bound that 95 % of Kendall's taus of a shuffled order of `count` sizes do not exceed, either way.

    By the numbers of permutations with 0, 1, 2, ... inversions; NaN below two.
    """
    if count < 2:
        return math.nan
    if count > _EXACT:
        return 1.959963984540054 * math.sqrt(2 * (2 * count + 5) / (9 * count * (count - 1)))
    chance = np.ones(1)
    for places in range(2, count + 1):
        chance = np.convolve(chance, np.full(places, 1 / places))
    tau = np.abs(1 - 2 * np.arange(len(chance)) / (len(chance) - 1))
    bounds = np.unique(np.round(tau, 12))
    inside = np.array([chance[tau <= bound + 1e-9].sum() for bound in bounds])
    return float(bounds[np.argmax(inside >= CONFIDENCE)])


def over_sizes(size: Array, learned: Array, stays: Array) -> Order:
    """The order of sizes, (sizes,), by when they have learned, (seeds, sizes), NaN where they have not.

    A seed counts with at least `LEAST_SIZES` sizes that do not all learn at one epoch.
    """
    found: list[tuple[float, float, float]] = []
    for first, last in zip(learned, stays, strict=True):
        known = np.isfinite(first)
        if known.sum() >= LEAST_SIZES and np.isfinite(tau := kendall_tau(size[known], first[known])):
            found.append((tau, slope(size[known], first[known]), slope(size[known], last[known])))
    return Order(*(over_zero(each) for each in np.array(found, float).reshape(-1, 3).T))


def shown(orders: Sequence[Order]) -> list[int]:
    """What each order shows: 1 that few blocks learn first, -1 that they learn last, or 0.

    Kendall's tau has to show it at 1 %, and both slopes at 5 %, each after Holm's correction over the orders. Taus
    alone would err: of few sizes they are often alike, and then have no spread over seeds. Slopes do spread, and what
    fluctuation does to the first epoch at the goal it does the other way to the last.
    """
    levels = {"tau": LEVEL, "delay": ALPHA, "stays": ALPHA}
    tests = [signs([getattr(each, name) for each in orders], level) for name, level in levels.items()]
    return [first if first == second == third else 0 for first, second, third in zip(*tests, strict=True)]
