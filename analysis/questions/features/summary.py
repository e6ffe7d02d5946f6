"""How alike the states of networks are before and after training (P5), and what training does to neighbouring states.

State i is the input of stage i, from 0. Two measures compare a pair of states: CKA, which is 1 for features that are
equal up to rotation and scale, and the distance between their distributions, which is 0 for equal ones and has no unit.
Only states of one shape have a distance.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from analysis.arrays import Array
from analysis.equivalence.mean import Difference, Estimate
from analysis.measurements import Measured, Network, Study, measured_study
from analysis.networks import PLAIN
from analysis.results import Results
from analysis.seeds import OverSeeds, over_seeds, paired
from sweep.measures.features import AFTER, BEFORE, CKA, DISTANCE

WHEN, METRICS = {BEFORE: "before", AFTER: "after"}, {CKA: "CKA", DISTANCE: "distance"}
"""What measurements and metrics are called."""


@dataclass(frozen=True)
class MethodFeatures(Network):
    """One way of training one network.

    `states` are by measurement and metric, (seeds, states, states): symmetric, and NaN where there is no value.
    """

    states: Mapping[tuple[str, str], Array]

    def pairs(self, when: str, metric: str) -> OverSeeds:
        """All pairs of states over seeds: arrays of (states, states), with neighbours beside the diagonal."""
        return over_seeds(self.states[when, metric])

    def means(self, when: str, metric: str) -> dict[int, float]:
        """Mean over neighbouring states that have a value, by seed."""
        neighbours = np.diagonal(self.states[when, metric], 1, 1, 2)
        seeds = [each.trial["seed"] for each in self.seeds]
        return dict(zip(seeds, over_seeds(neighbours.T).mean.tolist(), strict=True))

    def mean(self, when: str, metric: str) -> Estimate:
        """Mean over neighbouring states, then over seeds."""
        return over_seeds(list(self.means(when, metric).values())).at()

    def change(self, metric: str) -> Difference:
        """What training does to the mean over neighbouring states: after minus before, paired by seed."""
        return paired(self.means(AFTER, metric), self.means(BEFORE, metric))

    def against(self, other: "MethodFeatures", metric: str) -> Difference:
        """The mean over neighbouring states after training minus that of another method, paired by seed."""
        return paired(self.means(AFTER, metric), other.means(AFTER, metric))


def find_features(results: Results, study: str) -> Study[MethodFeatures] | None:
    """The networks of a study whose states were compared before and after training; None where none was.

    Every network has its ways of training one after the other, plain training first.
    """
    found = measured_study(results, study, "features", list(WHEN), _usable)
    if found is None:
        return None
    ordered = sorted(found.networks, key=lambda each: (each.network, each.method != PLAIN, each.method))
    return Study(found.counts, tuple(map(_method, ordered)))


def _usable(found: Measured) -> bool:
    return {measurement for measurement, _ in found.rows} == WHEN.keys()


def _method(network: Network) -> MethodFeatures:
    states = {at: np.array([_matrix(each, *at) for each in network.seeds]) for at in product(WHEN, METRICS)}
    return MethodFeatures(**vars(network), states=states)


def _matrix(found: Measured, when: str, metric: str) -> Array:
    """The matrix of one seed. A state beside itself has a CKA of 1 and a distance of 0; states i and j are "i:j"."""
    rows = found.get(when, metric)
    count = 1 + int(found.get(when, CKA).size.max())
    matrix = np.where(np.eye(count) == 1, 1.0 if metric == CKA else 0.0, np.nan)
    one = np.array([int(subject.split(":")[0]) for subject in rows.subject.tolist()], dtype=int)
    matrix[one, one + rows.size] = matrix[one + rows.size, one] = rows.value
    return matrix
