"""Do repeated transformations come to give similar features? States of a network before and after training (P5).

States are numbered from 0: state i is what stage i is given. CKA, 1 for features that are equal up to rotation and
scale, is of all pairs of states; the distance between two states' distributions, 0 for equal ones and without a unit,
of those of one shape. Both are as `sweep.engine.measure.features` measures them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from analysis import equivalence as eq
from analysis.arms import PLAIN, Row, arm_names, without_method
from analysis.networks import labels
from analysis.paired import paired
from analysis.results import Results
from analysis.seeds import OverSeeds, over_seeds

Array = NDArray[np.float64]
When = Literal["before", "after"]
Metric = Literal["cka", "distance"]

METRICS: tuple[Metric, ...] = ("cka", "distance")


@dataclass(frozen=True)
class States:
    """One trial's symmetric (states, states) matrices, NaN where there is no value; CKA has 1 on its diagonal."""

    cka: Array
    distance: Array

    def neighbours(self, metric: Metric) -> Array:
        """Between each state and the next, (states - 1,)."""
        return np.diagonal(getattr(self, metric), 1)

    def mean_neighbour(self, metric: Metric) -> float:
        """Mean over neighbouring states that have a value."""
        known = self.neighbours(metric)
        known = known[np.isfinite(known)]
        return float(known.mean()) if len(known) else float("nan")


@dataclass(frozen=True)
class MethodFeatures:
    """One way of training one kind of network, by seed."""

    method: str
    before: Mapping[int, States]
    after: Mapping[int, States]

    def states(self, when: When) -> Mapping[int, States]:
        """By seed."""
        return self.before if when == "before" else self.after

    def matrix(self, metric: Metric, when: When) -> Array:
        """Mean over seeds, (states, states)."""
        return over_seeds([getattr(each, metric) for each in self.states(when).values()]).mean

    def neighbours(self, metric: Metric, when: When) -> OverSeeds:
        """Between each state and the next, over seeds."""
        return over_seeds([each.neighbours(metric) for each in self.states(when).values()])

    def means(self, metric: Metric, when: When) -> dict[int, float]:
        """Mean over neighbouring states, by seed."""
        return {seed: each.mean_neighbour(metric) for seed, each in self.states(when).items()}

    def change(self, metric: Metric) -> eq.Difference:
        """What training does to the mean over neighbouring states: after minus before, paired by seed."""
        return paired(self.means(metric, "after"), self.means(metric, "before"))


@dataclass(frozen=True)
class NetworkFeatures:
    """One kind of network under all ways of training, plain training first where there is one."""

    label: str
    row: Row
    methods: Sequence[MethodFeatures]

    def contrasts(self) -> list[tuple[str, str, dict[Metric, eq.Difference]]]:
        """Every method against the first: differences after training in the mean over neighbouring states."""
        first = self.methods[0]
        return [
            (
                each.method,
                first.method,
                {metric: paired(each.means(metric, "after"), first.means(metric, "after")) for metric in METRICS},
            )
            for each in self.methods[1:]
        ]


def network_features(results: Results, study: str) -> list[NetworkFeatures]:
    """The networks of a study whose states were compared before and after training."""
    trials = results.table("trials", where=(pc.field("study") == study)).to_pylist()
    asked = [row for row in trials if "features" in row["measure"].split("+")]
    measured = _measured(results, [row["trial_id"] for row in asked])
    asked = [row for row in asked if row["trial_id"] in measured]
    members: dict[str, dict[str, list[Row]]] = {}
    networks = labels([without_method(row) for row in asked])
    for network, method, row in zip(networks, arm_names(asked), asked, strict=True):
        members.setdefault(network, {}).setdefault(method, []).append(row)
    return [
        NetworkFeatures(
            network,
            next(iter(methods.values()))[0],
            [
                _method(name, methods[name], measured)
                for name in sorted(methods, key=lambda name: (name != PLAIN, name))
            ],
        )
        for network, methods in sorted(members.items())
    ]


def _plain_first(item: tuple[str, object]) -> tuple[bool, str]:
    return item[0] != PLAIN, item[0]


def _method(name: str, rows: Sequence[Row], measured: Mapping[str, Mapping[When, States]]) -> MethodFeatures:
    before, after = ({row["seed"]: measured[row["trial_id"]][when] for row in rows} for when in ("before", "after"))
    return MethodFeatures(name, before, after)


def _measured(results: Results, trials: Sequence[str]) -> dict[str, dict[When, States]]:
    wanted = pc.field("measurement").isin(["features-before", "features-after"])
    rows = results.table(
        "measurements",
        ["trial_id", "measurement", "subject", "metric", "value"],
        wanted & pc.field("trial_id").isin(pa.array(trials, pa.string())),
    )
    found: dict[str, dict[str, dict[str, list[tuple[int, int, float]]]]] = {}
    for trial, measurement, subject, metric, value in zip(
        *(column.to_pylist() for column in rows.columns), strict=True
    ):
        one, other = map(int, subject.split(":"))
        by_metric = found.setdefault(trial, {}).setdefault(measurement.removeprefix("features-"), {})
        by_metric.setdefault(metric, []).append((one, other, np.nan if value is None else value))
    return {
        trial: {"before": _states(when["before"]), "after": _states(when["after"])}
        for trial, when in found.items()
        if {"before", "after"} <= when.keys()
    }


def _states(by_metric: Mapping[str, Sequence[tuple[int, int, float]]]) -> States:
    count = 1 + max(other for pairs in by_metric.values() for _, other, _ in pairs)
    matrices = {metric: np.full((count, count), np.nan) for metric in METRICS}
    for metric, matrix in matrices.items():
        np.fill_diagonal(matrix, 1.0 if metric == "cka" else 0.0)
        for one, other, value in by_metric.get(metric, ()):
            matrix[one, other] = matrix[other, one] = value
    return States(matrices["cka"], matrices["distance"])
