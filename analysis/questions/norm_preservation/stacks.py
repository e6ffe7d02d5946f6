"""Is a parallel or mixed network more norm-preserving than its sequential twin, and does its loss go with that?

Ratios of single stages cannot be compared, as one stage of a parallel network stands for many of its twin. So twins are
compared by how far the gradient's norm at the first state is from that at the last, and by the largest change over one
stage. Both draw alike, so they are paired by seed.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from analysis.arrays import Array
from analysis.equivalence.mean import UNDEFINED, Difference
from analysis.networks import Row
from analysis.pairs import ARRANGEMENT
from analysis.questions.norm_preservation.summary import NetworkNorms
from analysis.seeds import contrast, over_zero
from sweep.ledger import training_factors

LEAST_CONFIGURATIONS = 10
"""Fewer do not show whether losses go with norms."""

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Twins:
    """A parallel or mixed network and its sequential twin: one configuration. Below zero the first changes less.

    Each is the first minus the second, by seed: `totals` of the absolute log ratio of the first state to the last,
    `largests` of that of the stage that changes the norm most, `log_losses` of the logarithm of the validation loss.
    """

    first: NetworkNorms
    second: NetworkNorms
    totals: Array
    largests: Array
    log_losses: Array

    @property
    def total(self) -> Difference:
        """The mean of `totals` against zero."""
        return over_zero(self.totals)

    @property
    def largest(self) -> Difference:
        """The mean of `largests` against zero."""
        return over_zero(self.largests)

    @property
    def log_loss(self) -> Difference:
        """The mean of `log_losses` against zero."""
        return over_zero(self.log_losses)


@dataclass(frozen=True)
class Correlation:
    """Spearman's rank correlation over `n` configurations, NaN below three; its p by Student's t."""

    rho: float
    p: float
    n: int


def find_twins(networks: Sequence[NetworkNorms]) -> list[Twins]:
    """Every parallel or mixed network beside its sequential twin, but where both are one function."""
    sequential = {
        _configuration(seed.trial): each
        for each in networks
        if each.trial["architecture"] == "sequential"
        for seed in each.seeds
    }
    found: list[Twins] = []
    for each in networks:
        others = (sequential.get(_configuration(seed.trial)) for seed in each.seeds)
        other = next(filter(None, others), None)
        if each.trial["architecture"] != "sequential" and other and other.depth > each.depth:
            pairs = (_differences(each, other, of) for of in (_total, _largest, _loss))
            found.append(Twins(each, other, *pairs))
    return found


def _configuration(row: Row) -> Key:
    """All factors of a training but the arrangement of the blocks."""
    return tuple(row[name] for name in training_factors() if name not in ARRANGEMENT)


def _differences(one: NetworkNorms, two: NetworkNorms, of: Callable[[NetworkNorms], Array]) -> Array:
    """First minus second, of the seeds that both have, (pairs,); NaN where a side has no value."""
    first, second = (
        {_configuration(seed.trial): value for seed, value in zip(each.seeds, of(each).tolist(), strict=True)}
        for each in (one, two)
    )
    return np.array([value - second[key] for key, value in first.items() if key in second], dtype=float)


def _total(network: NetworkNorms) -> Array:
    return np.abs(network.total)


def _largest(network: NetworkNorms) -> Array:
    return network.largest


def _loss(network: NetworkNorms) -> Array:
    losses = np.array([each.trial["val_loss"] for each in network.seeds], dtype=float)
    return np.log(np.where(losses > 0, losses, np.nan))


def by_arrangement(twins: Sequence[Twins]) -> dict[str, list[Twins]]:
    """The twins whose first network is mixed, and those where it is parallel."""
    found: dict[str, list[Twins]] = {}
    for each in twins:
        found.setdefault(each.first.trial["architecture"], []).append(each)
    return found


def over_configurations(twins: Sequence[Twins]) -> dict[str, tuple[int, Difference]]:
    """The mean of `total` over configurations, by the arrangement of the first: how many there are, and the mean.

    Configurations weigh alike and draw independently: a stratified mean on new seeds of these, by Welch's test. Where
    others have more, those of one pair are left out, as one pair does not show its noise.
    """
    means: dict[str, tuple[int, Difference]] = {}
    for name, every in by_arrangement(twins).items():
        some = [each for each in every if each.total.n > 1] or [each for each in every if each.total.n]
        weights = [1 / len(some)] * len(some)
        means[name] = len(some), contrast([each.totals for each in some], weights)
    return means


def goes_with_loss(twins: Sequence[Twins]) -> dict[str, Correlation]:
    """Whether the difference in the total change of the norm goes with that in validation loss, over configurations.

    By the arrangement of the first network.
    """
    found: dict[str, Correlation] = {}
    for name, some in by_arrangement(twins).items():
        means = np.array([(each.total.estimate, each.log_loss.estimate) for each in some]).reshape(-1, 2)
        found[name] = spearman(*means[np.isfinite(means).all(axis=1)].T)
    return found


def spearman(one: ArrayLike, two: ArrayLike) -> Correlation:
    """Spearman's rank correlation (1904) of two arrays of (configurations,), ties at their mean rank."""
    first, second = (_ranks(np.asarray(each, dtype=float)) for each in (one, two))
    n = len(first)
    if n < 3 or not first.any() or not second.any():
        return Correlation(UNDEFINED, UNDEFINED, n)
    rho = float(first @ second / math.sqrt((first @ first) * (second @ second)))
    # Rounding may leave it a little beyond 1.
    error = math.sqrt(max(1 - rho**2, 0.0) / (n - 2))
    return Correlation(rho, Difference(rho, error, n - 2.0, n=n).p, n)


def _ranks(values: Array) -> Array:
    """Ranks around their mean."""
    _, code, count = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[code]
    return ranks - (len(values) + 1) / 2
