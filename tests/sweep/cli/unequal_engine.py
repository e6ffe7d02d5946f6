"""An engine whose parallel losses are higher by 0.5 at every depth, even at 1, where both sides must be equal."""

from collections.abc import Iterator, Sequence

from sweep.result import Epoch, Progress, Setting, TrialResult
from sweep.trial import Trial


def train(trials: Sequence[Trial], setting: Setting) -> Iterator[Progress | list[TrialResult]]:
    def result(trial: Trial) -> TrialResult:
        loss = 1 + 0.1 * trial.seed + 0.5 * (trial.architecture == "parallel")
        return TrialResult(trial, "finished", (Epoch(1, loss, 0.5, loss, 0.5, 1.0, 0.0),), seconds=1.0)

    yield [result(trial) for trial in trials]
