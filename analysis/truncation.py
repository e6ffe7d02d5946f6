"""What is left of a trained network whose higher-order terms are dropped (P1: the first order is x + sum F_i(x))."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.measured import Measured, measured
from analysis.results import Results
from analysis.sample import Array
from analysis.seeds import OverSeeds, over_seeds

KINDS = {"truncate": "as trained", "truncate-finetuned": "fine-tuned"}
"""Measurements, and what they are called."""
METRICS = ("loss", "error")

_SQL = """
    select trial_id, measurement, size, metric, value from measurements
    where measurement in ('truncate', 'truncate-finetuned') and metric in ('error', 'loss')
"""


@dataclass(frozen=True)
class Orders:
    """Figures by order, the number of stages that blocks are left in, over seeds: arrays of (orders,)."""

    order: Array
    loss: OverSeeds
    error: OverSeeds


@dataclass(frozen=True)
class TruncatedNetwork:
    """All seeds of one network and method; `loss` and `error` are the untruncated network's."""

    label: str
    trial: Mapping[str, Any]
    seeds: int
    loss: OverSeeds
    error: OverSeeds
    orders: dict[str, Orders]
    """By the names in `KINDS`, those measured."""


@dataclass(frozen=True)
class Truncations:
    """The truncations of a study."""

    states: dict[str, int]
    unmeasured: int
    networks: tuple[TruncatedNetwork, ...]


def find_truncations(results: Results, study: str) -> Truncations | None:
    """Figures by order of the networks of a study; None where none of it has been truncated."""
    chosen = measured(results, study, "truncation")
    if not chosen.trials:
        return None
    values: dict[str, dict[tuple[str, int, str], float]] = {}
    for row in results.sql(_SQL).to_pylist():
        if row["trial_id"] in chosen.trials and row["value"] is not None:
            key = row["measurement"], row["size"], row["metric"]
            values.setdefault(row["trial_id"], {})[key] = row["value"]
    if not values:
        return None
    members: dict[str, list[str]] = {}
    for (label, _), name in chosen.one_a_seed(values).items():
        members.setdefault(label, []).append(name)
    networks = tuple(_network(label, names, chosen, values) for label, names in members.items())
    return Truncations(chosen.states, len(chosen.trials) - len(values), networks)


def _network(
    label: str, names: Sequence[str], chosen: Measured, values: Mapping[str, Mapping[tuple[str, int, str], float]]
) -> TruncatedNetwork:
    trials = [chosen.trials[name] for name in names]
    orders: dict[str, Orders] = {}
    for kind in KINDS:
        sizes = sorted({size for name in names for found, size, _ in values[name] if found == kind})
        if sizes:
            loss, error = (
                over_seeds([[values[name].get((kind, size, metric), np.nan) for size in sizes] for name in names])
                for metric in METRICS
            )
            orders[kind] = Orders(np.array(sizes), loss, error)
    return TruncatedNetwork(
        label,
        trials[0],
        len(names),
        over_seeds([trial["val_loss"] for trial in trials]),
        over_seeds([1 - trial["val_accuracy"] for trial in trials]),
        orders,
    )
