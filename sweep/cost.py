"""How long a trial takes: a linear model of its arithmetic, its memory traffic and its steps."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweep.trial import Trial

Features = tuple[float, float, float]


def features(trial: Trial) -> Features:
    """Floating-point operations, activation values and optimiser steps of one trial; a backward pass is two forward."""
    images = 3.0 * trial.epochs * trial.train_samples + trial.epochs * trial.val_samples + trial.train_samples
    steps = trial.epochs * -(-trial.train_samples // trial.batch_size)
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
        """Estimated time of training the trials one after another."""
        return sum(
            self.per_flop * flops + self.per_value * values + self.per_step * steps
            for flops, values, steps in map(features, trials)
        )
