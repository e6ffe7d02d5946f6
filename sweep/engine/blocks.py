"""Trains one network of blocks by any method, from any epoch on.

Nothing here draws from a global generator: a step depends on the trial's seed, the epoch and the number of the step.
"""

import math
import time
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import BlockNetwork, Intervention
from sweep.engine.augmentation import crop_flip, epoch_draws
from sweep.engine.build import State, place
from sweep.engine.checkpoint import Trained, pack, pack_epochs, pack_measured, unpack_epochs, unpack_measured
from sweep.engine.images import Split, TrialImages
from sweep.engine.measuring import measured
from sweep.engine.resources import PeakMemory, device_name
from sweep.engine.schedules import SCHEDULES
from sweep.result import Checkpoint, Epoch, Measurement, Setting, TrialResult
from sweep.trial import Trial

_EVALUATION_IMAGES, _EVALUATION_VALUES = 1000, 1 << 24
"""Most images of an evaluation batch, and most values that its blocks compute."""
_REPORT_SECONDS = 1.0


class BlockTraining:
    """The training of one trial. `start` holds the weights that it starts from, if not the seed's."""

    def __init__(self, trial: Trial, setting: Setting, start: State | None = None) -> None:
        self.trial, self.setting = trial, setting
        self.memory = PeakMemory(setting.device)
        network = place(trial, setting.device, start)
        self.images = TrialImages([trial], setting.device, setting.data_cache)
        self.steps = BlockSteps(network, trial, self.images, setting.device)
        self.epochs: list[Epoch] = []
        self.measured: list[Measurement] = []
        self.seconds = 0.0
        self.diverged: int | None = None

    @property
    def network(self) -> BlockNetwork:
        """The network in its present state."""
        return self.steps.network

    def restore(self, values: Mapping[str, Any]) -> None:
        """Go on from an unpacked checkpoint, to the same end as if this training had never stopped."""
        self.network.load_state_dict(values["state"])
        self.steps.optimizer.load_state_dict(values["optimizer"])
        self.steps.done = values["steps"]
        self.epochs = list(unpack_epochs(values["epochs"]))
        self.measured = unpack_measured(values)
        self.seconds = values["seconds"]

    def run(self) -> Iterator[float | Checkpoint]:
        """Train to the end, and measure on the way; yields the share done, and checkpoints now and then."""
        saved = time.monotonic()
        while (done := len(self.epochs)) < self.trial.epochs and self.diverged is None:
            if done in self.trial.measured_epochs:
                for _ in measured(self.trial, self.network.state_dict(), self.setting, self.measured, done):
                    yield done / self.trial.epochs
            yield from self._epoch(done + 1)
            last = len(self.epochs) == self.trial.epochs or self.diverged is not None
            if not last and time.monotonic() - saved >= self.setting.save_seconds:
                yield self.checkpoint()
                saved = time.monotonic()

    def checkpoint(self) -> Checkpoint:
        """The state after the last epoch."""
        content = {
            "state": dict(self.network.state_dict()),
            "optimizer": self.steps.optimizer.state_dict(),
            "steps": self.steps.done,
            "epochs": pack_epochs(self.epochs),
            "measured": pack_measured(self.measured),
            "seconds": self.seconds,
        }
        return pack(self.trial, len(self.epochs), False, content)

    def trained(self) -> Trained:
        """The ended training, with its network unless it diverged."""
        result = TrialResult(
            trial=self.trial,
            status="finished" if self.diverged is None else "diverged",
            epochs=tuple(self.epochs),
            diverged_epoch=self.diverged,
            seconds=self.seconds,
            fused_with=1,
            peak_memory_bytes=self.memory.bytes(),
            device=device_name(self.setting.device),
            kernel="torch",
            measurements=tuple(self.measured),
        )
        state = {name: value.detach().cpu().clone() for name, value in self.network.state_dict().items()}
        return Trained(result, state if self.diverged is None else None)

    def _epoch(self, number: int) -> Iterator[float]:
        started = time.perf_counter()
        total, images = self.trial.epochs, self.images
        intervention = self.trial.trained_by.evaluation(self.trial)
        for share in self.steps.epoch(number):
            paused = time.perf_counter()
            yield (number - 1 + share) / total
            # The time that the consumer takes does not count.
            started += time.perf_counter() - paused
        loss, accuracy, norm = self.steps.means
        measured = evaluate(self.network, images.validation, images.validation_index, self.trial, intervention)
        if number == total:
            loss, accuracy = evaluate(self.network, images.train, images.train_index, self.trial, intervention)
        seconds = time.perf_counter() - started
        self.seconds += seconds
        if not all(map(math.isfinite, (loss, norm, measured[0]))):
            self.diverged = number
            return
        self.epochs.append(Epoch(number, loss, accuracy, *measured, gradient_norm=norm, seconds=seconds))
        yield number / total


class BlockSteps:
    """The optimiser steps of a trial's recipe on a network, epoch by epoch."""

    def __init__(self, network: BlockNetwork, trial: Trial, images: TrialImages, device: str) -> None:
        self.network, self.trial, self.images, self.device = network, trial, images, device
        self.optimizer = _optimizer(network, trial)
        self.done = 0
        self.means = (0.0, 0.0, 0.0)
        """Of the last epoch: training loss as minimised, accuracy, and norm of the gradient of all that was trained."""

    def epoch(self, epoch: int) -> Iterator[float]:
        """Take the steps of one epoch; yields the share of it done, about every second."""
        self.network.train()
        order = self.images.epoch_order(epoch)[:, 0]
        batches = self._batches(order)
        draws = None
        if self.trial.augmentation != "none":
            draws = epoch_draws(len(order), self.trial.image_size, self.trial.draw_seed, epoch).to(self.device)
        total = torch.zeros(3, dtype=torch.float64, device=order.device)
        reported, first = time.monotonic(), 0
        for number, batch in enumerate(batches, 1):
            images, labels = self.images.train.batch(batch)
            images = images.permute(0, 3, 1, 2)
            if draws is not None:
                images = crop_flip(images, draws[first : first + len(batch)])
            first += len(batch)
            total += self._step(images, labels, len(batches)) * len(batch) / len(order)
            if time.monotonic() - reported > _REPORT_SECONDS:
                if not bool(torch.isfinite(total).all()):
                    break
                yield number / len(batches)
                reported = time.monotonic()
        self.network.eval()
        loss, accuracy, norm = total.tolist()
        self.means = (loss, accuracy, norm)

    def _step(self, images: Tensor, labels: Tensor, steps_per_epoch: int) -> Tensor:
        """One step; loss, accuracy and gradient norm (3,), float64."""
        rate = SCHEDULES[self.trial.schedule](self.done / (steps_per_epoch * self.trial.epochs))
        for group in self.optimizer.param_groups:
            group["lr"] = self.trial.learning_rate * rate
        step = self.trial.trained_by.step(self.trial, self.done, len(images), self.device)
        with step.freezing(self.network):
            with precision(self.trial, self.device):
                logits = self.network(images, step.intervention)
            loss = F.cross_entropy(logits.float(), labels, label_smoothing=self.trial.label_smoothing)
            self.optimizer.zero_grad(set_to_none=True)
            # There is nothing to do where all that is trained lies behind a gate of zero.
            if loss.requires_grad:
                loss.backward()
            self.optimizer.step()
        self.trial.trained_by.after_step(self.trial, self.done, self.network)
        self.done += 1
        with torch.no_grad():
            squares = [p.grad.square().sum() for p in self.network.parameters() if p.grad is not None]
            norm = torch.stack(squares).sum().double().sqrt() if squares else loss.new_zeros((), dtype=torch.float64)
            return torch.stack([loss.double(), (logits.argmax(1) == labels).double().mean(), norm])

    def _batches(self, order: Tensor) -> list[Tensor]:
        """The batches of an epoch; where there are batch norms, a single image left over joins the batch before."""
        batches = list(order.split(self.trial.batch_size))
        norms = any(isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) for module in self.network.modules())
        norms = norms or self.trial.shape.least_batch > 1
        if norms and len(batches) > 1 and len(batches[-1]) == 1:
            batches[-2:] = [torch.cat(batches[-2:])]
        return batches


@torch.inference_mode()
def evaluate(
    network: BlockNetwork, split: Split, index: Tensor, trial: Trial, intervention: Intervention
) -> tuple[float, float]:
    """Mean loss in nats and accuracy, over the images at `index` (N), of a network in evaluation mode."""
    total = torch.zeros(2, dtype=torch.float64, device=index.device)
    size = max(1, min(_EVALUATION_IMAGES, _EVALUATION_VALUES // trial.shape.activation_elements))
    for chunk in index.split(size):
        images, labels = split.batch(chunk)
        with precision(trial, index.device.type):
            logits = network(images.permute(0, 3, 1, 2), intervention).float()
        total[0] += F.cross_entropy(logits, labels, reduction="none").double().sum()
        total[1] += (logits.argmax(1) == labels).double().sum()
    loss, accuracy = (total / len(index)).tolist()
    return loss, accuracy


def precision(trial: Trial, device: str) -> torch.autocast:
    """The context in which the trial's networks compute."""
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=trial.precision == "bf16")


def _optimizer(network: nn.Module, trial: Trial) -> torch.optim.Optimizer:
    parameters = list(network.parameters())
    if trial.optimizer == "adamw":
        return torch.optim.AdamW(parameters, trial.learning_rate, weight_decay=trial.weight_decay)
    return torch.optim.SGD(
        parameters,
        trial.learning_rate,
        trial.momentum,
        weight_decay=trial.weight_decay,
        nesterov=trial.optimizer == "nesterov",
    )
