"""Learning curves of the configurations that say most: where a side is furthest ahead, and where neither is."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis import equivalence as eq
from analysis.questions.equivalence.sample import Array, Sample, ordered_levels, sampled
from analysis.results import Results

_SPLITS = ("train_loss", "val_loss")
_WORDS = ("parallel most ahead", "sequential most ahead", "nearest to equal")


@dataclass(frozen=True)
class ConfigurationCurves:
    """One configuration's losses by epoch, arrays of (seeds, epochs), NaN where a trial has no such epoch."""

    title: str
    sequential_train: Array
    sequential_val: Array
    parallel_train: Array
    parallel_val: Array


def chosen_curves(results: Results, sample: Sample, pairs: pa.Table) -> list[ConfigurationCurves]:
    """Three configurations a data set, by the ratio of the sample's metric; `pairs` are those that it is of."""
    rows = sampled(pairs)
    chosen = list(_choose(sample))
    members = [np.flatnonzero(sample.configuration == configuration) for configuration, _ in chosen]
    wanted = rows.take(np.concatenate([*members, np.empty(0, np.int64)]).astype(np.int64))
    trials = pa.concat_arrays([*wanted["sequential_id"].chunks, *wanted["parallel_id"].chunks])
    curves = results.table("curves", ["trial_id", "epoch", *_SPLITS], pc.field("trial_id").isin(trials))
    by_trial = _by_trial(curves)
    return [
        _curves(rows.take(member), _title(sample, int(member[0]), words), by_trial)
        for member, (_, words) in zip(members, chosen, strict=True)
    ]


def _choose(sample: Sample) -> Iterator[tuple[int, str]]:
    contrast = sample.contrast("ratio")
    for dataset in ordered_levels(sample.columns["dataset"]):
        usable = np.isfinite(contrast) & (sample.columns["dataset"] == dataset)
        numbers = np.unique(sample.configuration[usable])
        if len(numbers):
            means = eq.configuration_means(contrast[usable], sample.configuration[usable])
            # The nearest last: where it is an extreme too, no side need be ahead in it.
            places = (int(means.argmin()), int(means.argmax()), int(np.abs(means).argmin()))
            words = dict(zip(places, _WORDS, strict=True))
            for place in sorted(words, key=means.__getitem__):
                yield int(numbers[place]), words[place]


def _title(sample: Sample, row: int, words: str) -> str:
    level = {name: levels[row] for name, levels in sample.columns.items()}
    kernel = f"{level['kernel_size']}\N{MULTIPLICATION SIGN}{level['kernel_size']}"
    shape = f"depth {level['depth']}, {level['filters']} filters, {kernel}, {level['activation']}"
    return f"{level['dataset']}: {words}\n{shape}"


def _by_trial(curves: pa.Table) -> dict[str, Array]:
    """Trial identity to its losses, of (2, epochs)."""
    found: dict[str, Array] = {}
    ids = curves["trial_id"].to_numpy(zero_copy_only=False)
    epochs = curves["epoch"].to_numpy()
    losses = np.stack([curves[name].to_numpy() for name in _SPLITS])
    for trial in np.unique(ids.astype(str)) if len(ids) else ():
        mine = np.flatnonzero(ids == trial)
        found[trial] = losses[:, mine[np.argsort(epochs[mine])]]
    return found


def _curves(rows: pa.Table, title: str, by_trial: dict[str, Array]) -> ConfigurationCurves:
    sides = [
        [by_trial.get(trial, np.empty((2, 0))) for trial in rows[f"{side}_id"].to_pylist()]
        for side in ("sequential", "parallel")
    ]
    epochs = max(losses.shape[1] for side in sides for losses in side)
    padded = [
        np.stack([np.pad(losses, ((0, 0), (0, epochs - losses.shape[1])), constant_values=np.nan) for losses in side])
        for side in sides
    ]
    return ConfigurationCurves(title, padded[0][:, 0], padded[0][:, 1], padded[1][:, 0], padded[1][:, 1])
