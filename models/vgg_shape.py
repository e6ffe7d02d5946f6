"""What fixes a VGG network's parameters and cost, known without building it.

Simonyan and Zisserman (1409.1556), configuration D with batch norm, as P2 (Veit, Wilber, Belongie, 1605.06431) deletes
its layers: 13 convolutions and, on small images, two dense layers. Other depths, widths and image sizes are ours.
"""

from dataclasses import dataclass
from itertools import accumulate
from math import prod

from models.geometry import BlockShape, Convolution, Size

WIDEST = 8
"""Channels double from group to group up to this multiple of the first group's."""


@dataclass(frozen=True)
class VGGShape:
    """Shape of one VGG network; every block is one convolution. Raises ValueError for a size below 1.

    After each group the image is halved by max pooling, if both sides are at least 2 (our choice for small images).
    The first dense layer has as many outputs as the last convolution has channels.
    """

    groups: tuple[int, ...] = (2, 2, 3, 3, 3)
    """Convolutions in each group."""
    width: int = 64
    """Channels of the first group."""
    input_shape: tuple[int, int, int] = (3, 32, 32)
    """channels, height, width"""
    classes: int = 10

    def __post_init__(self) -> None:
        if not self.groups or min(*self.groups, self.width, self.classes, *self.input_shape) < 1:
            raise ValueError(f"every size of a VGG network is at least 1, not {self}")

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return sum(self.groups)

    def convolutions(self) -> tuple[Convolution, ...]:
        """The convolution of every block."""
        layers, size = [], self.input_shape
        for group, count in enumerate(self.groups):
            channels = self.width * min(2**group, WIDEST)
            for _ in range(count):
                layers.append(Convolution(size, (channels, *size[1:]), 3))
                size = layers[-1].outputs
            size = pooled(size)
        return tuple(layers)

    def block_shapes(self) -> tuple[BlockShape, ...]:
        """Shape of every block, before the pooling that may follow it."""
        return tuple(BlockShape(layer.inputs, layer.outputs) for layer in self.convolutions())

    def pools(self) -> frozenset[int]:
        """Blocks that are followed by pooling."""
        layers = self.convolutions()
        last_of_groups = (end - 1 for end in accumulate(self.groups))
        return frozenset(i for i in last_of_groups if pooled(layers[i].outputs) != layers[i].outputs)

    @property
    def features(self) -> int:
        """Inputs of the first dense layer."""
        return prod(pooled(self.convolutions()[-1].outputs))

    @property
    def hidden(self) -> int:
        """Outputs of the first dense layer."""
        return self.convolutions()[-1].outputs[0]

    @property
    def parameters(self) -> int:
        """Number of trained values."""
        blocks = sum(layer.parameters + 2 * layer.outputs[0] for layer in self.convolutions())
        return blocks + self.features * self.hidden + 2 * self.hidden + (self.hidden + 1) * self.classes

    @property
    def forward_flops(self) -> int:
        """Operations of one image's convolutions and dense layers, a multiply-add counted as two."""
        dense = self.features * self.hidden + self.hidden * self.classes
        return sum(layer.flops for layer in self.convolutions()) + 2 * dense

    @property
    def activation_elements(self) -> int:
        """Values one image keeps for the backward pass of a training step.

        Statistics of batch norms and the places that pooling took its values from are not counted.
        """
        layers = self.convolutions()
        convolved = sum(2 * prod(layer.outputs) for layer in layers)
        after_pools = sum(prod(pooled(layers[block].outputs)) for block in self.pools())
        return prod(self.input_shape) + convolved + after_pools + 2 * self.hidden


def pooled(size: Size) -> Size:
    """(channels, height, width) after a group."""
    channels, height, width = size
    return (channels, height // 2, width // 2) if min(height, width) > 1 else size
