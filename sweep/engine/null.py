"""An engine that trains nothing, to measure what the rest of the service costs."""

from collections.abc import Iterator, Sequence

from sweep.result import Epoch, Event, Setting, TrialResult
from sweep.trial import Trial


def train(trials: Sequence[Trial], setting: Setting) -> Iterator[Event]:
    """One epoch of fixed numbers for every trial, at once; an `Engine`."""
    epoch = Epoch(1, train_loss=1.0, train_accuracy=0.5, val_loss=1.0, val_accuracy=0.5, gradient_norm=1.0, seconds=0.0)
    yield [
        TrialResult(trial, "finished", (epoch,), fused_with=len(trials), device="null", kernel="null")
        for trial in trials
    ]
