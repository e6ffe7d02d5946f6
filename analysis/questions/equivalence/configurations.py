"""The configurations of one data set: what sets each apart, in words, and its losses over seeds.

Of those that say most, where a side is furthest ahead and where neither is, the learning curves too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.arrays import Array
from analysis.equivalence.inputs import groups
from analysis.equivalence.mean import Estimate
from analysis.formats import dataset_name, factor_name, level_name
from analysis.questions.equivalence.sample import SIDES, Sample, by_dataset, ordered_levels, sampled
from analysis.results import Results

_ELSEWHERE = ("dataset", "Q")
"""Columns that are said beside a configuration, or follow from its factors."""
_SPLITS = ("train_loss", "val_loss")
_WORDS = ("parallel most ahead", "sequential most ahead", "nearest to equal")


@dataclass(frozen=True)
class Configurations:
    """Configurations with a ratio: `words`, the factors that vary with their levels, and arrays of (configurations,).

    Ratios are parallel over sequential: the geometric mean over seeds, the lowest and the highest of a seed. Losses of
    the two sides are geometric means too.
    """

    dataset: str
    words: list[str]
    seeds: Array
    ratio: Array
    lowest: Array
    highest: Array
    sequential: Array
    parallel: Array

    def at(self, code: int) -> Estimate:
        """The ratio of one, with the lowest and the highest of a seed."""
        return Estimate(float(self.ratio[code]), float(self.lowest[code]), float(self.highest[code]))

    @property
    def tips(self) -> list[str]:
        """A line on each."""
        name = dataset_name(self.dataset)
        return [
            f"{': '.join(filter(None, (name, words)))}; {seeds} seed{'s' * (seeds != 1)}; ratio {ratio:.3f}"
            for words, seeds, ratio in zip(self.words, self.seeds.tolist(), self.ratio.tolist(), strict=True)
        ]


def configurations(sample: Sample) -> list[Configurations]:
    """Those of each data set, in the order of their numbers."""
    return [_summed_up(name, part) for name, part in by_dataset(sample).items()]


def _summed_up(dataset: str, sample: Sample) -> Configurations:
    part = sample.where(np.isfinite(sample.contrast("ratio")))
    of = part.contrasts(part.contrast("ratio"))
    lowest, highest = np.full(of.configurations, np.inf), np.full(of.configurations, -np.inf)
    np.minimum.at(lowest, of.configuration, of.values)
    np.maximum.at(highest, of.configuration, of.values)
    sides = [np.exp(groups(np.log(side), part.configuration).mean) for side in part.outcomes]
    return Configurations(
        dataset,
        [_described(part, np.flatnonzero(part.configuration == code)) for code in range(part.configurations)],
        np.bincount(of.configuration, minlength=of.configurations),
        *map(np.exp, (of.means, lowest, highest)),
        *sides,
    )


def _described(sample: Sample, pairs: Array) -> str:
    """The factors that vary; a configuration has several levels of those that are averaged within it."""
    levels = {name: sample.columns[name][pairs] for name in sample.strata if name not in _ELSEWHERE}
    return ", ".join(
        f"{factor_name(name)} {' or '.join(map(level_name, ordered_levels(of)))}" for name, of in levels.items()
    )


@dataclass(frozen=True)
class ConfigurationCurves:
    """One configuration's losses by side and split, (seeds, epochs), NaN where a trial has no such epoch."""

    dataset: str
    title: str
    losses: Mapping[tuple[str, str], Array]


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
    numbers, code = np.unique(sample.configuration[usable], return_inverse=True)
    if len(numbers):
        means = groups(contrast[usable], code).mean
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
    by_side = zip(SIDES, np.split(losses, 2, axis=1), strict=True)
    level = pairs.slice(0, 1).to_pylist()[0]
    kernel = f"{level['kernel_size']}\N{MULTIPLICATION SIGN}{level['kernel_size']}"
    shape = f"depth {level['depth']}, {level['filters']} filters, {kernel}, {level['activation']}"
    found = {(side, split): values for side, both in by_side for split, values in zip(_SPLITS, both, strict=True)}
    return ConfigurationCurves(level["dataset"], f"{words}\n{shape}", found)


def _trials(pairs: pa.Table) -> list[str]:
    """Of all sequential sides, then of all parallel ones."""
    return [trial for side in SIDES for trial in pairs[f"{side}_id"].to_pylist()]
