"""What deleting and reordering blocks does to trained networks (P2, 1605.06431)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from analysis.measured import Measured, measured
from analysis.questions.equivalence.sample import Array
from analysis.results import Results
from analysis.seeds import OverSeeds, over_seeds

Lesion = Literal["delete-some", "reorder"]
LESIONS: tuple[Lesion, ...] = ("delete-some", "reorder")

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

_BLOCKS_SQL = """
    select trial_id, measurement, try_cast(subject as integer) as block, size, metric, value from measurements
    where measurement in ('untreated', 'block', 'delete-one') and metric in ('error', 'loss', 'changes_shape')
"""
_DRAWS_SQL = """
    select e.trial_id, e.measurement, e.size, count(*) as draws, avg(e.value) as mean,
           quantile_cont(e.value, [0.25, 0.5, 0.75]) as quartiles, avg(t.value) as tau
    from (select * from measurements where metric = 'error' and measurement in ('delete-some', 'reorder')) e
    left join (select * from measurements where metric = 'kendall_tau' and measurement = 'reorder') t
        on e.trial_id = t.trial_id and e.measurement = t.measurement and e.size = t.size and e.draw = t.draw
    where isfinite(e.value) and (e.measurement <> 'reorder' or t.value < 1)
    group by all order by all
"""


class Draws(NamedTuple):
    """Errors over the random draws of one size of lesion; `tau` is the mean of Kendall's tau, NaN for deletions.

    Swaps that restore the order are no lesion and left out.
    """

    draws: int
    mean: float
    low: float
    median: float
    high: float
    tau: float


@dataclass(frozen=True)
class Lesioned:
    """One trained network. Arrays are of (blocks,); errors are shares of images."""

    trial: Mapping[str, Any]
    label: str
    error: float
    loss: float
    deleted: Array
    changes_shape: Array
    stage: Array
    draws: Mapping[tuple[Lesion, int], Draws]

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
    """Errors by size of a lesion, arrays of (sizes,): means over seeds of each network's figures over its draws."""

    size: Array
    seeds: Array
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
    trial: Mapping[str, Any]
    """The factors of one of its trials."""
    seeds: int
    changes_shape: Array
    stage: Array
    deleted: OverSeeds
    quantities: dict[str, OverSeeds]
    by_size: dict[Lesion, BySize]

    @property
    def blocks(self) -> int:
        """How many there are."""
        return len(self.changes_shape)


@dataclass(frozen=True)
class Lesions:
    """The lesions of a study: of each network alone, and of each trial."""

    states: dict[str, int]
    unmeasured: int
    """Trials that finished, and of which nothing was measured."""
    networks: tuple[LesionedNetwork, ...]
    trials: tuple[Lesioned, ...]


def find_lesions(results: Results, study: str) -> Lesions | None:
    """What lesions did to the networks of a study; None where no trial of it has been lesioned."""
    chosen = measured(results, study, "lesions")
    if not chosen.trials:
        return None
    every = _read(results, chosen)
    if not every:
        return None
    standing = chosen.one_a_seed(every)
    trials = tuple(every[name] for name in standing.values())
    members: dict[str, list[Lesioned]] = {}
    for trial in trials:
        members.setdefault(trial.label, []).append(trial)
    networks = tuple(_network(seeds) for seeds in members.values())
    return Lesions(chosen.states, len(chosen.trials) - len(every), networks, trials)


def _read(results: Results, chosen: Measured) -> dict[str, Lesioned]:
    blocks: dict[str, list[dict[str, Any]]] = {}
    for row in results.sql(_BLOCKS_SQL).to_pylist():
        if row["trial_id"] in chosen.trials:
            blocks.setdefault(row["trial_id"], []).append(row)
    draws: dict[str, dict[tuple[Lesion, int], Draws]] = {}
    for row in results.sql(_DRAWS_SQL).to_pylist():
        tau = np.nan if row["tau"] is None else row["tau"]
        low, median, high = row["quartiles"]
        found = Draws(row["draws"], row["mean"], low, median, high, tau)
        draws.setdefault(row["trial_id"], {})[row["measurement"], row["size"]] = found
    lesioned = {
        name: _lesioned(chosen.trials[name], chosen.labels[name], rows, draws.get(name, {}))
        for name, rows in blocks.items()
    }
    return {name: each for name, each in lesioned.items() if len(each.deleted) and np.isfinite(each.error)}


def _lesioned(
    trial: Mapping[str, Any], label: str, rows: Sequence[Mapping[str, Any]], draws: Mapping[tuple[Lesion, int], Draws]
) -> Lesioned:
    values = {
        (row["measurement"], row["metric"], row["block"]): np.nan if row["value"] is None else row["value"]
        for row in rows
    }
    stages = {row["block"]: row["size"] for row in rows if row["measurement"] == "block"}
    numbers = range(1 + max((block for kind, _, block in values if kind == "delete-one"), default=-1))
    return Lesioned(
        trial,
        label,
        values.get(("untreated", "error", None), np.nan),
        values.get(("untreated", "loss", None), np.nan),
        np.array([values.get(("delete-one", "error", block), np.nan) for block in numbers]),
        np.array([values.get(("block", "changes_shape", block), 0.0) == 1 for block in numbers], dtype=bool),
        np.array([stages.get(block, 0) for block in numbers], dtype=int),
        draws,
    )


def _network(seeds: Sequence[Lesioned]) -> LesionedNetwork:
    first = seeds[0]
    deleted = over_seeds([each.deleted for each in seeds])
    quantities = [each.quantities for each in seeds]
    summary = {name: over_seeds([each[name] for each in quantities]) for name in QUANTITIES}
    return LesionedNetwork(
        label=first.label,
        trial=first.trial,
        seeds=len(seeds),
        changes_shape=first.changes_shape,
        stage=first.stage,
        deleted=deleted,
        quantities=summary,
        by_size={lesion: found for lesion in LESIONS if (found := _by_size(seeds, lesion)) is not None},
    )


def _by_size(seeds: Sequence[Lesioned], lesion: Lesion) -> BySize | None:
    sizes = sorted({size for each in seeds for kind, size in each.draws if kind == lesion})
    if not sizes:
        return None
    none = Draws(0, np.nan, np.nan, np.nan, np.nan, np.nan)
    # Seeds, sizes, fields of Draws.
    every = np.array([[each.draws.get((lesion, size), none) for size in sizes] for each in seeds], dtype=float)
    means = {name: over_seeds(every[:, :, place]) for place, name in enumerate(Draws._fields)}
    return BySize(
        size=np.array(sizes),
        seeds=means["mean"].n,
        draws=every[:, :, 0].sum(axis=0).astype(int),
        mean=means["mean"],
        low=means["low"].mean,
        median=means["median"].mean,
        high=means["high"].mean,
        tau=means["tau"].mean,
    )
