"""The configurations of one data set: what sets each apart, in words, and its losses over seeds."""

from dataclasses import dataclass

import numpy as np

from analysis.arrays import Array
from analysis.equivalence import configuration_means
from analysis.formats import dataset_name, factor_name, level_name
from analysis.questions.equivalence.sample import Sample, by_dataset, ordered_levels
from analysis.seeds import Estimate

_ELSEWHERE = ("dataset", "Q")
"""Columns that are said beside a configuration, or follow from its factors."""


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
    sides = [np.exp(configuration_means(np.log(side), part.configuration)) for side in part.outcomes]
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
