"""How much of a difference is the configuration's and how much the seed's, and what more of either would buy."""

from dataclasses import dataclass

from numpy.typing import ArrayLike

from analysis.equivalence.inputs import codes, groups, level, moments, vector
from analysis.equivalence.statistic import Row, Statistic, Topic
from analysis.equivalence.student import UNDEFINED, reach
from analysis.formats import number, percent


@dataclass(frozen=True)
class Components:
    """Variances `between` configurations and `within` them, over seeds, of parallel - sequential."""

    between: float
    within: float
    seeds_harmonic_mean: float
    configurations: int

    @property
    def reliability(self) -> float:
        """The share of the variance of configuration means that is not the seeds': the ICC of a mean."""
        whole = self.between + self.within / self.seeds_harmonic_mean
        return self.between / whole if whole else UNDEFINED

    def half_width(self, configurations: int, seeds: float, confidence: float = 0.90) -> float:
        """Half the t interval of the mean to expect from so many configurations, each with so many seeds."""
        if configurations < 2 or not seeds > 0:
            return UNDEFINED
        error = ((self.between + self.within / seeds) / configurations) ** 0.5
        tail = (1 - level(confidence, "confidence", upper=1)) / 2
        return float(reach(error, configurations - 1, tail))


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
        return Components(UNDEFINED, UNDEFINED, UNDEFINED, 0)
    spare = len(array) - count
    within = float(at.squares.sum()) / spare if spare else UNDEFINED
    seeds = count / float((1 / at.n).sum())
    _, _, sd = moments(at.mean)
    between = sd**2 - within / seeds
    # Not max(0, between), which would turn NaN into 0.
    return Components(0.0 if between < 0 else between, within, seeds, count)


def _root(variance: float) -> str:
    return percent(variance**0.5) if variance >= 0 else number(None)


COMPONENTS = Statistic(
    "components",
    lambda of, margin: components(of.values, of.configuration),
    (
        Row(
            Topic.SPREAD,
            "spread of the ratio: configurations; seeds",
            lambda found: f"{_root(found.between)}; {_root(found.within)}",
        ),
    ),
)
