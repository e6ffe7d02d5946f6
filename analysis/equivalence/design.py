"""Means of contrasts under the design that they come from: networks that are fixed or sampled, seeds nested or crossed.

A contrast is one number per configuration and seed. *Nested* seeds draw anew in each configuration, so all contrasts
are independent. *Crossed* seeds draw alike in all configurations, so contrasts of one seed share noise, and more
configurations do not average it away.

Two targets, with two intervals:

- `of_grid`: these configurations on new seeds. They are fixed, and only seeds are random.
- `of_networks`: other configurations like these, on new seeds. Both are random.

Tests and intervals are conservative under skew: each holds by Student's t and by Hall's transformation of it (1992),
which corrects for the skewness of the estimate.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import fdtrc, stdtr, stdtrit

from analysis.equivalence.inputs import Codes, Vector, codes, groups, level, vector
from analysis.equivalence.student import UNDEFINED, Interval

ROUNDING = 12
"""Decimals of a contrast that are told apart: anything finer is rounding of float64 arithmetic."""


MOST = 1e30
"""Contrasts beyond are taken to be this: nothing there can be told apart, and its powers stay finite."""

LEAST_FREEDOM = 48
"""Least degrees of freedom that nested seeds have to leave for a verdict, in configurations of three seeds or more."""
LEAST_SEEDS = 3
"""Least number of crossed seeds for a verdict, and of nested ones in a configuration that counts."""


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


@dataclass(frozen=True)
class Contrasts:
    """One value per configuration and seed, arrays of one length; see `contrasts`."""

    values: Vector
    configuration: Codes
    seed: Codes
    crossed: bool

    @property
    def configurations(self) -> int:
        """How many configurations there are."""
        return int(self.configuration.max(initial=-1)) + 1

    @property
    def means(self) -> Vector:
        """The mean of each configuration, over its seeds."""
        return groups(self.values, self.configuration).mean

    @property
    def seeds(self) -> int:
        """How many different seeds there are."""
        return len(np.unique(self.seed))

    @property
    def counted_freedom(self) -> int:
        """Degrees of freedom that nested seeds leave, in configurations with enough seeds to tell skewness."""
        n = np.bincount(self.configuration)
        return int((n[n >= LEAST_SEEDS] - 1).sum())


def enough_seeds(of: Contrasts) -> bool:
    """Whether seeds are enough for a verdict: below, tests err more often than they say under strong skew.

    Nested seeds are not where a configuration has a single one: its noise is unknown, and may be the largest.
    """
    if of.crossed:
        return of.seeds >= LEAST_SEEDS
    return of.counted_freedom >= LEAST_FREEDOM and int(np.bincount(of.configuration).min()) > 1


def contrasts(values: ArrayLike, configuration: ArrayLike, seed: ArrayLike, crossed: bool) -> Contrasts:
    """Contrasts of pairs, all three of shape (pairs,): the mean of each configuration and seed.

    Several pairs of one configuration and seed, as of several budgets, share their draws and are one piece of evidence.
    Raises ValueError for malformed arrays.
    """
    array = vector(np.clip(vector(values), -MOST, MOST))
    unit, code = codes(configuration, len(array)), codes(seed, len(array), "seed")
    cell, at = np.unique(np.stack([unit, code]), axis=1, return_inverse=True)
    means = groups(array, at.reshape(-1)).mean if len(array) else array
    return Contrasts(np.round(means, ROUNDING), cell[0].astype(np.intp), cell[1].astype(np.intp), crossed)


def of_grid(of: Contrasts, weights: ArrayLike | None = None) -> Mean:
    """The mean over these configurations, on new seeds; `weights`, (configurations,), are all alike by default.

    Nested: the variance is that of a stratified mean, with Satterthwaite's degrees of freedom (1946), from unbiased
    estimates of fourth powers. A configuration of one seed borrows the mean variance of the others. Crossed: the seeds'
    weighted sums of residuals are the independent pieces, as in a cluster-robust variance; with as many seeds in every
    configuration it is the t interval of the seeds' means.
    """
    count = of.configurations
    if not count:
        return Mean(UNDEFINED, UNDEFINED, UNDEFINED, 0.0)
    weight = np.full(count, 1 / count) if weights is None else vector(weights, "weights")
    at = groups(of.values, of.configuration)
    estimate = float(weight @ at.mean)
    residual = of.values - at.mean[of.configuration]
    if of.crossed:
        sums = np.bincount(codes(of.seed, len(residual)), (weight / at.n)[of.configuration] * residual).astype(float)
        complete = bool((at.n == len(sums)).all())
        return _of_sums(estimate, sums, None if complete else _by_mean_squares(of, weight))
    spare = at.n - 1
    if not spare.any():
        return Mean(estimate, UNDEFINED, UNDEFINED, 0.0)
    several = spare > 0
    borrowed = float((weight[~several] ** 2).sum()) / int(several.sum())
    parts = (weight[several] ** 2 / at.n[several] + borrowed) * at.squares[several] / spare[several]
    total = float(parts.sum())
    if not total:
        return Mean(estimate, 0.0, float(spare.sum()), 0.0)
    freedom = 1 / float(((parts / total) ** 2 / (spare[several] + 2)).sum()) - 2
    third = _third_cumulants(residual, of.configuration, at.n)
    skewness = float((weight**3 * third / at.n**2).sum()) / total**1.5
    return Mean(estimate, math.sqrt(total), freedom, skewness)


def of_networks(of: Contrasts) -> Mean:
    """The mean over configurations like these, of which these are a sample, on new seeds.

    Nested: the t interval of the configuration means. Crossed: two-way mean squares, between configurations plus
    between seeds less their interaction, with Satterthwaite's degrees of freedom; never less than either alone.
    """
    means = of.means
    count = len(means)
    if count < 2:
        return Mean(float(means.mean()) if count else UNDEFINED, UNDEFINED, UNDEFINED, 0.0)
    whole = groups(means, np.zeros(count, np.intp))
    estimate, between = float(whole.mean[0]), float(whole.squares[0]) / (count - 1) / count
    third = float(_third_cumulants(means - estimate, np.zeros(count, np.intp), np.array([count]))[0])
    skewness = third / count**2 / between**1.5 if between else 0.0
    if not of.crossed:
        return Mean(estimate, math.sqrt(between), float(count - 1), skewness)
    seeds = of_grid(of)
    if not seeds.degrees_of_freedom > 0:
        return Mean(estimate, UNDEFINED, UNDEFINED, 0.0)
    shared, mixed, spare = seeds.standard_error**2, *_interaction(of)
    variance = max(between + shared - mixed, between, shared)
    if not variance:
        return Mean(estimate, 0.0, float(count - 1), 0.0)
    pieces = between**2 / (count - 1) + shared**2 / seeds.degrees_of_freedom + (mixed**2 / spare if spare else 0.0)
    return Mean(estimate, math.sqrt(variance), variance**2 / pieces, skewness * (between / variance) ** 1.5)


@dataclass(frozen=True)
class SeedEffect:
    """Does a seed shift all configurations alike? An F test of seeds against their interaction with configurations."""

    f: float
    numerator: int
    denominator: int
    p: float


def seed_effect(of: Contrasts) -> SeedEffect:
    """The test of a seed effect; NaN below two seeds or two configurations of two seeds."""
    residual, rank, spare = additive(of)
    numerator = rank
    if numerator < 1 or spare < 1:
        return SeedEffect(UNDEFINED, max(numerator, 0), max(spare, 0), UNDEFINED)
    within = float(groups(of.values, of.configuration).squares.sum())
    left = float((residual**2).sum())
    f = max(within - left, 0.0) / numerator / (left / spare) if left > 0 else UNDEFINED
    return SeedEffect(f, numerator, spare, float(fdtrc(numerator, spare, f)))


def additive(of: Contrasts) -> tuple[Vector, int, int]:
    """Residuals of an additive model of configurations and seeds, degrees of freedom of seeds, and those left."""
    seed = codes(of.seed, len(of.values))
    seeds = int(seed.max(initial=-1)) + 1
    count = of.configurations
    at = groups(of.values, of.configuration)
    # Configurations are swept out first, which leaves a system as small as the number of seeds.
    indicator = np.zeros((count, seeds))
    np.add.at(indicator, (of.configuration, seed), 1.0)
    normal = np.diag(indicator.sum(axis=0)) - indicator.T @ (indicator / at.n[:, None])
    residual = of.values - at.mean[of.configuration]
    effect, _, rank, _ = np.linalg.lstsq(normal, np.bincount(seed, residual, seeds), rcond=None)
    residual = residual - effect[seed] + ((indicator @ effect) / at.n)[of.configuration]
    return residual, int(rank), len(of.values) - count - int(rank)


def _interaction(of: Contrasts) -> tuple[float, int]:
    """The interaction's share of the variance of the grand mean, and its degrees of freedom."""
    residual, _, spare = additive(of)
    if spare < 1:
        return 0.0, 0
    n = np.bincount(of.configuration)
    return float((residual**2).sum()) / spare * float((1 / n).sum()) / len(n) ** 2, spare


def _by_mean_squares(of: Contrasts, weight: Vector) -> tuple[float, float]:
    """The variance of a weighted mean where seeds are missing, and its degrees of freedom (Satterthwaite 1946).

    Residuals from a configuration's own mean would understate it: they are zero in a configuration of one seed.
    """
    residual, rank, spare = additive(of)
    if rank < 1:
        return UNDEFINED, UNDEFINED
    at = groups(of.values, of.configuration)
    seed = codes(of.seed, len(of.values))
    left = float((residual**2).sum())
    seeds = max(float(at.squares.sum()) - left, 0.0) / rank
    shared = np.bincount(seed, (weight / at.n)[of.configuration])
    # A mean square of seeds holds the variance of a seed this often.
    often = (len(of.values) - float((1 / at.n[of.configuration]).sum())) / rank
    first = float((shared**2).sum()) / often
    second = float((weight**2 / at.n).sum()) - first
    if spare < 1:
        return UNDEFINED, UNDEFINED
    mixed = left / spare
    variance = max(first * seeds + second * mixed, float((weight**2 / at.n).sum()) * mixed)
    pieces = (first * seeds) ** 2 / rank + (second * mixed) ** 2 / spare
    return variance, variance**2 / pieces if pieces else float(rank)


def _of_sums(estimate: float, sums: Vector, known: tuple[float, float] | None = None) -> Mean:
    """The mean whose independent pieces are these sums of weighted residuals; variance and freedom if known apart."""
    count = len(sums)
    if count < 2:
        return Mean(estimate, UNDEFINED, UNDEFINED, 0.0)
    variance, freedom = known or (count / (count - 1) * float((sums**2).sum()), float(count - 1))
    if not freedom > 0:
        return Mean(estimate, UNDEFINED, UNDEFINED, 0.0)
    if not variance:
        return Mean(estimate, 0.0, freedom, 0.0)
    third = count * float((sums**3).sum()) * count / ((count - 1) * (count - 2)) if count > 2 else 0.0
    return Mean(estimate, math.sqrt(variance), freedom, third / variance**1.5)


def _third_cumulants(residual: Vector, code: Codes, n: Codes) -> Vector:
    """The third cumulant within each group, unbiased, pooled over the groups of three or more; 0 without any."""
    sums = np.bincount(code, residual**3, len(n))
    several = n > 2
    if not several.any():
        return np.zeros(len(n))
    each = sums[several] * n[several] / ((n[several] - 1) * (n[several] - 2))
    return np.full(len(n), float(each.mean()))


def _skewed(t: float, skewness: float) -> float:
    """Hall's transformation of a studentised mean (1992, eq. 3.2): nearer to Student's t under skew."""
    return t + skewness / 3 * t**2 + skewness**2 / 27 * t**3 + skewness / 6


def _unskewed(value: float, skewness: float) -> float:
    """The inverse of `_skewed`."""
    if abs(skewness) < 1e-6:
        return value
    return 3 / skewness * (math.copysign(abs(inner := 1 + skewness * (value - skewness / 6)) ** (1 / 3), inner) - 1)
