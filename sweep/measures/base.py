"""What a measure is: its factors, its cost, and the rows that it measures on a trained network."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from models.intervention import Intervention
from sweep.result import Measurement

if TYPE_CHECKING:
    from torch import Tensor

    from models.blocks import BlockNetwork
    from sweep.engine.images import TrialImages
    from sweep.trial import Trial

Measured = Iterator[tuple[float, Sequence[Measurement]]]
"""The share done, 0 to 1, with the rows measured since the last report."""


ERROR, LOSS = "error", "loss"
"""Metrics of scores: the share of images classified wrongly, and the mean loss in nats."""


@dataclass(frozen=True)
class Subject:
    """A trained network, in evaluation mode on the device of its images, and what it was trained on."""

    trial: "Trial"
    network: "BlockNetwork"
    intervention: Intervention
    """Under which the network is evaluated: gates where it was trained with `rescale` evaluation, else none."""
    images: "TrialImages"
    """Of this one trial; `images.train` and `images.validation` are on the device."""
    initial: Callable[[], "BlockNetwork"]
    """The same network before training, in evaluation mode on the same device."""

    def validation_batches(self, size: int) -> "Iterator[tuple[Tensor, Tensor]]":
        """The validation images (batch, channels, height, width), float32, and labels (batch,)."""
        for chunk in self.images.validation_index.split(size):
            images, labels = self.images.validation.batch(chunk)
            yield images.permute(0, 3, 1, 2), labels


class Measure(ABC):
    """Something to measure on a trained network. Concrete ones are frozen dataclasses whose fields are factors."""

    needs_skips: ClassVar[bool] = False
    """Whether it measures skip connections, which not every network has."""

    @abstractmethod
    def passes(self, trial: "Trial") -> float:
        """Cost on a trial's network, in forward passes of one image."""
        ...

    @abstractmethod
    def measure(self, subject: Subject) -> Measured:
        """Measure the subject's network, and leave it as it is."""
        ...
