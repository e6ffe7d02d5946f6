"""How well the stages of a study's networks keep the gradient's norm, over seeds and epochs (P4, 1805.07477).

A ratio is the norm of the loss's gradient at the input of a stage over that at its output; 1 keeps it. Ratios are held
as natural logarithms, as a stage that doubles the norm and one that halves it are equally far from keeping it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np

from analysis.arrays import Array
from analysis.equivalence.mean import Estimate
from analysis.measurements import Measured, Network, Study, measured_study
from analysis.networks import Row
from analysis.results import Results
from analysis.seeds import over_seeds
from sweep.measures.gradient_norms import RATIO, STAGE, TRANSITION
from sweep.parts import kind_of

LEAST_STAGES = 2
"""Fewer stages have no spread."""
UNLEARNED = 0.9
"""A network has hardly learned if its error is at least this share of that of guessing. Ours."""


@dataclass(frozen=True)
class NetworkNorms(Network):
    """One network and training over its seeds. Log ratios are NaN where there are none."""

    stages: Array
    """Log ratios, (seeds, epochs, stages)."""
    keeps: Array
    """Whether the values that a stage gives have the shape of those that it takes, (stages,)."""
    after: tuple[int, ...]
    """The stages that a transition between groups of blocks follows."""
    transitions: Array
    """Log ratios over these, (seeds, epochs, transitions)."""

    @property
    def depth(self) -> int:
        """The number of stages."""
        return len(self.keeps)

    @property
    def in_training(self) -> bool:
        """Whether it was measured before the end of its training too."""
        return len(self.epochs) > 1

    @cached_property
    def spreads(self) -> Array:
        """Standard deviation of the log ratio over the stages that keep the shape, (seeds, epochs)."""
        return _of_each(lambda logs: float(logs.std(ddof=1)), self.stages[..., self.keeps], LEAST_STAGES)

    @property
    def spread(self) -> Array:
        """That of the trained network, (seeds,)."""
        return self.spreads[:, -1]

    @property
    def mean_spread(self) -> Array:
        """Its mean over the epochs that were measured, (seeds,); NaN where only the trained network was."""
        return _of_each(np.mean, self.spreads) if self.in_training else np.full(len(self.seeds), np.nan)

    @property
    def distance(self) -> Array:
        """How far the stages of the trained network that keep the shape are from keeping the norm, (seeds,).

        The root mean square of their log ratios: unlike the spread, it counts what all of them do alike.
        """
        return _of_each(lambda logs: float(np.sqrt(np.mean(logs**2))), self.stages[:, -1, self.keeps])

    @property
    def typical(self) -> Array:
        """Mean log ratio over the stages of the trained network that keep the shape, (seeds,)."""
        return _of_each(np.mean, self.stages[:, -1, self.keeps])

    @property
    def total(self) -> Array:
        """Log ratio of the first state to the last, through all stages and transitions, (seeds,), once trained."""
        return self.stages[:, -1].sum(axis=-1) + self.transitions[:, -1].sum(axis=-1)

    @property
    def largest(self) -> Array:
        """The largest absolute log ratio of one stage of the trained network, (seeds,)."""
        return _of_each(lambda logs: float(np.abs(logs).max()), self.stages[:, -1])

    @property
    def passages(self) -> dict[str, Array]:
        """What lies between groups of blocks, by its place in words: transitions, and stages that change the shape.

        Log ratios are of (seeds, epochs).
        """
        between = {f"after stage {stage}": self.transitions[..., place] for place, stage in enumerate(self.after)}
        changing = np.flatnonzero(~self.keeps).tolist()
        return between | {f"stage {stage}, which changes the shape": self.stages[..., stage] for stage in changing}

    @property
    def transition(self) -> Array:
        """Mean log ratio over the transitions of the trained network, (seeds,)."""
        return _of_each(np.mean, self.transitions[:, -1])

    @property
    def error(self) -> Estimate:
        """On validation images, over seeds."""
        return over_seeds([_error(each.trial) for each in self.seeds]).at()

    @property
    def learned(self) -> bool:
        """Whether its error is clearly below that of guessing; so it is taken where that is not known."""
        return not self.error.value >= UNLEARNED * self.chance


def find_norms(results: Results, study: str) -> Study[NetworkNorms] | None:
    """The networks of a study over whose stages gradients were measured; None where there are none."""
    asked: dict[str, Any] = {"measure": "gradient-norms", "measurements": (STAGE, TRANSITION), "most": "measure_every"}
    found = measured_study(results, study, **asked)
    if found is None:
        return None
    course = measured_study(results, study, **asked, in_training=True)
    networks = course.networks if course else ()
    followed = {each.trial["trial_id"]: each for network in networks for each in network.seeds}

    def with_course(network: Network) -> NetworkNorms:
        return _norms(replace(network, seeds=tuple(followed.get(of.trial["trial_id"], of) for of in network.seeds)))

    return found.mapped(with_course)


def _norms(network: Network) -> NetworkNorms:
    courses = [each.course for each in network.seeds]
    epochs = network.epochs
    moments = [moment for course in courses for moment in course.values()]
    places = sorted({place for each in moments for place in each.get(STAGE, RATIO).size.tolist()})
    after = sorted({place for each in moments for place in each.get(TRANSITION, RATIO).size.tolist()})
    count = places[-1] + 1 if places else 0
    return NetworkNorms(
        **vars(network),
        stages=_logs(courses, epochs, STAGE, range(count)),
        keeps=keeps_shape(network.trial, count),
        after=tuple(after),
        transitions=_logs(courses, epochs, TRANSITION, after),
    )


def _logs(courses: Sequence[dict[int, Measured]], epochs: Sequence[int], name: str, places: Sequence[int]) -> Array:
    """Logarithms of ratios, (seeds, epochs, places); NaN where there is none, or nothing of the gradient is left."""
    found = [
        [_at(course[epoch].by("size", name, RATIO) if epoch in course else {}, places) for epoch in epochs]
        for course in courses
    ]
    return np.array(found, dtype=float).reshape(len(courses), len(epochs), len(places))


def _at(ratios: dict[int, float], places: Sequence[int]) -> list[float]:
    return [math.log(ratio) if (ratio := ratios.get(place, 0.0)) > 0 else math.nan for place in places]


def keeps_shape(trial: Row, stages: int) -> Array:
    """Whether what each of so many stages gives has the shape of what it takes, (stages,).

    Where the kind of network is not known here, all are taken to.
    """
    kind = kind_of(trial)
    unknown = np.ones(stages, dtype=bool)
    if kind is None:
        return unknown
    side, branches = trial["image_size"], kind.arranged(trial["depth"]) // trial["stages"]
    try:
        # No row says how many colours images have, and no stage but the first could tell.
        layout = kind.layout(trial["depth"], trial["filters"], branches, (3, side, side), trial["classes"])
    except (ValueError, TypeError):
        return unknown
    shapes = [
        layout.blocks[end - size].shape for size, end in zip(layout.stages, accumulate(layout.stages), strict=True)
    ]
    kept = np.array([shape.inputs == shape.outputs for shape in shapes], dtype=bool)
    return kept if len(kept) == stages else unknown


def _error(trial: Row) -> float:
    return math.nan if trial["val_accuracy"] is None else 1 - trial["val_accuracy"]


def _of_each(reduce: Callable[[Array], Any], values: Array, least: int = 1) -> Array:
    """What `reduce` makes of the finite values along the last axis, NaN where there are fewer than `least`."""
    rows = values.reshape(math.prod(values.shape[:-1]), values.shape[-1])
    finite = [row[np.isfinite(row)] for row in rows]
    found = [reduce(row) if len(row) >= least else np.nan for row in finite]
    return np.array(found, dtype=float).reshape(values.shape[:-1])
