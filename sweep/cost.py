"""How long trials take: a linear model of arithmetic, memory traffic and steps."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweep.trainings import trainings
from sweep.trial import Trial

Features = tuple[float, float, float]


def features(trials: Sequence[Trial]) -> Features:
    """Floating-point operations, activation values and optimiser steps of trials, with their measures.

    A backward pass counts as two forward passes. A training that several trials share or start from counts once.
    """
    parts = [training_features(trial) for trial in trainings(trials)]
    parts += [measuring_features(trial) for trial in trials]
    flops, values, steps = (sum(part[place] for part in parts) for place in range(3))
    return flops, values, steps


def training_features(trial: Trial) -> Features:
    """The features of a trial's own epochs, with their validation and what is measured between them."""
    images = trial.trained_by.passes * trial.epochs * trial.train_samples
    images += trial.epochs * trial.val_samples + trial.train_samples
    steps = trial.epochs * -(-trial.train_samples // trial.batch_size)
    images += len(trial.measured_epochs) * _measuring_passes(trial)
    return images * trial.shape.forward_flops, images * trial.shape.activation_elements, float(steps)


def measuring_features(trial: Trial) -> Features:
    """The features of measuring a trial's trained network."""
    images = _measuring_passes(trial)
    return images * trial.shape.forward_flops, images * trial.shape.activation_elements, 0.0


def _measuring_passes(trial: Trial) -> float:
    return sum(measure.passes(trial) for measure in trial.measured_by)


@dataclass(frozen=True)
class CostModel:
    """One worker's seconds per floating-point operation, per activation value and per step.

    The defaults fit stacks on one core of a server processor (`benchmarks/results/kernel.json`, the faster kernel of
    each shape). They order packs and weigh progress, where only ratios matter; `sweep.calibration` measures the machine
    at hand.
    """

    per_flop: float = 1.0e-11
    per_value: float = 1.4e-10
    per_step: float = 2.0e-5

    def seconds(self, trials: Sequence[Trial]) -> float:
        """Estimated time to train and measure the trials one after another, each training once."""
        return self._weigh(features(trials))

    def training(self, trial: Trial) -> float:
        """Estimated time of a trial's own epochs."""
        return self._weigh(training_features(trial))

    def measuring(self, trial: Trial) -> float:
        """Estimated time of a trial's measures."""
        return self._weigh(measuring_features(trial))

    def _weigh(self, amounts: Features) -> float:
        flops, values, steps = amounts
        return self.per_flop * flops + self.per_value * values + self.per_step * steps
