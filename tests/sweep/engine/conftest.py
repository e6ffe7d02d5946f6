from collections.abc import Callable, Sequence

import pytest
from hypothesis import settings

from sweep.data import load
from sweep.engine.training import train
from sweep.errors import SweepError
from sweep.result import Epoch, Progress, Setting, TrialResult
from sweep.trial import Trial

# The first example of a process pays for loading; the examples are the same in every run.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

Train = Callable[..., list[TrialResult]]
Curves = Callable[[TrialResult], list[tuple[float, ...]]]


@pytest.fixture(scope="session")
def base() -> Trial:
    """A trial of a fraction of a second on real images."""
    try:
        load("mnist")
    except SweepError as error:
        pytest.skip(str(error))
    return Trial(
        "test",
        dataset="mnist",
        image_size=7,
        train_samples=200,
        val_samples=150,
        batch_size=32,
        epochs=2,
        depth=2,
        filters=2,
        learning_rate=3e-3,
    )


@pytest.fixture(scope="session", params=["native", "torch"])
def trained(request: pytest.FixtureRequest) -> Train:
    """Results of training the trials as one pack, by either kernel."""

    def run(trials: Sequence[Trial], threads: int = 1) -> list[TrialResult]:
        *progress, results = train(trials, Setting(threads=threads, kernel=request.param))
        assert all(isinstance(report, Progress) for report in progress)
        assert isinstance(results, list)
        return results

    return run


@pytest.fixture(scope="session")
def curves() -> Curves:
    """A result's measurements, epoch by epoch, without the time they took."""

    def rows(result: TrialResult) -> list[tuple[float, ...]]:
        return [_row(epoch) for epoch in result.epochs]

    return rows


def _row(epoch: Epoch) -> tuple[float, ...]:
    losses = epoch.train_loss, epoch.val_loss
    return (epoch.epoch, *losses, epoch.train_accuracy, epoch.val_accuracy, epoch.gradient_norm)
