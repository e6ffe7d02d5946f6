"""Means over seeds and paired differences as a reader sees them."""

from collections.abc import Callable, Sequence

import numpy as np

from analysis.equivalence import Difference
from analysis.formats import DASH, number
from analysis.seeds import OverSeeds


def points(value: float, digits: int = 1) -> str:
    """A difference of shares in percentage points, with its sign, or a dash."""
    return f"{100 * value:+.{digits}f}" if np.isfinite(value) else DASH


def share(found: OverSeeds, digits: int = 1, place: int | None = None) -> str:
    """A mean share in per cent with its interval, of arrays the one at `place`."""
    return _estimate(found, place, lambda value: number(100 * value, digits))


def increase(found: OverSeeds, place: int | None = None) -> str:
    """A mean difference of shares in percentage points with its interval."""
    return _estimate(found, place, points)


def plain(found: OverSeeds, digits: int = 3, place: int | None = None) -> str:
    """A mean with its interval."""
    return _estimate(found, place, lambda value: number(value, digits))


def difference(found: Difference) -> str:
    """A paired difference of shares in percentage points with its interval."""
    text = points(found.estimate, 2)
    if np.isfinite(found.interval.low):
        text += f" [{points(found.interval.low, 2)}, {points(found.interval.high, 2)}]"
    return text


def seeds_said(seeds: Sequence[int]) -> str:
    """A sentence on how many seeds networks have, each a number, and what follows for intervals."""
    if max(seeds) == 1:
        return "Every network has one seed, so there is no interval."
    low, high = min(seeds), max(seeds)
    text = f"Means are over {low if low == high else f'{low} to {high}'} seeds, with 95 % t intervals"
    return f"{text}; a network of one seed has none." if low == 1 else f"{text}."


def _estimate(found: OverSeeds, place: int | None, form: Callable[[float], str]) -> str:
    mean, low, high = (float(part if place is None else part[place]) for part in (found.mean, found.low, found.high))
    return form(mean) + (f" [{form(low)}, {form(high)}]" if np.isfinite(low) else "")
