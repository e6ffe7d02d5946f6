"""Trains stacks one by one by the compiled kernel, several at once where there are several threads."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sweep.engine.group import Group
from sweep.engine.images import Split, TrialImages
from sweep.engine.native.program import NotFinite, Pixels, Program
from sweep.engine.schedules import SCHEDULES
from sweep.result import Epoch, Setting
from sweep.trial import Trial

T = TypeVar("T")

_FIRST = 8
_SECONDS = 0.5
"""The longest call of the kernel, about: between two calls a training can be interrupted."""


class NativeGroup(Group):
    """Stacks of one shape. Nothing that one computes depends on the others, so each has the same bits alone.

    Raises `library.Unavailable` where there is no kernel.
    """

    kernel: ClassVar[str] = "native"

    def __init__(self, trials: Sequence[Trial], setting: Setting) -> None:
        super().__init__(trials, setting)
        first = trials[0]
        kinds, seeds = [trial.kind for trial in trials], [trial.draw_seed for trial in trials]
        start = first.kind.fused(kinds, first.shape, seeds)
        self.shape = start.shape
        self._networks = [
            _Network(trial, setting, Program(start.shape, activation, _flat(start.value, start.shape.tensors(), place)))
            for place, (trial, activation) in enumerate(zip(trials, start.activations, strict=True))
        ]
        self._stopped = threading.Event()

    @property
    def fused_with(self) -> int:
        """Each network is computed alone."""
        return 1

    def values(self, index: int) -> Mapping[str, Tensor]:
        """See `Group`."""
        flat = torch.from_numpy(self._networks[index].program.parameters)
        sizes = self.shape.tensors()
        parts = flat.split([int(np.prod(size)) for size in sizes.values()])
        return {name: part.view(size) for (name, size), part in zip(sizes.items(), parts, strict=True)}

    def train_epoch(self, epoch: int) -> None:
        """See `Group`."""

        def one(index: int) -> Epoch | None:
            return self._networks[index].epoch(epoch, self._stopped)

        with ThreadPoolExecutor(max(1, min(self.setting.threads, len(self.live)))) as pool:
            try:
                rows = list(pool.map(one, self.live))
            except BaseException:
                # The threads end at their next look.
                self._stopped.set()
                raise
        for index, row in zip(list(self.live), rows, strict=True):
            if row is None:
                self.diverged[index] = epoch
                self.live.remove(index)
            else:
                self.curves[index].append(row)
            self.seconds[index] = self._networks[index].seconds


class _Network:
    """One network with its images."""

    def __init__(self, trial: Trial, setting: Setting, program: Program) -> None:
        self.program = program
        self.seconds = 0.0
        self._trial = trial
        self._images = TrialImages([trial], setting.device, setting.data_cache)

    def epoch(self, number: int, stopped: threading.Event) -> Epoch | None:
        """Train and validate one epoch; None where a number ceased to be finite, or where the training was stopped."""
        started = time.perf_counter()
        images, trial = self._images, self._trial
        found = None
        with contextlib.suppress(NotFinite, _Stopped):
            loss, accuracy, norm = self._train(number, stopped)
            measured = self._evaluate(images.validation, images.validation_index, stopped)
            if number == trial.epochs:
                loss, accuracy = self._evaluate(images.train, images.train_index, stopped)
            found = (loss, accuracy, *measured, norm)
        seconds = time.perf_counter() - started
        self.seconds += seconds
        return None if found is None else Epoch(number, *map(float, found), seconds=seconds)

    def _train(self, number: int, stopped: threading.Event) -> NDArray[np.float64]:
        trial = self._trial
        order = self._images.epoch_order(number).numpy().ravel()
        size, pixels = trial.batch_size, _pixels(self._images.train)
        steps = -(-len(order) // size)
        # Each rate is of the share of the training that is done before its step.
        shares = (((number - 1) * steps + step) / (steps * trial.epochs) for step in range(steps))
        rates = [trial.learning_rate * SCHEDULES[trial.schedule](share) for share in shares]
        how = (trial.optimizer, trial.weight_decay, trial.momentum)

        def run(start: int, end: int) -> NDArray[np.float64]:
            return self.program.steps(pixels, order[start * size : end * size], size, rates[start:end], how)

        sums = np.zeros(3)
        for part in _sliced(steps, run, stopped):
            sums += part
        return sums / len(order)

    def _evaluate(self, split: Split, index: Tensor, stopped: threading.Event) -> NDArray[np.float64]:
        places, pixels, sums = index.numpy().ravel(), _pixels(split), np.zeros(2)
        for _ in _sliced(
            len(places), lambda start, end: self.program.evaluate(pixels, places[start:end], sums), stopped
        ):
            pass
        return sums / len(places)


class _Stopped(Exception):
    """Another thread of the training has failed or was interrupted."""


def _sliced(count: int, run: Callable[[int, int], T], stopped: threading.Event) -> Iterator[T]:
    """What `run` returns for runs of places from 0 to `count`, each short enough to be interrupted soon."""
    done, size = 0, _FIRST
    while done < count:
        if stopped.is_set():
            raise _Stopped
        end = min(count, done + size)
        began = time.perf_counter()
        yield run(done, end)
        seconds = time.perf_counter() - began
        size = max(1, min(4 * size, int(_SECONDS * (end - done) / max(seconds, 1e-9))))
        done = end


def _flat(value: Callable[[str], Tensor], names: Iterable[str], place: int) -> NDArray[np.float32]:
    return torch.cat([value(name)[place].detach().flatten() for name in names]).numpy()


def _pixels(split: Split) -> Pixels:
    channels = split.images.shape[3]
    scale, shift = (each.expand(channels).numpy() for each in (split.scale, split.shift))
    return Pixels(split.planes.numpy(), split.labels.numpy(), scale, shift)
