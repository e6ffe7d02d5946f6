"""Losses by epoch of the networks that are compared."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.arrays import Array
from analysis.questions.norm_preservation.projection import Side
from analysis.results import Results

_LOSSES = ("train_loss", "val_loss")


@dataclass(frozen=True)
class Curves:
    """Of one way of training one network: `epochs`, (epochs,), and losses by name, (seeds, epochs)."""

    epochs: Array
    losses: Mapping[str, Array]


def find_curves(results: Results, sides: Iterable[Side]) -> dict[str, Curves]:
    """The curves of the finished seeds of each side, by its label; sides without any are left out."""
    wanted = {side.label: [row["trial_id"] for _, row in sorted(side.arm.finished.items())] for side in sides}
    trials = pa.array(sorted({trial for each in wanted.values() for trial in each}), pa.string())
    table = results.table("curves", ["trial_id", "epoch", *_LOSSES], pc.field("trial_id").isin(trials))
    found: dict[str, dict[int, tuple[float, ...]]] = {}
    for trial, epoch, *losses in zip(*(table[name].to_pylist() for name in table.column_names), strict=True):
        found.setdefault(trial, {})[epoch] = tuple(losses)
    return {
        label: _together([found[trial] for trial in each if trial in found]) for label, each in wanted.items() if each
    }


def _together(seeds: list[dict[int, tuple[float, ...]]]) -> Curves:
    epochs = sorted({epoch for seed in seeds for epoch in seed})
    unknown = (np.nan,) * len(_LOSSES)
    values = np.array([[seed.get(epoch, unknown) for epoch in epochs] for seed in seeds], dtype=float)
    values = values.reshape(len(seeds), len(epochs), len(_LOSSES))
    return Curves(np.array(epochs, float), {name: values[..., place] for place, name in enumerate(_LOSSES)})
