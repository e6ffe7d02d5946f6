"""Where a function of one number crosses zero."""

from collections.abc import Callable

from scipy.optimize import root_scalar


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """The crossing between `low` and `high`, by Brent's method; NaN unless the function has two signs there."""
    # A NaN at either end fails this too.
    if not function(low) * function(high) <= 0:
        return float("nan")
    return float(root_scalar(function, bracket=(low, high), method="brentq", xtol=1e-15, rtol=1e-13).root)
