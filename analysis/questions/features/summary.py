"""How alike the states of networks are before and after training (P5), and what training does to neighbouring states.

States are numbered from 0: state i is what stage i is given. CKA, 1 for features that are equal up to rotation and
scale, is of all pairs of states; the distance between two states' distributions, 0 for equal ones and without a unit,
of those of one shape.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, product

import numpy as np

from analysis.arms import PLAIN, arm_names, without_method
from analysis.arrays import Array
from analysis.equivalence import Difference
from analysis.measurements import Measured, Network, Study, measured_study
from analysis.networks import labels
from analysis.results import Results
from analysis.seeds import Estimate, OverSeeds, over_seeds, paired
from sweep.measures.features import AFTER, BEFORE, CKA, DISTANCE

WHEN, METRICS = {BEFORE: "before", AFTER: "after"}, {CKA: "CKA", DISTANCE: "distance"}
"""Measurements and their metrics, and what they are called."""


@dataclass(frozen=True)
class MethodFeatures:
    """One way of training one network.

    `states` are by measurement and metric, (seeds, states, states): symmetric, and NaN where there is no value.
    """

    network: str
    method: str
    seeds: Sequence[int]
    states: Mapping[tuple[str, str], Array]

    def over(self, when: str, metric: str) -> OverSeeds:
        """All pairs of states over seeds: arrays of (states, states), with neighbours beside the diagonal."""
        return over_seeds(self.states[when, metric])

    def means(self, when: str, metric: str) -> dict[int, float]:
        """Mean over neighbouring states that have a value, by seed."""
        neighbours = np.diagonal(self.states[when, metric], 1, 1, 2)
        return dict(zip(self.seeds, over_seeds(neighbours.T).mean.tolist(), strict=True))

    def mean(self, when: str, metric: str) -> Estimate:
        """Mean over neighbouring states, then over seeds."""
        return over_seeds(list(self.means(when, metric).values())).at()

    def change(self, metric: str) -> Difference:
        """What training does to the mean over neighbouring states: after minus before, paired by seed."""
        return paired(self.means(AFTER, metric), self.means(BEFORE, metric))

    def against(self, other: "MethodFeatures", metric: str) -> Difference:
        """The mean over neighbouring states after training minus that of another method, paired by seed."""
        return paired(self.means(AFTER, metric), other.means(AFTER, metric))


@dataclass(frozen=True)
class Features:
    """The states of a study's networks: every network under all ways of training, plain training first."""

    study: Study
    networks: Sequence[Sequence[MethodFeatures]]


def find_features(results: Results, study: str) -> Features | None:
    """The networks of a study whose states were compared before and after training; None where none was."""
    found = measured_study(results, study, "features", list(WHEN), _usable)
    if found is None:
        return None
    rows = [each.trial for each in found.networks]
    methods = map(_method, labels([without_method(row) for row in rows]), arm_names(rows), found.networks)
    ordered = sorted(methods, key=lambda each: (each.network, each.method != PLAIN, each.method))
    return Features(found, [list(group) for _, group in groupby(ordered, lambda each: each.network)])


def _usable(found: Measured) -> bool:
    return {measurement for measurement, _ in found.rows} == WHEN.keys()


def _method(label: str, method: str, network: Network) -> MethodFeatures:
    states = {at: np.array([_matrix(each, *at) for each in network.seeds]) for at in product(WHEN, METRICS)}
    return MethodFeatures(label, method, [each.trial["seed"] for each in network.seeds], states)


def _matrix(found: Measured, when: str, metric: str) -> Array:
    """The matrix of one seed. A state beside itself has a CKA of 1 and a distance of 0; states i and j are "i:j"."""
    rows = found.get(when, metric)
    count = 1 + int(found.get(when, CKA).size.max())
    matrix = np.where(np.eye(count) == 1, 1.0 if metric == CKA else 0.0, np.nan)
    one = np.array([int(subject.split(":")[0]) for subject in rows.subject.tolist()], dtype=int)
    matrix[one, one + rows.size] = matrix[one + rows.size, one] = rows.value
    return matrix
