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
"""The share done, 0 to 1, with what was measured since."""


@dataclass(frozen=True)
class Subject:
    """A trained network, in evaluation mode on the device of its images, and what it was trained on."""

    trial: "Trial"
    network: "BlockNetwork"
    intervention: Intervention
    """That of any evaluation: the gates of a network trained with `rescale` evaluation, else none."""
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
    """What is measured on a trained network. Concrete ones are frozen dataclasses; their fields are their factors."""

    needs_skips: ClassVar[bool] = False
    """Whether it is about skip connections, so that a network without any has nothing to measure."""

    @abstractmethod
    def passes(self, trial: "Trial") -> float:
        """Cost on a trial's network, in forward passes of one image."""
        ...

    @abstractmethod
    def measure(self, subject: Subject) -> Measured:
        """Measure the subject's network, which may not be changed by it."""
        ...
