"""The trials of a study on whose networks something is to be measured: which of them are there, and under what name."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from analysis.networks import labels
from analysis.pairs import STATUSES
from analysis.results import Results
from sweep.parts import FACTORS

Key = tuple[str, int]
"""A network's label and a seed."""


@dataclass(frozen=True)
class Measured:
    """`trials` are the finished ones by identity, with every factor and final figure, and `labels` their labels.

    `states` counts all, ``planned``, by what became of them. `seeds` are those planned of each label, whatever became
    of them.
    """

    trials: dict[str, dict[str, Any]]
    labels: dict[str, str]
    states: dict[str, int]
    seeds: dict[str, set[int]]

    def one_a_seed(self, with_values: Iterable[str], most: str = "lesion_draws") -> dict[Key, str]:
        """The trial that stands for each label and seed, of the given ones, in the order of the labels.

        Trials that train alike and differ in what is measured afterwards are one network: the one with the most random
        lesions stands for them, or the most of another factor.
        """
        chosen: dict[Key, str] = {}
        found = sorted(with_values, key=lambda name: (-self.trials[name][most], name))
        for name in found:
            chosen.setdefault((self.labels[name], self.trials[name]["seed"]), name)
        place = {label: index for index, label in enumerate(dict.fromkeys(self.labels.values()))}
        return {key: chosen[key] for key in sorted(chosen, key=lambda key: (place[key[0]], key[1]))}


def measured(results: Results, study: str, measure: str) -> Measured:
    """The trials of a study that name a measure, by network, method, arrangement and seed."""
    rows = results.sql("select * from known where measure <> 'none' order by trial_id").to_pylist()
    rows = [row for row in rows if row["study"] == study and measure in row["measure"].split("+")]
    rows.sort(key=_order)
    counted = Counter(row["status"] for row in rows)
    named = list(zip(rows, labels(rows), strict=True))
    seeds: dict[str, set[int]] = {}
    for row, label in named:
        seeds.setdefault(label, set()).add(row["seed"])
    return Measured(
        {row["trial_id"]: row for row in rows if row["status"] == "finished"},
        {row["trial_id"]: label for row, label in named if row["status"] == "finished"},
        {"planned": len(rows)} | {state: counted[state] for state in STATUSES},
        seeds,
    )


def _order(row: dict[str, Any]) -> tuple[Any, ...]:
    """Deeper arrangements first, so that a sequential network stands before its parallel twin."""
    named = ("dataset", "network", "depth", "method", "drop_rate")
    return row["method"] != FACTORS["method"].default, *(row[name] for name in named), -row["stages"], row["seed"]
