"""What a method of training is: its factors, its cost, and what each optimiser step does to the blocks."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import models
from models.intervention import Intervention
from models.layout import Layout
from models.streams import stream_seed

if TYPE_CHECKING:
    import torch

    from models.blocks import BlockNetwork
    from sweep.trial import Trial


@dataclass(frozen=True)
class Step:
    """One optimiser step: the intervention of its forward pass, and the blocks that alone are trained, if not all."""

    intervention: Intervention
    trained: frozenset[int] | None = None

    @contextmanager
    def freezing(self, network: "BlockNetwork") -> Iterator[None]:
        """Within this context only the trained blocks are trained."""
        if self.trained is None:
            yield
            return
        others = set(range(len(network.blocks))) - self.trained
        with models.frozen(network, others, outside=True):
            yield


class Training(Protocol):
    """A method at work on one network."""

    @property
    def evaluation(self) -> Intervention:
        """The intervention under which the network is evaluated."""
        ...

    def step(self, number: int, batch: int) -> Step:
        """Optimiser step `number`, from 0, on a batch of `batch` images."""
        ...


class Method(ABC):
    """A method of training. Concrete ones are frozen dataclasses; their fields are the factors that they take.

    Every draw comes from a stream named by the trial's seed and the number of the step, so that a training that is cut
    off goes on as if it had not been.
    """

    needs_skips: ClassVar[bool] = True
    """Whether it drops blocks, which a network without skip connections cannot spare."""
    above_zero: ClassVar[tuple[str, ...]] = ()
    """Its factors that must be above 0."""
    passes: ClassVar[float] = 3.0
    """Cost of a training image in forward passes; a backward pass is two."""

    def check(self, layout: Layout) -> None:
        """Raise SweepError where the factors do not go together, or not with the network; by default nothing."""
        return

    @abstractmethod
    def start(self, network: "BlockNetwork", trial: "Trial", device: str) -> Training:
        """The method at work on a trial's network, which is on `device`."""
        ...

    @classmethod
    @abstractmethod
    def describe(cls, row: Mapping[str, Any]) -> str:
        """A row of `trials` in a few words that name the method, as ``droppath 0.5``; empty for the plain one."""
        ...


def step_stream(trial: "Trial", number: int) -> "torch.Generator":
    """The stream of a draw of blocks, by the trial's seed and method and the number of the draw."""
    import torch

    return torch.Generator().manual_seed(stream_seed(trial.seed, f"{trial.method}/{number}"))
