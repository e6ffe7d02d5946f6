"""How much of a difference is the configuration's and how much the seed's."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.equivalence.inputs import codes, groups, vector
from analysis.equivalence.mean import UNDEFINED
from analysis.equivalence.statistic import Statistic
from analysis.formats import percent


@dataclass(frozen=True)
class Components:
    """Variances `between` configurations and `within` them, over seeds, of parallel - sequential."""

    between: float
    within: float


def components(values: ArrayLike, configuration: ArrayLike) -> Components:
    """Variance components of `values`, shape (pairs,), of a random configuration and a random seed within it.

    The ANOVA estimator from unweighted means (Searle, Casella & McCulloch 1992, section 3.8): within is the pooled
    variance over seeds; between, the variance of the configuration means less within over the harmonic mean of the
    seeds, or 0 if that is negative. Within is NaN without a second seed anywhere, between also below two
    configurations. Raises ValueError for malformed arrays.
    """
    array = vector(values)
    at = groups(array, codes(configuration, len(array)))
    count = len(at.n)
    if count == 0:
        return Components(UNDEFINED, UNDEFINED)
    spare = len(array) - count
    within = float(at.squares.sum()) / spare if spare else UNDEFINED
    seeds = count / float((1 / at.n).sum())
    spread = float(groups(at.mean, np.zeros(count, np.intp)).squares[0]) / (count - 1) if count > 1 else UNDEFINED
    between = spread - within / seeds
    # Not max(0, between), which would turn NaN into 0.
    return Components(0.0 if between < 0 else between, within)


COMPONENTS = Statistic(
    "components",
    lambda of, margin: components(of.values, of.configuration),
    {
        "spread of the ratio: configurations; seeds": lambda found: "; ".join(
            percent(each**0.5) for each in (found.between, found.within)
        )
    },
)
