"""The margin on what was learned: how much less parallel networks learn, as a share of what sequential ones did."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.optimize import root_scalar

from analysis import equivalence as eq
from analysis.equivalence import ALPHA, Mean
from analysis.equivalence.student import UNDEFINED, Interval
from analysis.questions.equivalence.sample import Sample

_FAR = 1e3


@dataclass(frozen=True)
class Learned:
    """The difference parallel - sequential in loss, as a share of what the sequential networks learned.

    `p` is of two one-sided tests that it lies inside the margin.
    """

    share: float
    interval: Interval
    p: float


def learned(sample: Sample, margin: float) -> Learned:
    """Fieller's interval (1954) for the ratio of two means of one design, and TOST on linear contrasts."""
    sequential, parallel = sample.outcomes
    less, whole = parallel - sequential, sample.chance - sequential

    def against(share: float) -> Mean:
        return eq.of_grid(sample.contrasts(less - share * whole))

    mean = eq.of_grid(sample.contrasts(whole))
    if not mean.p_above(0.0) < ALPHA:
        # There is no share of nothing, and nothing shows that the sides are equivalent in it.
        return Learned(UNDEFINED, Interval(UNDEFINED, UNDEFINED, 1 - 2 * ALPHA), 1.0)
    share = against(0.0).estimate / mean.estimate
    ends = (
        _crossing(lambda value: against(value).p_above(0.0) - ALPHA, share, -1.0),
        _crossing(lambda value: against(value).p_below(0.0) - ALPHA, share, 1.0),
    )
    p = max(against(-margin).p_above(0.0), against(margin).p_below(0.0))
    return Learned(share, Interval(*ends, 1 - 2 * ALPHA), p)


def _crossing(excess: Callable[[float], float], start: float, direction: float) -> float:
    """Where a p falls to alpha, going from the estimate in one direction; infinite where it never does."""
    reach = 1e-3
    while excess(start + direction * reach) > 0:
        reach *= 2
        if reach > _FAR:
            return direction * math.inf
    if not excess(start) > 0:
        return start
    way = root_scalar(lambda way: excess(start + direction * way), bracket=(0.0, reach), xtol=1e-12).root
    return start + direction * float(way)
