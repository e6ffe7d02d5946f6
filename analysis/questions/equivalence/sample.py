"""Matched pairs as arrays: what the statistics of `analysis.equivalence` are given, and what became of the pairs.

The unit is the configuration: seeds are averaged within it, and so are budgets and methods of training, which share
their draws. A training counts once, however often something else was measured on its networks. Depth-1 pairs are one
function twice; they are the sweep's control and in no sample.

A network that diverged has learned nothing: it counts with the loss of guessing, the logarithm of the number of
classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.arrays import Array, combinations
from analysis.chance import guessing, outcomes
from analysis.equivalence.contrast import Contrasts, contrasts
from analysis.equivalence.divergence import ClusteredMcNemar, clustered_mcnemar
from analysis.pairs import ARRANGEMENT, CONTRAST, STATUSES
from sweep.ledger import method_factors, training_factors
from sweep.parts import BUDGET

Scale = Literal["ratio", "difference"]
SIDES = ("sequential", "parallel")
"""Of a pair. Whatever comes for both comes in this order."""

Q_EDGES = (0.0, 1.0, 3.0, 10.0, float("inf"))
"""Intervals of the determination ratio in Table 2 of P1: from each value up to the next."""
Q_INTERVALS = ("[0, 1)", "[1, 3)", "[3, 10)", "[10, inf)")


@dataclass(frozen=True)
class Sample:
    """Matched pairs in one metric and one contrast. Arrays are of length pairs.

    A side is NaN where it has no value. `seed` numbers the seeds, and `crossed` says whether a seed draws alike in all
    configurations; `chance` is the loss of guessing. `columns` holds each pair's level of every factor, and of the
    interval of its determination ratio, Q; `strata` names those that vary and are not implied by another.
    Configurations are numbered from 0.
    """

    metric: str
    sequential: Array
    parallel: Array
    configuration: Array
    sequential_status: Array
    parallel_status: Array
    determination_ratio: Array
    seed: Array
    chance: Array
    crossed: bool = False
    columns: dict[str, Array] = field(default_factory=dict)
    strata: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.sequential)

    @property
    def complete(self) -> Array:
        """Pairs with a value on both sides."""
        return np.isfinite(self.sequential) & np.isfinite(self.parallel)

    @property
    def statuses(self) -> tuple[Array, Array]:
        """What became of either side."""
        return self.sequential_status, self.parallel_status

    def count(self, status: str) -> tuple[int, int]:
        """Sides with a status."""
        first, second = (int(np.sum(side == status)) for side in self.statuses)
        return first, second

    @cached_property
    def outcomes(self) -> tuple[Array, Array]:
        """Losses of both sides, with chance for a network that diverged; NaN where none is known.

        NaN also where both sides diverged: they are alike, and say nothing of networks that train.
        """
        both = (self.sequential_status == "diverged") & (self.parallel_status == "diverged")
        chance = np.where(both, np.nan, self.chance)
        sequential = outcomes(self.sequential, self.sequential_status, chance)
        return sequential, outcomes(self.parallel, self.parallel_status, chance)

    def contrast(self, scale: Scale) -> Array:
        """Parallel against sequential: difference of values, or log ratio of `outcomes`; NaN where it is not known."""
        if scale == "difference":
            return self.parallel - self.sequential
        sequential, parallel = self.outcomes
        return np.log(parallel) - np.log(sequential)

    def contrasts(self, values: Array) -> Contrasts:
        """Finite values, one per pair, as contrasts with the sample's design."""
        known = np.isfinite(values)
        return contrasts(values[known], self.configuration[known], self.seed[known], self.crossed)

    @cached_property
    def configurations(self) -> int:
        """How many configurations there are, complete or not."""
        return int(self.configuration.max()) + 1 if len(self) else 0

    def where(self, chosen: Array) -> "Sample":
        """The chosen pairs; configurations are numbered anew."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        arrays = {name: value[chosen] for name, value in values.items() if isinstance(value, np.ndarray)}
        arrays["configuration"] = np.unique(arrays["configuration"], return_inverse=True)[1]
        return replace(self, **arrays, columns={name: levels[chosen] for name, levels in self.columns.items()})


def sampled(pairs: pa.Table, contrast: str = CONTRAST) -> pa.Table:
    """The rows of `Results.pairs` that a sample is of: in one contrast, and deeper than one block.

    Pairs that differ in nothing but the study and what was measured are copies of one training, of which one is taken:
    one whose sides came furthest, and of these that of the lowest identity.
    """
    rows = pairs.filter((pc.field("contrast") == contrast) & (pc.field("depth") > 1))
    training = _combinations(rows, ())
    ends = np.array([[STATUSES.index(status) for status in rows[f"{side}_status"].to_pylist()] for side in SIDES])
    identity = np.asarray(rows["pair_id"].to_pylist(), dtype=str)
    order = np.lexsort((identity, ends.min(axis=0), ends.max(axis=0), training))
    return rows.take(np.sort(order[np.unique(training[order], return_index=True)[1]]))


def make_sample(pairs: pa.Table, metric: str, contrast: str = CONTRAST) -> Sample:
    """The pairs that `sampled` takes from those of `Results.pairs`, in their order."""
    rows = sampled(pairs, contrast)
    columns = _columns(rows, contrast)
    (sequential, sequential_status), (parallel, parallel_status) = (side_of(rows, side) for side in SIDES)
    return Sample(
        metric,
        sequential,
        parallel,
        configurations(rows),
        sequential_status,
        parallel_status,
        rows["determination_ratio"].to_numpy(),
        rows["seed"].to_numpy(),
        guessing(rows),
        is_crossed(rows),
        columns,
        _strata(columns),
    )


def by_dataset(sample: Sample) -> dict[str, Sample]:
    """The part of a sample that is of each data set."""
    datasets = sample.columns["dataset"]
    return {name: sample.where(datasets == name) for name in ordered_levels(datasets)}


def side_of(rows: pa.Table, side: str) -> tuple[Array, Array]:
    """Values and statuses of one side of pairs. A network that finished without a finite value diverged."""
    values = rows[side].cast(pa.float64()).to_numpy(zero_copy_only=False)
    status = np.asarray(rows[f"{side}_status"].to_pylist(), dtype="<U16")
    known = np.isfinite(values)
    return np.where(known, values, np.nan), np.where((status == "finished") & ~known, "diverged", status)


def is_crossed(rows: pa.Table) -> bool:
    """Whether seeds are shared by configurations; results of both kinds together are taken to be."""
    return "crossed" in rows["draws"].to_pylist()


def configurations(rows: pa.Table, without: Sequence[str] = ()) -> Array:
    """A number for each configuration: what says how networks were trained, but for seed, budget, method and draws.

    As with budgets, another method is no further evidence about other networks.
    """
    return _combinations(rows, ("seed", "draws", *BUDGET, *method_factors(), "pretrain_epochs", *without))


def q_interval(ratio: Array | Sequence[float]) -> Array:
    """Which of `Q_INTERVALS` each determination ratio is in."""
    return np.clip(np.searchsorted(Q_EDGES, ratio, side="right") - 1, 0, len(Q_INTERVALS) - 1)


def ordered_levels(levels: Array) -> list[Any]:
    """Distinct levels in the order to show them in."""
    distinct = np.unique(levels).tolist()
    return sorted(distinct, key=Q_INTERVALS.index) if set(distinct) <= set(Q_INTERVALS) else distinct


def _columns(rows: pa.Table, contrast: str) -> dict[str, Array]:
    columns = {name: np.asarray(rows[name].to_pylist()) for name in _training() if name != "draws"}
    q = np.asarray(Q_INTERVALS)[q_interval(rows["determination_ratio"].to_numpy())]
    columns = {"dataset": columns.pop("dataset"), "Q": q, **columns}
    if contrast != CONTRAST:
        columns["stages"] = rows["parallel_stages" if contrast.startswith("mixed") else "sequential_stages"].to_numpy()
    return columns


def _strata(columns: dict[str, Array]) -> tuple[str, ...]:
    """Columns that vary, without those that an earlier one implies, as a data set does its number of images."""
    chosen: dict[str, Array] = {}
    # Q last: it follows from factors, and never stands for one.
    for name in sorted(columns, key=lambda name: name == "Q"):
        distinct, code = np.unique(columns[name], return_inverse=True)
        # Where another implies it, there are no more combinations of both than that has levels.
        implied = any(len(np.unique(of * len(distinct) + code)) == of.max() + 1 for of in chosen.values())
        if name != "seed" and len(distinct) > 1 and not implied:
            chosen[name] = code
    return tuple(name for name in columns if name in chosen)


def _combinations(rows: pa.Table, without: Sequence[str]) -> Array:
    """A number for each combination of what says how the networks were trained, but for some of its columns."""
    columns = [*_training(), "sequential_stages", "parallel_stages"]
    return combinations(rows, [name for name in columns if name not in without])


def _training() -> list[str]:
    """Shared columns that say how the two networks were trained.

    The others are sizes, which follow from these, and what the trials are for: the study, and what was measured.
    """
    return [name for name in training_factors() if name not in ARRANGEMENT]


@dataclass(frozen=True)
class Counts:
    """Matched pairs by what became of them; a pair of several ends counts once, in this order of precedence."""

    pairs: int
    missing: int
    failed: int
    diverged: int
    complete: int
    sequential_diverged: int
    parallel_diverged: int


def count(sample: Sample) -> Counts:
    """The pairs of a sample by their ends."""
    names = ("missing", "failed", "diverged")
    ends = np.select([_either(sample, name) for name in names], names, "complete")
    missing, failed, diverged = (int((ends == name).sum()) for name in names)
    return Counts(len(sample), missing, failed, diverged, int(sample.complete.sum()), *sample.count("diverged"))


def divergence(sample: Sample) -> ClusteredMcNemar:
    """Whether one side diverges more often, of pairs of which both sides ended."""
    known = ~(_either(sample, "failed") | _either(sample, "missing"))
    sequential, parallel = (side[known] == "diverged" for side in sample.statuses)
    return clustered_mcnemar(sequential, parallel, sample.configuration[known])


def failed_as_chance(sample: Sample) -> Array:
    """Log ratios with every failed side at the loss of guessing; where both failed they say nothing."""
    failed = [side == "failed" for side in sample.statuses]
    one = failed[0] ^ failed[1]
    sides = zip(failed, sample.outcomes, strict=True)
    sequential, parallel = (np.log(np.where(lost & one, sample.chance, outcome)) for lost, outcome in sides)
    return parallel - sequential


def _either(sample: Sample, status: str) -> Array:
    return np.logical_or(*(side == status for side in sample.statuses))
