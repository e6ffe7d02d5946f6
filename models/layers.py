"""The layers of networks: their sizes and costs, without torch, and their torch modules."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from functools import cached_property, partial
from math import prod
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from torch import nn

Size = tuple[int, ...]
"""Size of one sample's values: (channels, height, width), or (features,)."""
ImageShape = tuple[int, int, int]
"""channels, height, width"""
Saved = Literal["input", "output", "inner"]
"""What autograd keeps of a layer: its input, its output, or inner tensors of `Layer.inner` values."""

SAVED_OF_ACTIVATION: dict[str, Saved] = {"relu": "output", "tanh": "output", "gelu": "input", "sigmoid": "output"}
"""The tensor that autograd keeps for each activation in `models.activations`."""


@dataclass(frozen=True)
class Layer(ABC):
    """A layer from values of one size to values of another. Without `outputs`, `_gives` derives their size.

    This base has no parameters, no arithmetic worth counting, and saves nothing.
    """

    inputs: Size
    outputs: Size = ()
    _saves: ClassVar[tuple[Saved, ...]] = ()

    def __post_init__(self) -> None:
        if not self.outputs:
            object.__setattr__(self, "outputs", self._gives())

    def _gives(self) -> Size:
        return self.inputs

    @property
    def parameters(self) -> int:
        """Number of trained values."""
        return 0

    @property
    def flops(self) -> int:
        """Operations of one sample's forward pass; a multiply-add counts as two."""
        return 0

    @property
    def counted(self) -> bool:
        """Whether it is one of the layers that the depth of a network counts, such as a convolution."""
        return self.flops > 0

    @property
    def saves(self) -> tuple[Saved, ...]:
        """The tensors that autograd keeps for the backward pass."""
        return self._saves

    @property
    def inner(self) -> int:
        """Values of one sample in all inner tensors, if autograd keeps any."""
        return prod(self.outputs)

    @property
    def is_view(self) -> bool:
        """Whether the output is the input's memory under another size."""
        return False

    @property
    def least_batch(self) -> int:
        """The fewest samples that it can be trained on at once."""
        return 1

    @abstractmethod
    def module(self) -> "nn.Module":
        """The torch module, on torch's current default device."""
        ...


@dataclass(frozen=True)
class Convolution(Layer):
    """A square convolution, (channels, height, width) to the same, padded so that only its stride changes the sides.

    If `activation` names one, the layer applies it to the convolution's output.
    """

    kernel_size: int = 3
    _: KW_ONLY
    bias: bool = False
    activation: str = ""

    @property
    def stride(self) -> int:
        """2 if height or width shrinks, else 1."""
        return 1 if self.inputs[1:] == self.outputs[1:] else 2

    @property
    def parameters(self) -> int:
        return self.outputs[0] * (self.inputs[0] * self.kernel_size**2 + self.bias)

    @property
    def flops(self) -> int:
        return 2 * self.inputs[0] * self.kernel_size**2 * prod(self.outputs)

    @property
    def saves(self) -> tuple[Saved, ...]:
        if not self.activation:
            return ("input",)
        return "input", "output" if SAVED_OF_ACTIVATION[self.activation] == "output" else "inner"

    def module(self) -> "nn.Module":
        from torch import nn

        from models.modules import ActivatedConvolution

        # torch pads an even kernel unevenly to keep the size.
        padding = self.kernel_size // 2 if self.kernel_size % 2 else "same"
        make = partial(ActivatedConvolution, activation=self.activation) if self.activation else nn.Conv2d
        return make(self.inputs[0], self.outputs[0], self.kernel_size, self.stride, padding, bias=self.bias)


@dataclass(frozen=True)
class Dense(Layer):
    """A dense layer, (features,) to (features,)."""

    _: KW_ONLY
    bias: bool = True

    @property
    def parameters(self) -> int:
        return self.outputs[0] * (self.inputs[0] + self.bias)

    @property
    def flops(self) -> int:
        return 2 * self.inputs[0] * self.outputs[0]

    _saves: ClassVar[tuple[Saved, ...]] = ("input",)

    def module(self) -> "nn.Module":
        from torch import nn

        return nn.Linear(self.inputs[0], self.outputs[0], self.bias)


@dataclass(frozen=True)
class Norm(Layer):
    """Batch norm with scale and shift, of channels or features. Its statistics do not count as saved."""

    @property
    def parameters(self) -> int:
        return 2 * self.inputs[0]

    @property
    def least_batch(self) -> int:
        # A single value has no variance.
        return 1 if prod(self.inputs[1:]) > 1 else 2

    _saves: ClassVar[tuple[Saved, ...]] = ("input",)

    def module(self) -> "nn.Module":
        from torch import nn

        return (nn.BatchNorm1d if len(self.inputs) == 1 else nn.BatchNorm2d)(self.inputs[0])


@dataclass(frozen=True)
class Activation(Layer):
    """An activation, by its name in `models.activations`."""

    _: KW_ONLY
    name: str = "relu"

    @property
    def saves(self) -> tuple[Saved, ...]:
        return (SAVED_OF_ACTIVATION[self.name],)

    def module(self) -> "nn.Module":
        from models.activations import ACTIVATIONS

        return ACTIVATIONS[self.name]()


@dataclass(frozen=True)
class MaxPool(Layer):
    """The largest value of each 2x2 square, (channels, height, width), without an odd last row or column.

    The positions of the largest values do not count as saved.
    """

    def _gives(self) -> Size:
        channels, height, width = self.inputs
        return channels, height // 2, width // 2

    _saves: ClassVar[tuple[Saved, ...]] = ("input",)

    def module(self) -> "nn.Module":
        from torch import nn

        return nn.MaxPool2d(2)


@dataclass(frozen=True)
class MeanPool(MaxPool):
    """The mean of each 2x2 square, (channels, height, width), without an odd last row or column."""

    def module(self) -> "nn.Module":
        from torch import nn

        return nn.AvgPool2d(2)


@dataclass(frozen=True)
class MeanOverImage(Layer):
    """(channels, height, width) to (channels,)."""

    def _gives(self) -> Size:
        return self.inputs[:1]

    def module(self) -> "nn.Module":
        from models.modules import MeanOverImage

        return MeanOverImage()


@dataclass(frozen=True)
class Flatten(Layer):
    """Values of any size to (features,)."""

    def _gives(self) -> Size:
        return (prod(self.inputs),)

    @property
    def is_view(self) -> bool:
        return True

    def module(self) -> "nn.Module":
        from torch import nn

        return nn.Flatten()


@dataclass(frozen=True)
class OptionA(Layer):
    """The shortcut without parameters of He et al. (1512.03385, section 3.3); the identity if the size stays.

    It takes every second row and column if the sides shrink, and fills added channels with zeros.
    """

    @property
    def is_view(self) -> bool:
        return self.inputs == self.outputs

    def module(self) -> "nn.Module":
        from torch import nn

        from models.modules import OptionA

        if self.inputs == self.outputs:
            return nn.Identity()
        (inputs, *sides), (outputs, *new_sides) = self.inputs, self.outputs
        return OptionA(1 if sides == new_sides else 2, outputs - inputs)


@dataclass(frozen=True)
class Made(Layer):
    """Any torch module, made by calling `make`; the meta device counts its parameters and operations.

    Autograd is assumed to keep only its output. Two of these are equal if `make` is the same object.
    """

    _: KW_ONLY
    make: "Callable[[], nn.Module]"
    _saves: ClassVar[tuple[Saved, ...]] = ("output",)

    @cached_property
    def _counts(self) -> tuple[int, int]:
        import torch
        from torch.utils.flop_counter import FlopCounterMode

        counter = FlopCounterMode(display=False)
        with torch.device("meta"), torch.no_grad(), counter:
            module = self.make().eval()
            module(torch.empty(1, *self.inputs))
        return sum(parameter.numel() for parameter in module.parameters()), counter.get_total_flops()

    @property
    def parameters(self) -> int:
        return self._counts[0]

    @property
    def flops(self) -> int:
        return self._counts[1]

    @property
    def least_batch(self) -> int:
        return self._least_batch

    @cached_property
    def _least_batch(self) -> int:
        import torch

        try:
            with torch.device("meta"), torch.no_grad():
                self.make().train()(torch.empty(1, *self.inputs))
        except Exception as error:  # training may need what the meta device lacks
            return 2 if "more than 1 value" in str(error) else 1  # as torch's batch norms say
        return 1

    def module(self) -> "nn.Module":
        return self.make()


def normed(size: Size) -> tuple[Layer, Layer]:
    """Batch norm and relu."""
    return Norm(size), Activation(size)


def read_out(size: Size, classes: int) -> tuple[Layer, Layer]:
    """From (channels, height, width) to logits, (classes,): the mean over the image and a dense layer."""
    mean = MeanOverImage(size)
    return mean, Dense(mean.outputs, (classes,))
