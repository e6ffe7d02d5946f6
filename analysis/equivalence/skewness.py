"""Whether a few configurations pull the mean to one side."""

import math

import numpy as np
from numpy.typing import ArrayLike

from analysis.equivalence.inputs import vector
from analysis.equivalence.mean import UNDEFINED
from analysis.equivalence.statistic import Statistic
from analysis.formats import number


def skewness(values: ArrayLike) -> float:
    """The third standardised moment of `values`, shape (configurations,), of moments that divide by n.

    Far from 0, Student's t errs on one side. NaN below three values and without variance. Raises ValueError for
    malformed values.
    """
    array = vector(values)
    deviations = array - array.mean() if len(array) else array
    spread = math.sqrt(float(np.mean(deviations**2))) if len(array) > 2 else 0.0
    return float(np.mean(deviations**3)) / spread**3 if spread > 0 else UNDEFINED


SKEWNESS = Statistic(
    "skewness",
    lambda of, margin: skewness(of.means),
    {"skewness of the log ratios": lambda found: number(found, 2)},
)
