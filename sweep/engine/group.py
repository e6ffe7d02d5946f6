"""What every way of training networks of one shape has in common: curves, times, and results."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from torch import Tensor

from sweep.engine.build import State, build
from sweep.engine.measuring import measured
from sweep.engine.resources import PeakMemory, device_name
from sweep.result import Epoch, Measurement, Setting, TrialResult
from sweep.trial import Trial


class Group(ABC):
    """Networks of one shape in training. A network that is no longer finite leaves the group."""

    kernel: ClassVar[str]
    """What trains it, as the column `kernel` has it."""

    def __init__(self, trials: Sequence[Trial], setting: Setting) -> None:
        self.trials, self.setting = list(trials), setting
        self.memory = PeakMemory(setting.device)
        self.live = list(range(len(trials)))
        self.curves: list[list[Epoch]] = [[] for _ in trials]
        self.measured: list[list[Measurement]] = [[] for _ in trials]
        self.diverged: dict[int, int] = {}
        self.seconds = [0.0] * len(trials)

    @property
    def fused_with(self) -> int:
        """How many networks are computed as one."""
        return len(self.trials)

    def epochs(self) -> Iterator[float]:
        """Train to the end, and measure on the way; yields the share of epochs done."""
        total = self.trials[0].epochs
        for epoch in range(1, total + 1):
            for _ in self._measure(epoch - 1):
                yield (epoch - 1) / total
            if not self.live:
                return
            self.train_epoch(epoch)
            yield epoch / total

    def _measure(self, epoch: int) -> Iterator[float]:
        """Measure the live networks whose trials ask for it after so many epochs."""
        for index in list(self.live):
            if epoch in self.trials[index].measured_epochs and (state := self.state(index)) is not None:
                yield from measured(self.trials[index], state, self.setting, self.measured[index], epoch)

    @abstractmethod
    def train_epoch(self, epoch: int) -> None:
        """Train and validate one epoch of every live network; adds to its curve and time, or notes it as diverged."""

    @abstractmethod
    def values(self, index: int) -> Mapping[str, Tensor]:
        """The parameters of a live network, by their names in its fused form."""

    def state(self, index: int) -> State | None:
        """The state of the trial's network as if it had been trained alone, or None where it diverged."""
        if index in self.diverged:
            return None
        trial = self.trials[index]
        network = build(trial)
        trial.kind.load_fused(network, self.values(index))
        return dict(network.state_dict())

    def results(self) -> list[TrialResult]:
        """One result per trial, in the order given."""
        peak = self.memory.bytes()
        return [
            TrialResult(
                trial=trial,
                status="diverged" if index in self.diverged else "finished",
                epochs=tuple(self.curves[index]),
                diverged_epoch=self.diverged.get(index),
                seconds=self.seconds[index],
                fused_with=self.fused_with,
                peak_memory_bytes=peak,
                device=device_name(self.setting.device),
                kernel=self.kernel,
                measurements=tuple(self.measured[index]),
            )
            for index, trial in enumerate(self.trials)
        ]
