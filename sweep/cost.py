"""How long trials take: a linear model of arithmetic, memory traffic and steps."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweep.trainings import trainings
from sweep.trial import Trial

Features = tuple[float, float, float, float, float]
"""Floating-point operations, then activation values and steps of networks that can be fused, then activation values
and steps times layers of all others."""


def features(trials: Sequence[Trial]) -> Features:
    """The features of trials, with their measures.

    A backward pass counts as two forward passes. A training that several trials share or start from counts once.
    """
    parts = [training_features(trial) for trial in trainings(trials)]
    parts += [measuring_features(trial) for trial in trials]
    flops, values, steps, alone, layers = (sum(part[place] for part in parts) for place in range(5))
    return flops, values, steps, alone, layers


def training_features(trial: Trial) -> Features:
    """The features of a trial's own epochs, with their validation and what is measured between them."""
    images = trial.trained_by.passes * trial.epochs * trial.train_samples
    images += trial.epochs * trial.val_samples + trial.train_samples
    steps = trial.epochs * -(-trial.train_samples // trial.batch_size)
    images += len(trial.measured_epochs) * _measuring_passes(trial)
    return _features(trial, images, float(steps))


def measuring_features(trial: Trial) -> Features:
    """The features of measuring a trial's trained network."""
    return _features(trial, _measuring_passes(trial), 0.0)


def _features(trial: Trial, images: float, steps: float) -> Features:
    shape = trial.shape
    flops, values = images * shape.forward_flops, images * shape.activation_elements
    if trial.kind.fuses:
        return flops, values, steps, 0.0, 0.0
    # Layer after layer of one small network, torch is busy with calling its kernels.
    return flops, 0.0, 0.0, values, steps * shape.layers


def _measuring_passes(trial: Trial) -> float:
    return sum(measure.passes(trial) for measure in trial.measured_by)


@dataclass(frozen=True)
class CostModel:
    """One worker's seconds for one of each feature.

    The defaults fit one core of a server processor: stacks in `benchmarks/results/kernel.json`, by the faster kernel of
    each shape, and the residual networks of the small studies. They order packs and weigh progress, where only ratios
    matter; `sweep.calibration` measures the machine at hand.
    """

    per_flop: float = 1.0e-11
    per_value: float = 1.4e-10
    per_step: float = 2.0e-5
    per_value_alone: float = 5.0e-10
    per_layer_step: float = 5.0e-4

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
        each = self.per_flop, self.per_value, self.per_step, self.per_value_alone, self.per_layer_step
        return sum(seconds * amount for seconds, amount in zip(each, amounts, strict=True))
