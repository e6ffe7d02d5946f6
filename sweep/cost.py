"""How long trials take: a linear model of their arithmetic, their memory traffic and their steps."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sweep.trainings import base_trainings, trained_alone, trainings
from sweep.trial import Trial

Features = tuple[float, float, float]

_STEP_LAUNCHES, _BLOCK_LAUNCHES = 60, 25
"""Kernels of a training step beside its blocks, and of each block: forward, backward and optimiser. A count by hand."""


def features(trials: Sequence[Trial]) -> Features:
    """Floating-point operations, activation values and optimiser steps of trials, what they measure included.

    A backward pass is two forward ones. A training that several trials share, or start from, counts once.
    """
    parts = [training_features(trial) for trial in trainings(trials)]
    parts += [measuring_features(trial) for trial in trials]
    flops, values, steps = (sum(part[place] for part in parts) for place in range(3))
    return flops, values, steps


def gpu_features(trials: Sequence[Trial], width: int) -> Features:
    """As `features`, but kernel launches instead of steps: `width` networks that are trained as one share theirs."""
    flops, values, _ = features(trials)
    trained, bases = trainings(trials), base_trainings(trials)
    alone = [trial for trial in trained if trained_alone(trial, bases)]
    launches = sum(map(_launches, alone))
    if len(alone) < len(trained):
        launches += math.ceil((len(trained) - len(alone)) / width) * _launches(trials[0])
    return flops, values, launches


def _launches(trial: Trial) -> float:
    """Kernels started in a trial's own epochs: its blocks one after another, but those of a fused stage at once."""
    deep = len(trial.shape.blocks) if trial.alone else trial.stages
    return training_features(trial)[2] * (_STEP_LAUNCHES + _BLOCK_LAUNCHES * deep)


def training_features(trial: Trial) -> Features:
    """Of a trial's own epochs with their validation."""
    images = (
        trial.trained_by.passes * trial.epochs * trial.train_samples
        + trial.epochs * trial.val_samples
        + trial.train_samples
    )
    steps = trial.epochs * -(-trial.train_samples // trial.batch_size)
    return images * trial.shape.forward_flops, images * trial.shape.activation_elements, float(steps)


def measuring_features(trial: Trial) -> Features:
    """Of what is measured on a trial's network."""
    images = sum(measure.passes(trial) for measure in trial.measured_by)
    return images * trial.shape.forward_flops, images * trial.shape.activation_elements, 0.0


@dataclass(frozen=True)
class CostModel:
    """Seconds per floating-point operation, per activation value and per step, of one worker.

    The defaults were fitted to one core of a server processor; they order packs and weigh progress, where ratios
    matter alone. `sweep.calibration` measures the machine at hand.
    """

    per_flop: float = 1.5e-11
    per_value: float = 1.1e-9
    per_step: float = 1.2e-3

    def seconds(self, trials: Sequence[Trial]) -> float:
        """Estimated time of training and measuring the trials one after another, each training once."""
        return self._weigh(features(trials))

    def training(self, trial: Trial) -> float:
        """The part of it that a trial's own epochs take."""
        return self._weigh(training_features(trial))

    def measuring(self, trial: Trial) -> float:
        """The part of it that a trial's measures take."""
        return self._weigh(measuring_features(trial))

    def _weigh(self, amounts: Features) -> float:
        flops, values, steps = amounts
        return self.per_flop * flops + self.per_value * values + self.per_step * steps


@dataclass(frozen=True)
class GPUCostModel:
    """Seconds per floating-point operation, per activation value and per kernel launch, of one GPU.

    The defaults are a rule and not measured: a GPU does the arithmetic of 30 of the processors that `CostModel` was
    fitted to and the memory traffic of 50, and a kernel started from Python takes 8 microseconds, which networks that
    are trained as one share. They order packs; a run corrects them by what it observes.
    """

    per_flop: float = CostModel.per_flop / 30
    per_value: float = CostModel.per_value / 50
    per_launch: float = 8e-6

    def seconds(self, trials: Sequence[Trial], width: int, share: float = 1.0) -> float:
        """Estimated time of a pack of which `width` networks are trained as one, on a share, 0 to 1, of a GPU.

        Packs that share a GPU share its arithmetic and its memory traffic; their launches overlap.
        """
        flops, values, launches = gpu_features(trials, width)
        return (self.per_flop * flops + self.per_value * values) / share + self.per_launch * launches
