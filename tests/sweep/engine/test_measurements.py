"""The numbers of a result, against a training loop and an evaluation written out in plain PyTorch."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from models.fused import FusedStack
from models.stack_shape import StackShape
from sweep.data import area_average, balanced_subset, held_out, load
from sweep.engine.fused import FusedGroup
from sweep.engine.images import TrialImages
from sweep.result import Setting, TrialResult
from sweep.trial import HELD_OUT_SHARE, Trial
from tests.models.residual_stack import ResidualStack

Train = Callable[..., list[TrialResult]]


class Examples(NamedTuple):
    images: Tensor
    labels: Tensor


class Numbers(NamedTuple):
    loss: float
    accuracy: float


def examples(trial: Trial) -> tuple[Examples, Examples]:
    """Training and validation images (N, channels, height, width) and labels of a trial."""
    data = load(trial.dataset)
    if trial.validation == "test":
        train = balanced_subset(data.train_labels, trial.train_samples, trial.draw_seed)
        validation = balanced_subset(data.test_labels, trial.val_samples, 0)
        judged = data.test_images[validation], data.test_labels[validation]
    else:
        rest, held = held_out(data.train_labels, HELD_OUT_SHARE, trial.draw_seed)
        train = rest[balanced_subset(data.train_labels[rest], trial.train_samples, trial.draw_seed)]
        validation = held[balanced_subset(data.train_labels[held], trial.val_samples, trial.draw_seed)]
        judged = data.train_images[validation], data.train_labels[validation]
    both = []
    for pixels, labels in ((data.train_images[train], data.train_labels[train]), judged):
        images = torch.tensor(area_average(pixels, trial.image_size)).permute(0, 3, 1, 2) / 255
        if trial.normalisation == "published":
            mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (data.spec.mean, data.spec.std))
            images = (images - mean) / std
        both.append(Examples(images, torch.tensor(labels).long()))
    return both[0], both[1]


@torch.no_grad()
def measured(network: ResidualStack, data: Examples) -> Numbers:
    logits = network(data.images)
    accuracy = (logits.argmax(1) == data.labels).float().mean()
    return Numbers(float(F.cross_entropy(logits, data.labels)), float(accuracy))


def network_at(fused: FusedStack, k: int, trial: Trial) -> ResidualStack:
    single = ResidualStack(StackShape.of(trial.shape), trial.activation)
    single.load_values({name: fused.value(name)[k] for name in StackShape.of(trial.shape).tensors()})
    return single


def reference(trial: Trial) -> list[tuple[float, ...]]:
    """Training loss, accuracy, gradient norm, validation loss and accuracy, epoch by epoch, in plain PyTorch."""
    train, validation = examples(trial)
    position = {int(index): place for place, index in enumerate(_train_indices(trial))}
    network = ResidualStack(StackShape.of(trial.shape), trial.activation, trial.initialisation, trial.draw_seed)
    optimizer: torch.optim.Optimizer
    if trial.optimizer == "adamw":
        optimizer = torch.optim.AdamW(network.parameters(), trial.learning_rate, weight_decay=trial.weight_decay)
    else:
        optimizer = torch.optim.SGD(
            network.parameters(), trial.learning_rate, trial.momentum, weight_decay=trial.weight_decay
        )
    steps = trial.epochs * -(-trial.train_samples // trial.batch_size)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps) if trial.schedule == "cosine" else None
    order, rows = TrialImages([trial], "cpu", None), []
    for epoch in range(1, trial.epochs + 1):
        places = torch.tensor([position[int(index)] for index in order.epoch_order(epoch)[:, 0]])
        total = torch.zeros(3, dtype=torch.float64)
        for batch in places.split(trial.batch_size):
            optimizer.zero_grad()
            logits = network(train.images[batch])
            loss = F.cross_entropy(logits, train.labels[batch])
            loss.backward()
            optimizer.step()
            if cosine:
                cosine.step()
            hits = (logits.argmax(1) == train.labels[batch]).double().mean()
            norm = torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None]).norm()
            total += len(batch) * torch.stack([loss.detach().double(), hits, norm.double()])
        rows.append((*(total / trial.train_samples).tolist(), *measured(network, validation)))
    return rows


def _train_indices(trial: Trial) -> list[int]:
    return balanced_subset(load(trial.dataset).train_labels, trial.train_samples, trial.draw_seed).tolist()


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"architecture": "parallel", "depth": 4, "activation": "tanh"},
        {"architecture": "mixed", "depth": 4, "stages": 2, "activation": "gelu", "filters": 6},
        {"schedule": "cosine", "weight_decay": 0.1, "activation": "sigmoid"},
        {"optimizer": "sgd", "learning_rate": 0.05, "momentum": 0.9, "weight_decay": 1e-2, "schedule": "cosine"},
        {"dataset": "digits", "image_size": 8, "normalisation": "none", "kernel_size": 5, "batch_size": 200},
    ],
    ids=str,
)
def test_curves_are_those_of_a_plain_training_loop(change: dict, base: Trial, trained: Train) -> None:
    trial = base.but(epochs=3, **change)
    neighbour = trial.but(seed=5)
    result = trained([neighbour, trial])[1]
    expected = reference(trial)
    for number, (epoch, row) in enumerate(zip(result.epochs, expected, strict=True), 1):
        numbers = (epoch.train_loss, epoch.train_accuracy, epoch.gradient_norm, epoch.val_loss, epoch.val_accuracy)
        # In the last epoch the training numbers are not running means: see below.
        first = 0 if number < trial.epochs else 2
        assert numbers[first:] == pytest.approx(row[first:], rel=1e-3)
        assert numbers[first::3] == pytest.approx(row[first::3], rel=1e-4)
        assert epoch.epoch == number


@pytest.mark.parametrize("validation", ["test", "held-out"])
@pytest.mark.parametrize("normalisation", ["none", "published"])
def test_final_numbers_are_those_of_the_final_network(validation: str, normalisation: str, base: Trial) -> None:
    trials = [
        base.but(seed=seed, validation=validation, normalisation=normalisation, learning_rate=1e-2) for seed in range(3)
    ]
    run = FusedGroup(trials, Setting())
    list(run.epochs())
    for k, result in enumerate(run.results()):
        last = result.last
        assert last is not None
        network = network_at(run.network, k, trials[k])
        train, judged = (measured(network, data) for data in examples(trials[k]))
        assert (last.train_loss, last.val_loss) == pytest.approx((train.loss, judged.loss), rel=1e-5)
        assert (last.train_accuracy, last.val_accuracy) == pytest.approx((train.accuracy, judged.accuracy))


def test_final_training_numbers_are_not_the_running_means(base: Trial, trained: Train) -> None:
    short, long = trained([base])[0], trained([base.but(epochs=3)])[0]
    # The same two epochs under a constant rate: only what is measured at their end differs.
    assert short.epochs[0].train_loss == long.epochs[0].train_loss
    assert short.epochs[1].val_loss == long.epochs[1].val_loss
    assert short.epochs[1].train_loss < 0.99 * long.epochs[1].train_loss


def test_bfloat16_trains_float32_weights(base: Trial, trained: Train) -> None:
    half = base.but(precision="bf16", epochs=4, learning_rate=1e-2)
    run = FusedGroup([half, half.but(seed=1)], Setting())
    list(run.epochs())
    assert all(parameter.dtype == torch.float32 for parameter in run.network.parameters())
    assert not all(torch.equal(p, p.bfloat16().float()) for p in run.network.parameters())
    first, last = run.results()[0].epochs[0], run.results()[0].last
    assert last is not None
    assert last.val_loss < first.val_loss
    full = trained([half.but(precision="fp32")])[0].last
    assert full is not None
    assert last.val_loss == pytest.approx(full.val_loss, rel=0.1)
    assert last.val_loss != full.val_loss


def test_time_and_memory_are_accounted_for(base: Trial, trained: Train) -> None:
    trials = [base.but(seed=seed) for seed in range(4)]
    for result in trained(trials):
        assert result.seconds == pytest.approx(sum(epoch.seconds for epoch in result.epochs))
        assert result.seconds > 0
        assert result.fused_with == (4 if result.kernel == "torch" else 1)
        assert result.peak_memory_bytes > 2**20
        assert result.device == "cpu"
