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

import numpy as np
from numpy.typing import ArrayLike

from analysis.equivalence.contrast import Contrasts
from analysis.equivalence.crossed import by_mean_squares, interaction
from analysis.equivalence.inputs import Codes, Vector, codes, groups, vector
from analysis.equivalence.mean import UNDEFINED, Mean


def of_grid(of: Contrasts, weights: ArrayLike | None = None) -> Mean:
    """The mean over these configurations, on new seeds; `weights`, (configurations,), are all alike by default.

    Nested: the variance is that of a stratified mean, with Satterthwaite's degrees of freedom (1946), from unbiased
    estimates of fourth powers. A configuration of one seed borrows the mean variance of the others. Crossed: the seeds'
    weighted sums of residuals are the independent pieces, as in a cluster-robust variance; with as many seeds in every
    configuration it is the t interval of the seeds' means.
    """
    count = of.configurations
    if not count:
        return Mean(UNDEFINED)
    weight = np.full(count, 1 / count) if weights is None else vector(weights, "weights")
    at = groups(of.values, of.configuration)
    estimate = float(weight @ at.mean)
    residual = of.values - at.mean[of.configuration]
    if of.crossed:
        sums = np.bincount(codes(of.seed, len(residual)), (weight / at.n)[of.configuration] * residual).astype(float)
        complete = bool((at.n == len(sums)).all())
        return _of_sums(estimate, sums, None if complete else by_mean_squares(of, weight))
    spare = at.n - 1
    if not spare.any():
        return Mean(estimate)
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
        return Mean(float(means.mean()) if count else UNDEFINED)
    whole = groups(means, np.zeros(count, np.intp))
    estimate, between = float(whole.mean[0]), float(whole.squares[0]) / (count - 1) / count
    third = float(_third_cumulants(means - estimate, np.zeros(count, np.intp), np.array([count]))[0])
    skewness = third / count**2 / between**1.5 if between else 0.0
    if not of.crossed:
        return Mean(estimate, math.sqrt(between), float(count - 1), skewness)
    seeds = of_grid(of)
    if not seeds.degrees_of_freedom > 0:
        return Mean(estimate)
    shared, mixed, spare = seeds.standard_error**2, *interaction(of)
    variance = max(between + shared - mixed, between, shared)
    if not variance:
        return Mean(estimate, 0.0, float(count - 1), 0.0)
    pieces = between**2 / (count - 1) + shared**2 / seeds.degrees_of_freedom + (mixed**2 / spare if spare else 0.0)
    return Mean(estimate, math.sqrt(variance), variance**2 / pieces, skewness * (between / variance) ** 1.5)


def _of_sums(estimate: float, sums: Vector, known: tuple[float, float] | None = None) -> Mean:
    """The mean whose independent pieces are these sums of weighted residuals; variance and freedom if known apart."""
    count = len(sums)
    if count < 2:
        return Mean(estimate)
    variance, freedom = known or (count / (count - 1) * float((sums**2).sum()), float(count - 1))
    if not freedom > 0:
        return Mean(estimate)
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
