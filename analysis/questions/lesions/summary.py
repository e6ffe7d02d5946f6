"""What deleting and reordering blocks does to trained networks (P2, 1605.06431)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from analysis.arrays import Array
from analysis.equivalence.mean import Estimate
from analysis.measurements import Measured, Network, Rows, Study, measured_study
from analysis.networks import has_skips
from analysis.results import Results
from analysis.seeds import OverSeeds, over_seeds
from sweep.measures.base import ERROR, LOSS
from sweep.measures.lesions import BLOCK, CHANGES_SHAPE, DELETE_ONE, DELETE_SOME, REORDER, TAU, UNTREATED

QUANTITIES = {
    "error": "error of the whole network",
    "loss": "loss of the whole network",
    "median": "increase, median over blocks",
    "mean": "increase, mean over blocks",
    "largest": "increase, largest of any block",
    "transitions": "increase, mean over blocks that change the shape",
    "others": "increase, mean over the other blocks",
}
"""Numbers of one network; increases are of the error after deleting one block, NaN where it has no such block."""


@dataclass(frozen=True)
class Sized:
    """Errors after lesions of one size: figures over the draws of each network, then means over seeds.

    `draws` counts those of all seeds. `kendall_tau` is a mean too, NaN for deletions. Swaps that restore the order do
    not count as lesions.
    """

    lesion: str
    size: int
    kendall_tau: float
    seeds: int
    draws: int
    error: Estimate
    quartile_1: float
    median: float
    quartile_3: float


@dataclass(frozen=True)
class LesionedNetwork(Network):
    """All seeds of one network and method. Arrays are of (blocks,); errors are shares of images."""

    changes_shape: Array
    stage: Array
    deleted: OverSeeds
    values: dict[str, Array]
    """`QUANTITIES` by seed."""
    by_size: dict[str, list[Sized]]
    """Lesions of several blocks, by what was done."""

    @cached_property
    def quantities(self) -> dict[str, OverSeeds]:
        """`QUANTITIES` over seeds."""
        return {name: over_seeds(values) for name, values in self.values.items()}

    def mean(self, name: str) -> float:
        """The mean of a quantity over seeds."""
        return float(self.quantities[name].mean)

    @property
    def blocks(self) -> int:
        """The number of blocks."""
        return len(self.changes_shape)

    @property
    def learned(self) -> bool:
        """Whether its error is at most half of that of guessing; else a deletion has little to take from it."""
        return self.mean("error") <= self.chance / 2

    @property
    def is_residual(self) -> bool:
        """Whether its blocks have skip connections."""
        return has_skips(self.trial)


def find_lesions(results: Results, study: str) -> Study[LesionedNetwork] | None:
    """The lesioned networks of a study; None where there are none."""
    read = (UNTREATED, BLOCK, DELETE_ONE, DELETE_SOME, REORDER)

    def usable(found: Measured) -> bool:
        return bool(np.isfinite(found.one(UNTREATED, ERROR)) and len(found.get(DELETE_ONE, ERROR).value))

    found = measured_study(results, study, "lesions", read, usable, most="lesion_draws")
    return found and found.mapped(_network)


def _network(network: Network) -> LesionedNetwork:
    known, errors = network.over("subject", DELETE_ONE, ERROR)
    places = np.array(known, dtype=int)
    deleted = np.full((len(errors), places.max(initial=-1) + 1), np.nan)
    deleted[:, places] = errors
    found = network.seeds[0].get(BLOCK, CHANGES_SHAPE)
    shapes = dict(zip(found.subject.astype(int).tolist(), zip(found.value == 1, found.size, strict=True), strict=True))
    described = np.array([shapes.get(block, (False, 0)) for block in range(deleted.shape[1])], dtype=int).reshape(-1, 2)
    changes = described[:, 0] == 1
    error, loss = (np.array([each.one(UNTREATED, metric) for each in network.seeds]) for metric in (ERROR, LOSS))
    rise = deleted - error[:, None]
    values = {
        "error": error,
        "loss": loss,
        "median": _of_each(np.median, rise),
        "mean": _of_each(np.mean, rise),
        "largest": _of_each(np.max, rise),
        "transitions": _of_each(np.mean, rise[:, changes]),
        "others": _of_each(np.mean, rise[:, ~changes]),
    }
    disordered = replace(network, seeds=tuple(map(_disordered, network.seeds)))
    by_size = {lesion: sizes for lesion in (DELETE_SOME, REORDER) if (sizes := _sizes(disordered, lesion))}
    return LesionedNetwork(
        **vars(network),
        changes_shape=changes,
        stage=described[:, 1],
        deleted=over_seeds(deleted),
        values=values,
        by_size=by_size,
    )


def _of_each(reduce: Callable[[Array], Any], rises: Array) -> Array:
    """What `reduce` makes of each seed's finite rises, NaN where there are none."""
    finite = [each[np.isfinite(each)] for each in rises]
    return np.array([reduce(each) if len(each) else np.nan for each in finite])


def _sizes(network: Network, lesion: str) -> list[Sized]:
    sizes, errors = network.over("size", lesion, ERROR)
    reductions = (len, *(partial(np.quantile, q=share) for share in (0.25, 0.5, 0.75)))
    draws, *quartiles = (network.over("size", lesion, ERROR, reduce)[1] for reduce in reductions)
    tau = network.over("size", lesion, TAU)[1] if lesion == REORDER else np.full(errors.shape, np.nan)
    means = over_seeds(errors)
    counts = zip(means.n.tolist(), np.nansum(draws, axis=0).astype(int).tolist(), strict=True)
    figures = np.transpose([over_seeds(each).mean for each in (tau, *quartiles)]).tolist()
    return [
        Sized(lesion, size, tau, *count, means.at(place), *quartile)
        for place, (size, count, (tau, *quartile)) in enumerate(zip(sizes, counts, figures, strict=True))
    ]


def _disordered(found: Measured) -> Measured:
    """The same without the draws whose swaps restore the order, or whose error is not finite."""
    error, order = found.get(REORDER, ERROR), found.get(REORDER, TAU)
    taus = dict(zip(zip(order.size, order.draw, strict=True), order.value, strict=True))
    tau = np.array([taus.get(each, np.nan) for each in zip(error.size, error.draw, strict=True)])
    kept = np.isfinite(error.value) & (tau < 1)
    left = Rows(*(column[kept] for column in error))
    return replace(found, rows={**found.rows, (REORDER, ERROR): left, (REORDER, TAU): left._replace(value=tau[kept])})
