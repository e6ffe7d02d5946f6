"""Trains many networks of one shape as one fused network.

Nothing here draws from a global generator: initial weights, subset and batch order come from each trial's seed.
"""

import time
from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from models import FusedStack
from sweep.engine.group import Group
from sweep.engine.images import Split, TrialImages
from sweep.engine.optimizer import OPTIMIZERS
from sweep.engine.schedules import SCHEDULES
from sweep.result import Epoch, Setting
from sweep.trial import Trial

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
_EVALUATION_VALUES = 1 << 22
"""Activation values of one layer in an evaluation batch."""
_FINITE_CHECK_STEPS = 50


class FusedGroup(Group):
    """Networks of one shape, trained as one network of torch."""

    kernel: ClassVar[str] = "torch"

    def __init__(self, trials: Sequence[Trial], setting: Setting) -> None:
        super().__init__(trials, setting)
        first = trials[0]
        self.images = TrialImages(trials, setting.device, setting.data_cache)
        kinds, seeds = [trial.kind for trial in trials], [trial.draw_seed for trial in trials]
        network = first.kind.fused(kinds, first.shape, seeds, _DTYPES[first.precision])
        self.network: FusedStack = network.to(setting.device)
        self.optimizer = OPTIMIZERS[first.optimizer](self._parameters, trials)
        self.step = 0

    @property
    def _parameters(self) -> list[Tensor]:
        return list(self.network.parameters())

    def values(self, index: int) -> Mapping[str, Tensor]:
        """See `Group`."""
        place = self.live.index(index)
        return {name: self.network.value(name)[place].detach() for name in self.network.shape.tensors()}

    def train_epoch(self, epoch: int) -> None:
        """See `Group`."""
        started, trained = time.perf_counter(), list(self.live)
        rows = self._train_epoch(epoch)
        if self.live:
            loss, accuracy, norm = rows
            network, images = self.network, self.images
            measured = evaluate(network, images.validation, images.validation_index)
            if epoch == self.trials[0].epochs:
                loss, accuracy = evaluate(network, images.train, images.train_index)
            rows = self._drop_diverged(torch.stack([loss, accuracy, *measured, norm]), epoch)
        share = (time.perf_counter() - started) / len(trained)
        for index in trained:
            self.seconds[index] += share
        for index, row in zip(self.live, rows.T.tolist(), strict=True):
            self.curves[index].append(Epoch(epoch, *row, seconds=share))

    def _train_epoch(self, epoch: int) -> Tensor:
        """Means over one epoch of training loss, accuracy and gradient norm, float64 (3, live networks)."""
        order = self.images.epoch_order(epoch)
        samples, size = len(order), self.trials[0].batch_size
        steps = -(-samples // size)
        total = _zeros(3, len(self.live), like=order)
        for number in range(steps):
            batch = order[number * size : (number + 1) * size]
            total += self._train_step(batch, steps) * len(batch) / samples
            if number % _FINITE_CHECK_STEPS == _FINITE_CHECK_STEPS - 1 or number == steps - 1:
                total = self._drop_diverged(total, epoch)
                if not self.live:
                    break
                order = self.images.epoch_order(epoch) if total.shape[1] < order.shape[1] else order
        return total

    def _train_step(self, batch: Tensor, steps_per_epoch: int) -> Tensor:
        """One step on indices (B, K); loss, accuracy and gradient norm (3, K), float64."""
        images, labels = self.images.train.batch(batch)
        logits = self.network(images)
        losses = _losses(logits, labels).mean(1)
        parameters = self._parameters
        for parameter in parameters:
            parameter.grad = None
        losses.sum().backward()
        self.optimizer.step(parameters, self._rates(steps_per_epoch, like=losses))
        self.step += 1
        with torch.no_grad():
            squares = [p.grad.flatten(1).square().sum(1) for p in parameters if p.grad is not None]
            norm = torch.stack(squares).double().sum(0).sqrt()
            accuracy = (logits.argmax(2) == labels).double().mean(1)
            return torch.stack([losses.double(), accuracy, norm])

    def _rates(self, steps_per_epoch: int, like: Tensor) -> Tensor:
        done = self.step / (steps_per_epoch * self.trials[0].epochs)
        live = [self.trials[index] for index in self.live]
        return like.new_tensor([trial.learning_rate * SCHEDULES[trial.schedule](done) for trial in live])

    def _drop_diverged(self, rows: Tensor, epoch: int) -> Tensor:
        """Take networks that are not finite out of the group, by their columns in `rows`; returns the other columns."""
        finite = torch.isfinite(rows).all(0)
        if bool(finite.all()):
            return rows
        kept = finite.nonzero().flatten()
        left = [self.live[place] for place in kept.tolist()]
        self.diverged.update(dict.fromkeys(set(self.live) - set(left), epoch))
        self.live = left
        if self.live:
            self.network = self.network.keep(kept)
            self.optimizer.keep(kept)
            self.images.keep(kept)
        return rows[:, kept]


@torch.inference_mode()
def evaluate(network: FusedStack, split: Split, index: Tensor) -> tuple[Tensor, Tensor]:
    """Mean loss and accuracy (K), float64, over the images at `index`: (N), or (N, K) with a column per network."""
    total = _zeros(2, len(network), like=index)
    size = max(1, _EVALUATION_VALUES // (len(network) * network.shape.branches * network.shape.features))
    for chunk in index.split(size):
        images, labels = split.batch(chunk)
        logits = network(images)
        labels = labels.expand(len(network), -1)
        total[0] += _losses(logits, labels).double().sum(1)
        total[1] += (logits.argmax(2) == labels).double().sum(1)
    loss, accuracy = total / len(index)
    return loss, accuracy


def _losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy (K, B) of logits (K, B, classes) and labels (K, B), in nats."""
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(labels.shape)


def _zeros(*size: int, like: Tensor) -> Tensor:
    return torch.zeros(*size, dtype=torch.float64, device=like.device)
