"""Sizes of blocks and convolutions, and what they cost, known without torch."""

from dataclasses import dataclass
from math import prod
from typing import Protocol

Size = tuple[int, ...]
"""Shape of one sample's values: (channels, height, width), or (features,)."""


class NetworkShape(Protocol):
    """What is known of every network without building it."""

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """channels, height, width"""
        ...

    @property
    def classes(self) -> int:
        """Outputs of the network."""
        ...

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        ...

    def block_shapes(self) -> "tuple[BlockShape, ...]":
        """Shape of every block."""
        ...

    @property
    def parameters(self) -> int:
        """Number of trained values."""
        ...

    @property
    def forward_flops(self) -> int:
        """Operations of one image's forward pass, a multiply-add counted as two."""
        ...

    @property
    def activation_elements(self) -> int:
        """Values one image keeps for the backward pass."""
        ...


@dataclass(frozen=True)
class BlockShape:
    """What a block takes and gives. Blocks of one shape, in one network, can stand in each other's places."""

    inputs: Size
    outputs: Size


@dataclass(frozen=True)
class Convolution:
    """A square convolution without bias, padded so that only its stride changes the size."""

    inputs: Size
    outputs: Size
    kernel: int

    @property
    def stride(self) -> int:
        """2 where height or width shrinks, else 1."""
        return 1 if self.inputs[1:] == self.outputs[1:] else 2

    @property
    def parameters(self) -> int:
        return self.inputs[0] * self.outputs[0] * self.kernel**2

    @property
    def flops(self) -> int:
        """Of one sample, a multiply-add counted as two."""
        return 2 * self.inputs[0] * self.kernel**2 * prod(self.outputs)


def halved(size: Size) -> Size:
    """(channels, height, width) after a stride of two; an odd side is rounded up."""
    channels, height, width = size
    return channels, -(-height // 2), -(-width // 2)
