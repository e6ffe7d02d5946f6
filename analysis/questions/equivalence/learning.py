"""Learning curves of the configurations that say most: where a side is furthest ahead, and where neither is."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis import equivalence as eq
from analysis.questions.equivalence.sample import SIDES, Array, Sample, by_dataset, sampled
from analysis.results import Results

_SPLITS = ("train_loss", "val_loss")
_WORDS = ("parallel most ahead", "sequential most ahead", "nearest to equal")


@dataclass(frozen=True)
class ConfigurationCurves:
    """One configuration's losses by epoch, arrays of (seeds, epochs), NaN where a trial has no such epoch."""

    dataset: str
    title: str
    sequential_train: Array
    sequential_val: Array
    parallel_train: Array
    parallel_val: Array


def chosen_curves(results: Results, sample: Sample, pairs: pa.Table) -> list[ConfigurationCurves]:
    """Three configurations a data set, by the ratio of the sample's metric; `pairs` are those that it is of."""
    rows = sampled(pairs)
    chosen = [
        (rows.filter(pc.field("dataset") == name).take(np.flatnonzero(part.configuration == code)), words)
        for name, part in by_dataset(sample).items()
        for code, words in _choose(part)
    ]
    trials = [trial for part, _ in chosen for trial in _trials(part)]
    wanted = pc.field("trial_id").isin(pa.array(trials, pa.string()))
    curves = results.table("curves", ["trial_id", "epoch", *_SPLITS], wanted)
    return [_curves(part, words, curves) for part, words in chosen]


def _choose(sample: Sample) -> Iterator[tuple[int, str]]:
    """Configurations of one data set by their numbers, in the order of their ratios, with why each is chosen."""
    contrast = sample.contrast("ratio")
    usable = np.isfinite(contrast)
    numbers = np.unique(sample.configuration[usable])
    if len(numbers):
        means = eq.configuration_means(contrast[usable], sample.configuration[usable])
        # The nearest last: where it is an extreme too, no side need be ahead in it.
        places = (int(means.argmin()), int(means.argmax()), int(np.abs(means).argmin()))
        words = dict(zip(places, _WORDS, strict=True))
        for place in sorted(words, key=means.__getitem__):
            yield int(numbers[place]), words[place]


def _curves(pairs: pa.Table, words: str, curves: pa.Table) -> ConfigurationCurves:
    """Those of the pairs of one configuration."""
    place = {trial: number for number, trial in enumerate(_trials(pairs))}
    mine = curves.filter(pc.field("trial_id").isin(list(place)))
    epoch, trial = mine["epoch"].to_numpy(), [place[each] for each in mine["trial_id"].to_pylist()]
    losses = np.full((len(_SPLITS), len(place), epoch.max(initial=0)), np.nan)
    losses[:, trial, epoch - 1] = [mine[name].to_numpy() for name in _SPLITS]
    (sequential_train, parallel_train), (sequential_val, parallel_val) = (np.split(split, 2) for split in losses)
    level = pairs.slice(0, 1).to_pylist()[0]
    kernel = f"{level['kernel_size']}\N{MULTIPLICATION SIGN}{level['kernel_size']}"
    shape = f"depth {level['depth']}, {level['filters']} filters, {kernel}, {level['activation']}"
    losses = sequential_train, sequential_val, parallel_train, parallel_val
    return ConfigurationCurves(level["dataset"], f"{words}\n{shape}", *losses)


def _trials(pairs: pa.Table) -> list[str]:
    """Of all sequential sides, then of all parallel ones."""
    return [trial for side in SIDES for trial in pairs[f"{side}_id"].to_pylist()]
