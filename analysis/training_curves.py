"""Losses by epoch of several seeds of one training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.arrays import Array

if TYPE_CHECKING:
    from analysis.results import Results

LOSSES = ("train_loss", "val_loss")


@dataclass(frozen=True)
class Curves:
    """The curves of one training: `epochs`, (epochs,), and losses by name, (seeds, epochs), NaN where there is none."""

    epochs: Array
    losses: Mapping[str, Array]


def find_curves(results: "Results", trials: Mapping[str, Sequence[str]]) -> dict[str, Curves]:
    """The curves of the trials of each label, by label; labels without trials are left out."""
    every = pa.array(sorted({trial for each in trials.values() for trial in each}), pa.string())
    table = results.table("curves", ["trial_id", "epoch", *LOSSES], pc.field("trial_id").isin(every))
    found: dict[str, dict[int, tuple[float, ...]]] = {}
    for trial, epoch, *losses in zip(*(table[name].to_pylist() for name in table.column_names), strict=True):
        found.setdefault(trial, {})[epoch] = tuple(losses)
    return {
        label: _together([found[trial] for trial in each if trial in found]) for label, each in trials.items() if each
    }


def _together(seeds: list[dict[int, tuple[float, ...]]]) -> Curves:
    epochs = sorted({epoch for seed in seeds for epoch in seed})
    unknown = (np.nan,) * len(LOSSES)
    values = np.array([[seed.get(epoch, unknown) for epoch in epochs] for seed in seeds], dtype=float)
    values = values.reshape(len(seeds), len(epochs), len(LOSSES))
    return Curves(np.array(epochs, float), {name: values[..., place] for place, name in enumerate(LOSSES)})
