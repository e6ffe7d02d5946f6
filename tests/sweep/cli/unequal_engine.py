"""An engine whose arrangements differ by half at every depth, where at depth 1 they are one function."""

from collections.abc import Iterator, Sequence

from sweep.result import Epoch, Progress, Setting, TrialResult
from sweep.trial import Trial


def train(trials: Sequence[Trial], setting: Setting) -> Iterator[Progress | list[TrialResult]]:
    def result(trial: Trial) -> TrialResult:
        loss = 1 + 0.1 * trial.seed + 0.5 * (trial.architecture == "parallel")
        return TrialResult(trial, "finished", (Epoch(1, loss, 0.5, loss, 0.5, 1.0, 0.0),), seconds=1.0)

    yield [result(trial) for trial in trials]
