"""Measuring during a training: what it finds, and that the training does not notice."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from sweep.cost import CostModel, training_features
from sweep.engine.training import train
from sweep.errors import SweepError
from sweep.result import Measurement, Progress, Setting, TrialResult
from sweep.trial import Trial

Curves = Callable[[TrialResult], list[tuple[float, ...]]]

RESNET = Trial(
    "test",
    dataset="digits",
    network="preresnet",
    depth=14,
    filters=4,
    train_samples=200,
    val_samples=100,
    optimizer="sgd",
    learning_rate=0.05,
    batch_size=50,
    epochs=4,
    measure="subnetworks+gradient-norms+truncation",
    subnetwork_draws=3,
)
STACK = RESNET.but(network="stack", depth=3, filters=2, learning_rate=0.01)
TRIALS = {
    "resnet": (RESNET, "auto"),
    "droppath": (RESNET.but(method="droppath", drop_rate=0.3, rescale="evaluation"), "auto"),
    "stack alone": (STACK.but(label_smoothing=0.1), "auto"),
    "stack by the kernel": (STACK, "native"),
    "stacks fused in torch": (STACK, "torch"),
}


def run(trials: Sequence[Trial], kernel: str = "auto") -> list[TrialResult]:
    *events, results = train(trials, Setting(kernel=kernel))
    shares = [event.share for event in events if isinstance(event, Progress)]
    assert shares == sorted(shares)
    assert isinstance(results, list)
    assert shares[-1] == pytest.approx(1) or results[0].status == "diverged"
    return results


def at(epoch: int | None, result: TrialResult) -> list[Measurement]:
    return [replace(row, epoch=None) for row in result.measurements if row.epoch == epoch]


@pytest.mark.parametrize(("trial", "kernel"), TRIALS.values(), ids=TRIALS)
def test_an_epoch_measures_what_a_training_that_ends_there_does(trial: Trial, kernel: str, curves: Curves) -> None:
    group = [trial.but(measure_every=2), trial.but(measure_every=2, seed=1)]
    results = run(group, kernel)
    ends = run([each.but(measure_every=0) for each in group], kernel)
    middles = run([each.but(measure_every=0, epochs=2) for each in group], kernel)
    for result, end, middle in zip(results, ends, middles, strict=True):
        assert curves(result) == curves(end)
        assert list(dict.fromkeys(row.epoch for row in result.measurements)) == [0, 2, None]
        assert at(None, result) == list(end.measurements)
        assert at(2, result) == list(middle.measurements)
        assert len(at(0, result)) == len(at(2, result))
        assert at(0, result) != at(2, result) != at(None, result)


def test_what_is_drawn_is_the_same_at_every_epoch() -> None:
    [result] = run([RESNET.but(measure_every=1)])
    drawn = [[(row.subject, row.size, row.draw) for row in at(epoch, result)] for epoch in (0, 1, 2, 3, None)]
    assert all(each == drawn[0] for each in drawn)


def test_a_diverged_network_is_measured_up_to_its_end() -> None:
    wild = STACK.plain.but(learning_rate=100.0, measure_every=1, measure="gradient-norms")
    [result] = run([wild])
    assert result.status == "diverged"
    assert {row.epoch for row in result.measurements} == set(range(len(result.epochs) + 1))


def test_a_training_that_is_measured_is_its_own_training() -> None:
    trial = RESNET.but(measure_every=2)
    assert trial.training_id == trial.but(study="other").training_id
    others = [RESNET, trial.but(measure_every=1), trial.but(subnetwork_draws=4)]
    assert len({each.training_id for each in [trial, *others]}) == 4
    assert RESNET.training_id == RESNET.plain.training_id == trial.plain.training_id
    assert trial.draw_seed == RESNET.draw_seed


def test_what_is_measured_on_the_way_costs_time() -> None:
    costs = CostModel()
    trial = RESNET.but(measure_every=1)
    added = training_features(trial)[0] - training_features(RESNET)[0]
    assert added == pytest.approx(4 * RESNET.shape.forward_flops * sum(m.passes(RESNET) for m in RESNET.measured_by))
    assert costs.seconds([trial]) > costs.seconds([RESNET])


def test_nothing_to_measure_on_the_way_is_refused() -> None:
    with pytest.raises(SweepError, match=r"^measure_every is 2, but nothing is measured; set measure$"):
        RESNET.plain.but(measure_every=2)
