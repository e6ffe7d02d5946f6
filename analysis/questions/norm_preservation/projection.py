"""Do norm-preserving transitions lower the error? Networks with projected transitions against networks without (P4).

A network is compared with its like that was trained plainly, from the same seed, and with the paper's plain twin: a
plainly trained network of another kind with as many blocks, whose draws are independent.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.arms import Arm, Group
from analysis.arrays import Array
from analysis.equivalence.mean import Difference, Estimate
from analysis.networks import PLAIN, Row
from analysis.questions.norm_preservation.summary import NetworkNorms
from analysis.seeds import contrast, over_seeds, paired
from sweep.ledger import method_factors, training_factors
from sweep.parts import NETWORKS

MOST_PARAMETERS = 2
"""A plain twin has at most so many times the parameters, or as many times fewer. Ours."""
_PROJECTION = "projection_rate"
_BLOCKS = ("blocks", "layers_per_block")


@dataclass(frozen=True)
class Side:
    """One way of training one network, by its label; `transition` is its log ratio over transitions, over seeds."""

    label: str
    arm: Arm
    transition: Estimate

    @property
    def errors(self) -> dict[int, float]:
        """The error of each seed, of guessing where it diverged."""
        guessing = {seed: 1 - 1 / (self.arm.rows[seed]["classes"] or math.nan) for seed in self.arm.ended("diverged")}
        return self.arm.errors | guessing

    @property
    def finished(self) -> list[str]:
        """The trials of the seeds that finished, by seed."""
        return [row["trial_id"] for _, row in sorted(self.arm.finished.items())]

    @property
    def lacking(self) -> int:
        """How many of its seeds failed or are missing."""
        return len(self.arm.ended("failed") | self.arm.ended("missing"))

    @property
    def mean_error(self) -> float:
        """Over seeds."""
        return float(over_seeds(list(self.errors.values())).mean)


@dataclass(frozen=True)
class Comparison:
    """A projected network against a plain one: its error minus the other's, a share of the validation images."""

    projected: Side
    plain: Side
    by_seed: bool
    """Whether both draw alike, so that they are paired by seed."""
    error: Difference

    @property
    def lacking(self) -> int:
        """Seeds of either side that failed or are missing."""
        return self.projected.lacking + self.plain.lacking


def is_projected(row: Row) -> bool:
    """Whether transitions are projected while the network trains."""
    return float(row.get(_PROJECTION) or 0) > 0


def training_key(row: Row, but: Iterable[str] = ()) -> tuple[Any, ...]:
    """All factors of a training but its seed and some others."""
    left = {"seed", *but}
    return tuple(row[name] for name in training_factors() if name not in left)


def twin(row: Row, others: Sequence[Row], but: Iterable[str] = ()) -> int | None:
    """The place of the plain twin of a network among other trials: of another kind, and nearest in parameters."""
    of_network = ("network", "depth", "stages", "filters", *NETWORKS.own_factors())
    free = {*of_network, *method_factors(), *but}
    apart = {
        place: abs(math.log(other["parameters"] / row["parameters"]))
        for place, other in enumerate(others)
        if other["method"] == PLAIN
        and other["network"] != row["network"]
        and all(other[name] == row[name] for name in _BLOCKS)
        and training_key(row, free) == training_key(other, free)
    }
    near = min(apart, key=apart.__getitem__, default=None)
    return near if near is not None and apart[near] <= math.log(MOST_PARAMETERS) else None


def compare_projected(groups: Sequence[Group], networks: Sequence[NetworkNorms]) -> list[Comparison]:
    """Every projected network with a measured transition, against its like and against its plain twin."""
    transitions = {training_key(each.trial): each.transition for each in networks if each.after}
    sides = [_side(group, arm, transitions) for group in groups for arm in group.arms.values()]
    projected = [each for each in sides if is_projected(each.arm.first) and training_key(each.arm.first) in transitions]
    return [found for each in projected for found in _comparisons(each, sides)]


def _side(group: Group, arm: Arm, transitions: Mapping[tuple[Any, ...], Array]) -> Side:
    label = group.label if arm.name == PLAIN else f"{group.label}, {arm.name}"
    return Side(label, arm, over_seeds(transitions.get(training_key(arm.first), np.empty(0))).at())


def _comparisons(projected: Side, sides: Sequence[Side]) -> Iterator[Comparison]:
    first, methods = projected.arm.first, method_factors()
    alike = training_key(first, methods)
    for other in sides:
        if other.arm.method == PLAIN and training_key(other.arm.first, methods) == alike:
            one, two = projected.errors, other.errors
            both = projected.arm.ended("diverged") & other.arm.ended("diverged")
            yield Comparison(projected, other, True, paired(_without(one, both), _without(two, both)))
    found = twin(first, [each.arm.first for each in sides])
    if found is not None:
        errors = [list(each.errors.values()) for each in (projected, sides[found])]
        yield Comparison(projected, sides[found], False, contrast(errors, (1, -1)))


def _without(values: Mapping[int, float], left: set[int]) -> dict[int, float]:
    return {seed: value for seed, value in values.items() if seed not in left}
