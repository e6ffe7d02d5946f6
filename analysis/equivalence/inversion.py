"""The end of an interval that inverts a test."""

import math
from collections.abc import Callable

from scipy.optimize import root_scalar

_FAR = 1e3


def crossing(p: Callable[[float], float], alpha: float, start: float, direction: float) -> float:
    """Where `p` falls to alpha, going from `start` in a direction, 1 or -1; infinite where it never does."""

    def excess(way: float) -> float:
        return p(start + direction * way) - alpha

    reach = 1e-3
    while excess(reach) > 0:
        reach *= 2
        if reach > _FAR:
            return direction * math.inf
    if not excess(0.0) > 0:
        return start
    return start + direction * float(root_scalar(excess, bracket=(0.0, reach), xtol=1e-12).root)
