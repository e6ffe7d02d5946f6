"""What deleting and reordering blocks does to trained networks (P2, 1605.06431)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from analysis.arrays import Array
from analysis.equivalence import Difference
from analysis.measurements import Measured, Network, Rows, Study, measured_study
from analysis.networks import Row, has_skips
from analysis.results import Results
from analysis.seeds import OverSeeds, over_seeds, over_zero
from sweep.measures.base import ERROR, LOSS
from sweep.measures.lesions import BLOCK, CHANGES_SHAPE, DELETE_ONE, DELETE_SOME, REORDER, TAU, UNTREATED
from sweep.parts import FACTORS

QUANTITIES = {
    "error": "error of the whole network",
    "loss": "loss of the whole network",
    "median": "increase, median over blocks",
    "mean": "increase, mean over blocks",
    "largest": "increase, largest of any block",
    "transitions": "increase, mean over blocks that change the shape",
    "others": "increase, mean over the other blocks",
}
"""Numbers of one network; increases are of the error after deleting one block. Those of blocks it has not are NaN."""


@dataclass(frozen=True)
class Lesioned:
    """One trained network. Arrays are of (blocks,); errors are shares of images."""

    trial: Row
    label: str
    error: float
    loss: float
    deleted: Array
    changes_shape: Array
    stage: Array

    @property
    def quantities(self) -> dict[str, float]:
        """The numbers named in `QUANTITIES`."""
        increase = self.deleted - self.error
        parts = {
            "median": (np.median, increase),
            "mean": (np.mean, increase),
            "largest": (np.max, increase),
            "transitions": (np.mean, increase[self.changes_shape]),
            "others": (np.mean, increase[~self.changes_shape]),
        }
        known = {name: (reduce, part[np.isfinite(part)]) for name, (reduce, part) in parts.items()}
        return {"error": self.error, "loss": self.loss} | {
            name: float(reduce(part)) if len(part) else np.nan for name, (reduce, part) in known.items()
        }


@dataclass(frozen=True)
class BySize:
    """Errors by size of a lesion, arrays of (sizes,): means over seeds of each network's figures over its draws.

    `tau` is the mean of Kendall's tau, NaN for deletions. Swaps that restore the order are no lesion and left out.
    """

    size: Array
    draws: Array
    mean: OverSeeds
    low: Array
    median: Array
    high: Array
    tau: Array


@dataclass(frozen=True)
class LesionedNetwork:
    """All seeds of one network and method. Arrays are of (blocks,)."""

    label: str
    trial: Row
    """The factors of one of its trials."""
    seeds: int
    changes_shape: Array
    stage: Array
    deleted: OverSeeds
    quantities: dict[str, OverSeeds]
    by_size: dict[str, BySize]
    beyond_half: Difference
    """How far the error without the median block lies above the middle of the whole error and chance, over seeds."""

    @property
    def blocks(self) -> int:
        """How many there are."""
        return len(self.changes_shape)

    @property
    def chance(self) -> float:
        """The error of who guesses."""
        return chance(self.trial)

    @property
    def learned(self) -> bool:
        """Whether it errs at most half as often as who guesses; else a deletion has little to take from it."""
        return float(self.quantities["error"].mean) <= self.chance / 2

    @property
    def is_plain(self) -> bool:
        """Whether it is one of the sequential, plainly trained networks that P2 compares."""
        return self.trial["architecture"] == "sequential" and self.trial["method"] == FACTORS["method"].default

    @property
    def is_residual(self) -> bool:
        """Whether its blocks have skip connections."""
        return has_skips(self.trial)


@dataclass(frozen=True)
class Lesions:
    """The lesions of a study: of each network alone, and of each trained network."""

    study: Study
    networks: tuple[LesionedNetwork, ...]
    trials: tuple[Lesioned, ...]


def chance(trial: Row) -> float:
    """The error of who guesses among the classes of a trial."""
    return 1 - 1 / trial["classes"]


def find_lesions(results: Results, study: str) -> Lesions | None:
    """What lesions did to the networks of a study; None where no trial of it has been lesioned."""
    read = (UNTREATED, BLOCK, DELETE_ONE, DELETE_SOME, REORDER)
    found = measured_study(results, study, "lesions", read, _usable, most="lesion_draws")
    if found is None:
        return None
    every = [[_lesioned(each.label, seed) for seed in each.seeds] for each in found.networks]
    networks = tuple(_network(network, seeds) for network, seeds in zip(found.networks, every, strict=True))
    return Lesions(found, networks, tuple(each for seeds in every for each in seeds))


def _usable(found: Measured) -> bool:
    return bool(np.isfinite(found.one(UNTREATED, ERROR)) and len(found.get(DELETE_ONE, ERROR).value))


def _lesioned(label: str, found: Measured) -> Lesioned:
    deleted, shape = found.get(DELETE_ONE, ERROR), found.get(BLOCK, CHANGES_SHAPE)
    count = 1 + int(deleted.subject.astype(int).max())
    return Lesioned(
        found.trial,
        label,
        found.one(UNTREATED, ERROR),
        found.one(UNTREATED, LOSS),
        _by_block(deleted, deleted.value, np.full(count, np.nan)),
        _by_block(shape, shape.value == 1, np.zeros(count, dtype=bool)),
        _by_block(shape, shape.size, np.zeros(count, dtype=int)),
    )


def _by_block(rows: Rows, values: Array, into: Array) -> Array:
    block = rows.subject.astype(int)
    known = block < len(into)
    into[block[known]] = values[known]
    return into


def _disordered(found: Measured) -> Measured:
    """The same without the draws whose swaps restore the order, or whose error is not finite."""
    error, order = found.get(REORDER, ERROR), found.get(REORDER, TAU)
    taus = dict(zip(zip(order.size.tolist(), order.draw.tolist(), strict=True), order.value.tolist(), strict=True))
    tau = np.array([taus.get(each, np.nan) for each in zip(error.size.tolist(), error.draw.tolist(), strict=True)])
    kept = np.isfinite(error.value) & (tau < 1)
    rows = {ERROR: Rows(*(column[kept] for column in error))}
    rows[TAU] = rows[ERROR]._replace(value=tau[kept])
    return replace(found, rows={**found.rows, **{(REORDER, metric): each for metric, each in rows.items()}})


def _network(network: Network, seeds: Sequence[Lesioned]) -> LesionedNetwork:
    quantities = [each.quantities for each in seeds]
    disordered = replace(network, seeds=tuple(map(_disordered, network.seeds)))
    return LesionedNetwork(
        label=network.label,
        trial=network.trial,
        seeds=len(seeds),
        changes_shape=seeds[0].changes_shape,
        stage=seeds[0].stage,
        deleted=over_seeds([each.deleted for each in seeds]),
        quantities={name: over_seeds([each[name] for each in quantities]) for name in QUANTITIES},
        by_size={lesion: by for lesion in (DELETE_SOME, REORDER) if (by := _by_size(disordered, lesion)) is not None},
        beyond_half=over_zero([each["median"] - (chance(network.trial) - each["error"]) / 2 for each in quantities]),
    )


def _by_size(network: Network, lesion: str) -> BySize | None:
    sizes, means = network.over("size", lesion, ERROR)
    if not sizes:
        return None
    draws, *quartiles = (
        network.over("size", lesion, ERROR, reduce)[1]
        for reduce in (len, *(partial(np.quantile, q=share) for share in (0.25, 0.5, 0.75)))
    )
    tau = network.over("size", lesion, TAU)[1] if lesion == REORDER else np.full(means.shape, np.nan)
    low, median, high, tau = (over_seeds(each).mean for each in (*quartiles, tau))
    return BySize(np.array(sizes), np.nansum(draws, axis=0).astype(int), over_seeds(means), low, median, high, tau)
