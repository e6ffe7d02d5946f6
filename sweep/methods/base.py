"""What a method of training is: its factors, its cost, and what each optimiser step does to the blocks."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import models
from models.intervention import NO_INTERVENTION, Intervention
from models.layout import Layout
from models.streams import stream_seed

if TYPE_CHECKING:
    import torch

    from models.blocks import BlockNetwork
    from sweep.trial import Trial


@dataclass(frozen=True)
class Step:
    """One optimiser step: the intervention of its forward pass, and the blocks to train, None for the whole network."""

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


class Method(ABC):
    """A method of training. Concrete ones are frozen dataclasses; their fields are the factors that they take.

    A method keeps nothing from step to step: it draws from streams named by the trial's seed and the number of the
    step, so that an interrupted training goes on as if nothing had happened.
    """

    needs_skips: ClassVar[bool] = True
    """Whether it drops blocks, which a network without skip connections cannot spare."""
    above_zero: ClassVar[tuple[str, ...]] = ()
    """Its factors that must be above 0."""
    passes: ClassVar[float] = 3.0
    """Cost of a training image in forward passes; a backward pass costs two."""

    def check(self, layout: Layout) -> None:
        """Raise SweepError where the factors do not fit each other or the network; by default nothing."""
        return

    def evaluation(self, trial: "Trial") -> Intervention:
        """The intervention under which the trial's network is evaluated; by default none."""
        return NO_INTERVENTION

    @abstractmethod
    def step(self, trial: "Trial", number: int, batch: int, device: str) -> Step:
        """Optimiser step `number`, counted from 0, on a batch of `batch` images; `device` is the network's."""
        ...

    def after_step(self, trial: "Trial", number: int, network: "BlockNetwork") -> None:
        """Change the network's parameters in place after optimiser step `number`; by default not."""
        return

    @classmethod
    @abstractmethod
    def describe(cls, row: Mapping[str, Any]) -> str:
        """The method of a row of `trials` in a few words, such as ``droppath 0.5``; empty for the plain one."""
        ...


def step_stream(trial: "Trial", number: int) -> "torch.Generator":
    """The stream that draws blocks, named by the trial's seed and method and the number of the draw."""
    import torch

    return torch.Generator().manual_seed(stream_seed(trial.draw_seed, f"{trial.method}/{number}"))
