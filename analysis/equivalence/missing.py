"""What pairs without a value on both sides could do to the answer.

A pair is incomplete where a side diverged or failed. Values are parallel - sequential of the complete pairs;
`incomplete` holds the configuration of each incomplete pair. All estimates weigh configurations alike.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.equivalence.inputs import Margin, Vector, bounds, level, moments, vector
from analysis.equivalence.roots import root
from analysis.equivalence.student import UNDEFINED, reach, standard_errors


@dataclass(frozen=True)
class WorstCase:
    """Configuration means with every incomplete pair filled by `fill` against parallel, and by `fill` for it.

    The arrays have shape (configurations,), in the order of the sorted labels, those without a complete pair
    included.
    """

    fill: float
    against_parallel: Vector
    for_parallel: Vector


@dataclass(frozen=True)
class TippingPoint:
    """The common value of the incomplete pairs from which on the interval leaves the margin, above and below zero."""

    above: float
    below: float


def worst_case(values: ArrayLike, configuration: ArrayLike, incomplete: ArrayLike, least: float = 0.0) -> WorstCase:
    """Fill each incomplete pair with plus, or minus, the largest absolute value seen, and average over seeds.

    The fill is at least `least`: values seen where both sides train well say little of those where one does not.
    `values` and `configuration` have shape (pairs,), `incomplete` (incomplete pairs,). Without a complete pair there
    is nothing to fill with: `fill` is NaN and the arrays are empty. Raises ValueError for malformed arrays.
    """
    array = vector(values)
    known, share = _filled(array, configuration, incomplete)
    if len(array) == 0:
        return WorstCase(UNDEFINED, np.empty(0), np.empty(0))
    fill = max(least, float(np.abs(array).max()))
    return WorstCase(fill, known + share * fill, known - share * fill)


def tipping_point(
    values: ArrayLike, configuration: ArrayLike, incomplete: ArrayLike, margin: Margin, alpha: float = 0.05
) -> TippingPoint:
    """How far off zero, in common, the incomplete pairs must be for the 1 - 2 alpha t interval to leave the margin.

    A tipping-point analysis (Yan, Lee & Li 2009) for the mean over configurations; arrays as in `worst_case`. The
    interval widens and moves with the value, so either end may leave first. 0 where it is not inside the margin with
    zeros; plus and minus infinity where no pair is incomplete and it is inside; NaN below two configurations
    and where the margin is. Raises ValueError for malformed arrays and an empty margin.
    """
    array = vector(values)
    low, high = bounds(margin)
    level(alpha)
    known, share = _filled(array, configuration, incomplete)
    if len(known) < 2 or np.isnan([low, high]).any():
        return TippingPoint(UNDEFINED, UNDEFINED)

    def room(value: float) -> float:
        """How far inside the margin the interval lies."""
        n, mean, sd = moments(known + share * value)
        half = float(reach(*standard_errors(n, sd), alpha))
        return min(high - mean - half, mean - half - low)

    def first(direction: float) -> float:
        if room(0.0) <= 0:
            return 0.0
        if not share.any():
            return np.inf
        # The room is concave in the value, and the mean grows with it without end: there is one root.
        far = high - low
        while room(direction * far) > 0:
            far *= 2
        return root(lambda size: room(direction * size), 0.0, far)

    return TippingPoint(first(1.0), -first(-1.0))


def _filled(values: Vector, configuration: ArrayLike, incomplete: ArrayLike) -> tuple[Vector, Vector]:
    """Configuration means with incomplete pairs at zero, and how much a common value of these adds to each."""
    labels, missing = np.asarray(configuration), np.asarray(incomplete)
    if labels.shape != values.shape or missing.ndim != 1:
        raise ValueError("configuration must have one label a value, and incomplete one a pair.")
    parts = [part for part in (labels, missing) if len(part)]
    if not parts:
        return np.empty(0), np.empty(0)
    place = np.unique(np.concatenate(parts), return_inverse=True)[1]
    sums = np.bincount(place, np.concatenate([values, np.zeros(len(missing))]))
    counts = np.bincount(place)
    lacking = np.bincount(place[len(values) :], minlength=len(counts))
    return sums / counts, lacking / counts
