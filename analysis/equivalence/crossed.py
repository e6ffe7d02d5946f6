"""Crossed seeds: an additive model of configurations and seeds, and what it says of the seeds' variance."""

import numpy as np
from scipy.special import fdtrc

from analysis.equivalence.contrast import Contrasts
from analysis.equivalence.inputs import Vector, codes, groups
from analysis.equivalence.mean import UNDEFINED


def seed_effect(of: Contrasts) -> float:
    """Does a seed shift all configurations alike? P of an F test of seeds against their interaction with these.

    NaN below two seeds or two configurations of two seeds.
    """
    residual, rank, spare = additive(of)
    if rank < 1 or spare < 1:
        return UNDEFINED
    within = float(groups(of.values, of.configuration).squares.sum())
    left = float((residual**2).sum())
    f = max(within - left, 0.0) / rank / (left / spare) if left > 0 else UNDEFINED
    return float(fdtrc(rank, spare, f))


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


def interaction(of: Contrasts) -> tuple[float, int]:
    """The interaction's share of the variance of the grand mean, and its degrees of freedom."""
    residual, _, spare = additive(of)
    if spare < 1:
        return 0.0, 0
    n = np.bincount(of.configuration)
    return float((residual**2).sum()) / spare * float((1 / n).sum()) / len(n) ** 2, spare


def by_mean_squares(of: Contrasts, weight: Vector) -> tuple[float, float]:
    """The variance of a weighted mean where seeds are missing, and its degrees of freedom (Satterthwaite 1946).

    Residuals from a configuration's own mean would understate it: they are zero in a configuration of one seed. NaN
    where the seeds or their interaction leave no degree of freedom.
    """
    residual, rank, spare = additive(of)
    if rank < 1 or spare < 1:
        return UNDEFINED, UNDEFINED
    at = groups(of.values, of.configuration)
    left = float((residual**2).sum())
    seeds, mixed = max(float(at.squares.sum()) - left, 0.0) / rank, left / spare
    shared = np.bincount(codes(of.seed, len(of.values)), (weight / at.n)[of.configuration])
    # A mean square of seeds holds the variance of a seed this often.
    often = (len(of.values) - float((1 / at.n[of.configuration]).sum())) / rank
    whole = float((weight**2 / at.n).sum())
    first = float((shared**2).sum()) / often
    second = whole - first
    variance = max(first * seeds + second * mixed, whole * mixed)
    pieces = (first * seeds) ** 2 / rank + (second * mixed) ** 2 / spare
    return variance, variance**2 / pieces if pieces else float(rank)
