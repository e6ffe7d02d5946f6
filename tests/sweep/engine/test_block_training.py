"""Training of one network of blocks: what it depends on, and going on from a checkpoint."""

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
import torch

from sweep.engine.blocks import BlockTraining
from sweep.engine.checkpoint import unpack
from sweep.engine.training import train
from sweep.errors import SweepError
from sweep.result import Checkpoint, Progress, Setting, TrialResult
from sweep.trial import Trial

Curves = Callable[[TrialResult], list[tuple[float, ...]]]

RESNET = Trial(
    "test",
    dataset="digits",
    network="preresnet",
    depth=14,
    filters=4,
    train_samples=300,
    val_samples=200,
    optimizer="nesterov",
    momentum=0.9,
    learning_rate=0.05,
    schedule="onecycle",
    batch_size=50,
    epochs=3,
    augmentation="crop-flip",
)
METHODS: list[dict[str, Any]] = [
    {},
    {"method": "droppath", "drop_rate": 0.4, "drop_per": "sample", "label_smoothing": 0.1},
    {"method": "droppath", "drop_rate": 0.5, "rescale": "evaluation"},
    {"method": "residual-droppath", "drop_rate": 0.3, "retrain_steps": 2},
    {"method": "effective-paths", "kept_blocks": 3, "rescale": "evaluation"},
    {"pretrain_epochs": 2, "method": "residual-droppath", "drop_rate": 0.3, "retrain_steps": 1},
    {"method": "procrustes", "projection_rate": 0.5},
    {"measure": "subnetworks+gradient-norms+features", "measure_every": 1, "subnetwork_draws": 2},
]
OTHERS: list[dict[str, Any]] = [
    {"network": "resnet", "optimizer": "adamw", "momentum": 0.0, "learning_rate": 1e-3},
    {"network": "vgg", "depth": 7, "optimizer": "sgd"},
    {"network": "linear", "depth": 4},
    {"network": "stack", "depth": 4, "architecture": "mixed", "stages": 2},
    {"precision": "bf16"},
]
VARIANTS = [RESNET.but(train_samples=150, val_samples=100, **change) for change in METHODS + OTHERS]


def name_of(trial: Trial) -> str:
    fields = (trial.network, trial.method, trial.rescale, trial.precision, str(trial.pretrain_epochs), trial.measure)
    return "-".join(fields)


class Kept:
    """Checkpoints as a store would have them."""

    def __init__(self) -> None:
        self.latest: dict[str, Checkpoint] = {}

    def read(self, training_id: str) -> bytes | None:
        return self.latest[training_id].content if training_id in self.latest else None

    def setting(self) -> Setting:
        return Setting(checkpoint=self.read, save_seconds=0)


def run(trials: Sequence[Trial], kept: Kept, stop_after: int | None = None) -> list[TrialResult]:
    """Results, or nothing where the training is cut off after so many checkpoints."""
    seen = count(1)
    for event in train(trials, kept.setting()):
        if isinstance(event, Checkpoint):
            kept.latest[event.training_id] = event
            if next(seen) == stop_after:
                return []
        elif isinstance(event, list):
            return event
    raise AssertionError("the engine ended without results")


def state_of(trial: Trial, kept: Kept) -> dict[str, torch.Tensor]:
    values = unpack(trial, kept.latest[trial.training_id].content)
    assert values is not None
    return values["state"]


@pytest.mark.parametrize("trial", VARIANTS, ids=name_of)
def test_a_training_cut_off_ends_as_one_that_was_not(trial: Trial, curves: Curves) -> None:
    whole, parts = Kept(), Kept()
    [expected] = run([trial], whole)
    starts = 1 if trial.pretrain_epochs else 0
    for _ in range(2 + starts):
        assert run([trial], parts, stop_after=1) == []
    epochs = [kept.epoch for kept in parts.latest.values() if not kept.complete]
    assert epochs == [2 - starts]
    [resumed] = run([trial], parts)
    assert curves(resumed) == curves(expected)
    assert resumed.measurements == expected.measurements
    assert len(resumed.epochs) == trial.epochs
    ours, theirs = state_of(trial, parts), state_of(trial, whole)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize("complete", [True, False])
def test_a_checkpoint_that_lacks_a_part_counts_as_none(curves: Curves, complete: bool) -> None:
    kept = Kept()
    [expected] = run([RESNET], kept)
    if not complete:
        kept = Kept()
        run([RESNET], kept, stop_after=1)
    held = kept.latest[RESNET.training_id]
    parts = torch.load(io.BytesIO(held.content), weights_only=True)
    for part in sorted(parts.keys() - {"form", "status", "kernel", "measured"}):
        sink = io.BytesIO()
        torch.save({name: value for name, value in parts.items() if name != part}, sink)
        assert unpack(RESNET, sink.getvalue()) is None
        kept.latest[RESNET.training_id] = replace(held, content=sink.getvalue())
    [anew] = run([RESNET], kept)
    assert curves(anew) == curves(expected)


@pytest.mark.parametrize("trial", VARIANTS, ids=name_of)
def test_the_same_trial_twice_is_the_same_to_the_bit(trial: Trial, curves: Curves) -> None:
    torch.manual_seed(0)
    [one] = run([trial], Kept())
    torch.manual_seed(1)
    [two] = run([trial], Kept())
    [other] = run([trial.but(seed=1)], Kept())
    assert curves(one) == curves(two) != curves(other)


@pytest.mark.parametrize("trial", VARIANTS[:2], ids=name_of)
def test_it_learns(trial: Trial) -> None:
    [result] = run([trial.but(epochs=8, train_samples=1000, augmentation="none")], Kept())
    assert result.status == "finished"
    assert result.last is not None
    assert result.last.val_accuracy > 0.6
    assert result.last.train_loss < result.epochs[0].train_loss


def test_a_finished_training_is_not_done_again(curves: Curves) -> None:
    kept = Kept()
    [first] = run([RESNET], kept)
    asked = RESNET.but(study="another", measure="features")
    before = dict(kept.latest)
    [second] = run([asked], kept)
    assert kept.latest == before
    assert second.trial == asked
    assert second.measurements
    assert (curves(second), second.seconds) == (curves(first), first.seconds)


def test_trials_of_one_training_train_once_and_a_retraining_starts_from_it() -> None:
    kept = Kept()
    base = RESNET.but(epochs=4, train_samples=1000, augmentation="none")
    retrained = base.but(epochs=1, pretrain_epochs=base.epochs)
    trials = [retrained, base, base.but(measure="features")]
    results = run(trials, kept)
    assert [result.trial for result in results] == trials
    assert kept.latest.keys() == {base.training_id, retrained.training_id}
    assert results[1].epochs == results[2].epochs
    alone = Kept()
    [again] = run([retrained], alone)
    assert [epoch.val_loss for epoch in again.epochs] == [epoch.val_loss for epoch in results[0].epochs]
    assert results[0].epochs[0].train_loss < results[1].epochs[0].train_loss


@pytest.mark.parametrize("network", ["preresnet", "stack"])
def test_progress_only_goes_forward_and_a_base_counts(network: str) -> None:
    base = RESNET.but(network=network, depth=8 if network == "preresnet" else 2)
    trials = [base, base.but(measure="features"), base.but(epochs=2, pretrain_epochs=base.epochs)]
    shares = [event.share for event in train(trials, Setting()) if isinstance(event, Progress)]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    assert len(set(shares)) > 5


def test_a_retraining_under_way_does_not_train_its_base_again(curves: Curves) -> None:
    retrained = RESNET.but(epochs=3, pretrain_epochs=2)
    whole, kept = Kept(), Kept()
    [expected] = run([retrained], whole)
    run([retrained], kept, stop_after=3)
    assert kept.latest[retrained.training_id].epoch == 1
    assert retrained.base is not None
    del kept.latest[retrained.base.training_id]
    [result] = run([retrained], kept)
    assert curves(result) == curves(expected)
    assert kept.latest.keys() == {retrained.training_id}


def test_a_stack_takes_the_same_steps_alone_as_among_others(curves: Curves) -> None:
    stack = Trial("test", dataset="digits", depth=2, filters=2, train_samples=129, batch_size=64, epochs=2)
    retrained = stack.but(pretrain_epochs=2)
    [fused] = run([stack], Kept())
    alone = run([stack, retrained], Kept())[0]
    for one, other in zip(curves(alone), curves(fused), strict=True):
        assert one == pytest.approx(other, rel=1e-4)


def test_stacks_that_are_measured_keep_their_networks(curves: Curves) -> None:
    kept = Kept()
    stack = Trial("test", dataset="digits", depth=2, filters=2, train_samples=100, epochs=2, measure="features")
    trials = [stack, stack.but(seed=1)]
    first = run(trials, kept)
    assert kept.latest.keys() == {trial.training_id for trial in trials}
    assert all(checkpoint.complete for checkpoint in kept.latest.values())
    second = run([trials[1], stack.but(seed=2)], kept)
    assert second[0].measurements == first[1].measurements
    assert curves(second[0]) == curves(first[1])
    plain = Kept()
    run([stack.but(measure="none")], plain)
    assert not plain.latest


def test_a_checkpoint_that_is_none_is_refused() -> None:
    setting = Setting(checkpoint=lambda training_id: b"something else")
    with pytest.raises(SweepError, match=f"^the checkpoint of training {RESNET.training_id} is not from this version"):
        list(train([RESNET], setting))


def test_divergence_is_a_result_and_retraining_of_it_too() -> None:
    wild = RESNET.but(learning_rate=100.0, optimizer="sgd", network="linear", depth=8, schedule="constant")
    kept = Kept()
    results = run([wild, wild.but(epochs=1, pretrain_epochs=wild.epochs, measure="features")], kept)
    assert [result.status for result in results] == ["diverged", "diverged"]
    assert results[0].diverged_epoch == len(results[0].epochs) + 1
    assert not results[1].measurements
    assert [result.status for result in run([wild], kept)] == ["diverged"]


@pytest.fixture
def training() -> BlockTraining:
    trial = RESNET.but(method="residual-droppath", drop_rate=0.6, retrain_steps=2, weight_decay=1e-2)
    return BlockTraining(trial, Setting())


def test_what_is_frozen_is_bit_equal_across_the_second_iteration(training: BlockTraining) -> None:
    steps, network = training.steps, training.network
    network.train()
    seen_dropped, seen_frozen = 0, 0
    for batch in range(9):
        images, labels = training.images.train.batch(training.images.train_index[50 * (batch % 6) :][:50])
        step = steps.trial.trained_by.step(steps.trial, steps.done, 50, "cpu")
        before = _everything(training)
        steps._step(images.permute(0, 3, 1, 2), labels, 6)  # pyright: ignore[reportPrivateUsage]
        changed = {name for name, value in _everything(training).items() if not torch.equal(value, before[name])}
        if step.trained is None:
            assert batch % 3 == 0
            continue
        assert step.intervention.gates == {}
        for name in changed:
            assert any(name.startswith(f"blocks.{number}.branch.") for number in step.trained), name
        for number in step.trained:
            seen_dropped += 1
            assert {f"blocks.{number}.branch.2.weight", f"blocks.{number}.branch.0.running_mean"} <= changed
        seen_frozen += len(network.blocks) - len(step.trained)
    assert seen_dropped
    assert seen_frozen


def _everything(training: BlockTraining) -> dict[str, torch.Tensor]:
    """Parameters, running statistics and the optimiser's state, by name."""
    network, optimizer = training.network, training.steps.optimizer
    held = {name: value.detach().clone() for name, value in network.state_dict().items()}
    for name, parameter in network.named_parameters():
        momentum = optimizer.state.get(parameter, {}).get("momentum_buffer")
        held[f"{name}/momentum"] = torch.zeros(()) if momentum is None else momentum.clone()
    return held


def test_the_mask_of_a_cycle_is_kept_and_always_drops_something() -> None:
    trial = RESNET.but(method="residual-droppath", drop_rate=0.01, retrain_steps=3)
    masks = set()
    for cycle in range(20):
        first, *others = (trial.trained_by.step(trial, 4 * cycle + place, 50, "cpu") for place in range(4))
        assert first.trained is None
        assert first.intervention.dropped
        assert all(step.trained == first.intervention.dropped for step in others)
        masks.add(first.intervention.dropped)
    assert len(masks) > 2


def test_a_single_image_that_is_left_over_joins_the_batch_before() -> None:
    [result] = run([RESNET.but(network="vgg", depth=7, train_samples=301, batch_size=100)], Kept())
    assert result.status == "finished"
