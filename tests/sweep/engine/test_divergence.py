"""Trials that cease to be finite, and trials that do not fit."""

from collections.abc import Callable
from dataclasses import asdict

import pytest
import torch
from torch import Tensor

from models import FusedStack
from sweep.engine.fused import FusedGroup, evaluate
from sweep.engine.images import Split
from sweep.engine.training import train
from sweep.result import OutOfMemory, Progress, Setting, TrialResult
from sweep.trial import Trial

Train = Callable[..., list[TrialResult]]
Curves = Callable[[TrialResult], list[tuple[float, ...]]]

ABSURD = 100.0


@pytest.fixture
def healthy(base: Trial) -> list[Trial]:
    sgd = base.but(optimizer="sgd", momentum=0.9, learning_rate=1e-2, depth=4, epochs=3)
    return [sgd.but(seed=seed) for seed in range(3)]


def absurd(trial: Trial) -> Trial:
    return trial.but(learning_rate=ABSURD)


# With batches of 3 an epoch has 67 steps, so that networks leave in its midst as well as at its end.
@pytest.mark.parametrize("batch_size", [32, 3])
def test_a_diverged_trial_says_when_and_neighbours_do_not_notice(
    batch_size: int, healthy: list[Trial], trained: Train, curves: Curves
) -> None:
    trials = [trial.but(batch_size=batch_size) for trial in healthy]
    without = trained(trials)
    results = trained([trials[0], absurd(trials[1]), *trials[1:], absurd(trials[0])])
    for result in (results[1], results[4]):
        assert result.status == "diverged"
        assert result.diverged_epoch == 1
        assert result.epochs == ()
        assert result.last is None
        assert result.seconds > 0
    for result, alone in zip([results[0], *results[2:4]], without, strict=True):
        assert result.status == "finished"
        assert result.trial == alone.trial
        for epoch, twin in zip(curves(result), curves(alone), strict=True):
            assert epoch == pytest.approx(twin, rel=1e-4)


def test_a_trial_that_diverges_later_keeps_its_curve_until_then(healthy: list[Trial], trained: Train) -> None:
    # A product of weights that grow from epoch to epoch: finite at first, then not.
    slow = healthy[0].but(activation="relu", learning_rate=0.35, momentum=0.0, epochs=30, schedule="constant")
    candidates = trained([slow.but(learning_rate=rate) for rate in (0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0)])
    late = [result for result in candidates if (result.diverged_epoch or 0) > 1]
    for result in late:
        assert len(result.epochs) == (result.diverged_epoch or 0) - 1
        assert all(torch.tensor(list(asdict(epoch).values())).isfinite().all() for epoch in result.epochs)
    assert late


def test_a_diverged_network_leaves_the_group(healthy: list[Trial]) -> None:
    run = FusedGroup([absurd(healthy[0]), *healthy[1:]], Setting())
    epochs = run.epochs()
    next(epochs)
    assert run.live == [1, 2]
    assert len(run.network) == 2
    assert run.images.epoch_order(2).shape[1] == 2
    assert all(len(parameter) == 2 for parameter in run.network.parameters())


def test_final_training_numbers_that_are_not_finite_are_a_divergence(
    base: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overflowing(network: FusedStack, split: Split, index: Tensor) -> tuple[Tensor, Tensor]:
        loss, accuracy = evaluate(network, split, index)
        return (loss.index_fill(0, torch.tensor(0), torch.inf) if split is run.images.train else loss), accuracy

    run = FusedGroup([base, base.but(learning_rate=1e-2)], Setting())
    monkeypatch.setattr("sweep.engine.fused.evaluate", overflowing)
    list(run.epochs())
    first, second = run.results()
    assert (first.status, first.diverged_epoch, len(first.epochs)) == ("diverged", base.epochs, base.epochs - 1)
    assert (second.status, len(second.epochs)) == ("finished", base.epochs)


def test_when_all_have_diverged_training_ends(healthy: list[Trial]) -> None:
    trials = [absurd(trial).but(epochs=1000) for trial in healthy]
    *progress, results = train(trials, Setting())
    assert len(progress) == 1
    assert isinstance(results, list)
    assert [result.status for result in results] == ["diverged"] * 3


def test_progress_grows_to_all(base: Trial) -> None:
    trials = [base.but(seed=seed, activation=name) for seed in range(2) for name in ("relu", "tanh", "gelu")]
    shares = [report.share for report in train(trials, Setting()) if isinstance(report, Progress)]
    assert shares == sorted(shares)
    assert shares[0] > 0
    assert shares[-1] == 1


def test_trials_that_do_not_fit_are_out_of_memory(base: Trial) -> None:
    petabytes = base.but(depth=4096, filters=4096, kernel_size=15)
    with pytest.raises(OutOfMemory, match="allocate"):
        list(train([petabytes], Setting()))


def test_other_errors_are_not_taken_for_a_lack_of_memory(base: Trial) -> None:
    with pytest.raises(RuntimeError, match="nonsense"):
        list(train([base], Setting(device="nonsense")))


@pytest.mark.parametrize("error", [MemoryError("host"), torch.OutOfMemoryError("device")])
@pytest.mark.parametrize(
    ("kernel", "module"), [("native", "sweep.engine.native.training"), ("torch", "sweep.engine.fused")]
)
def test_every_lack_of_memory_is_reported_alike(
    error: Exception, kernel: str, module: str, base: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(f"{module}.TrialImages", fail)
    with pytest.raises(OutOfMemory, match=str(error)):
        list(train([base], Setting(kernel=kernel)))
