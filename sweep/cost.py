"""How long a trial takes: a linear model of its arithmetic, its memory traffic and its steps."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweep.trial import Trial

Features = tuple[float, float, float]

_FEATURE_IMAGES = 1024


def features(trial: Trial) -> Features:
    """Floating-point operations, activation values and optimiser steps of one trial, what it measures included.

    A backward pass is two forward ones.
    """
    return _features(trial, training_images(trial) + measuring_images(trial))


def training_images(trial: Trial) -> float:
    """Forward passes of one image that training and validation come to, those of what it starts from included."""
    epochs = trial.epochs + trial.base_epochs
    return 3.0 * epochs * trial.train_samples + epochs * trial.val_samples + trial.train_samples


def measuring_images(trial: Trial) -> float:
    """Forward passes of one image that its measures come to."""
    blocks = trial.shape.blocks
    sizes = min(trial.most_deleted, blocks - 1)
    # A single deletion computes what follows the block; of random ones the first blocks are shared as well.
    lesions = 1 + blocks / 2 + 1.5 * trial.lesion_draws * sizes if "lesions" in trial.measures else 0.0
    orders = 1.0 + blocks.bit_length() if "truncation" in trial.measures else 0.0
    tuning = 3.0 * orders * trial.finetune_epochs * trial.train_samples
    paths = 3.0 * trial.path_draws * (blocks + 1)
    return (lesions + orders) * trial.val_samples + tuning + paths + _FEATURE_IMAGES * ("features" in trial.measures)


def _features(trial: Trial, images: float) -> Features:
    epochs = trial.epochs + trial.base_epochs
    steps = epochs * -(-trial.train_samples // trial.batch_size)
    shape = trial.shape
    return images * shape.forward_flops, images * shape.activation_elements, float(steps)


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
        """Estimated time of training and measuring the trials one after another."""
        return sum(self._weigh(features(trial)) for trial in trials)

    def measuring(self, trial: Trial) -> float:
        """The part of a trial's time that it measures in."""
        flops, values, _ = _features(trial, measuring_images(trial))
        return self._weigh((flops, values, 0.0))

    def _weigh(self, amounts: Features) -> float:
        flops, values, steps = amounts
        return self.per_flop * flops + self.per_value * values + self.per_step * steps
