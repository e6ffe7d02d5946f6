"""An estimated mean with tests and intervals that hold by Student's t and by Hall's transformation of it (1992)."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from analysis.equivalence.inputs import level
from analysis.equivalence.student import UNDEFINED, Interval


@dataclass(frozen=True)
class Mean:
    """An estimated mean. The standard error is NaN where the design cannot give one, as with a single seed."""

    estimate: float
    standard_error: float
    degrees_of_freedom: float
    skewness: float
    """Of the estimate; 0 where there are too few values to tell."""

    def p_below(self, bound: float) -> float:
        """One-sided p of the hypothesis that the mean is at or above `bound`."""
        return self._tail(bound, 1.0)

    def p_above(self, bound: float) -> float:
        """One-sided p of the hypothesis that the mean is at or below `bound`."""
        return self._tail(bound, -1.0)

    def p_inside(self, low: float, high: float) -> float:
        """P of two one-sided tests that the mean lies between `low` and `high` (Schuirmann 1987)."""
        return float(np.maximum(self.p_above(low), self.p_below(high)))

    @property
    def p_zero(self) -> float:
        """Two-sided p of the hypothesis that the mean is zero."""
        return min(2 * min(self.p_below(0.0), self.p_above(0.0)), 1.0)  # NaN stays

    def interval(self, confidence: float = 0.90) -> Interval:
        """The interval of that confidence: it lies below a bound exactly where `p_below` is below half the rest."""
        tail = (1 - level(confidence, "confidence", upper=1)) / 2
        if not self.degrees_of_freedom > 0:
            return Interval(UNDEFINED, UNDEFINED, confidence)
        reach = float(stdtrit(self.degrees_of_freedom, 1 - tail))
        ends = [(-reach, reach), tuple(_unskewed(end, self.skewness) for end in (-reach, reach))]
        low, high = max(high for _, high in ends), min(low for low, _ in ends)
        return Interval(
            self.estimate - low * self.standard_error, self.estimate - high * self.standard_error, confidence
        )

    def _tail(self, bound: float, sign: float) -> float:
        distance = sign * (self.estimate - bound)
        if not math.isfinite(distance):
            return UNDEFINED
        if self.standard_error == 0:
            return 0.5 if distance == 0 else float(distance > 0)
        if not self.degrees_of_freedom > 0:
            return UNDEFINED
        t = distance / self.standard_error
        return float(stdtr(self.degrees_of_freedom, max(t, _skewed(t, sign * self.skewness))))


def _skewed(t: float, skewness: float) -> float:
    """Hall's transformation of a studentised mean (1992, eq. 3.2): nearer to Student's t under skew."""
    return t + skewness / 3 * t**2 + skewness**2 / 27 * t**3 + skewness / 6


def _unskewed(value: float, skewness: float) -> float:
    """The inverse of `_skewed`."""
    if abs(skewness) < 1e-6:
        return value
    return 3 / skewness * (math.copysign(abs(inner := 1 + skewness * (value - skewness / 6)) ** (1 / 3), inner) - 1)
