"""What fixes a CIFAR ResNet's parameters and cost, known without building it.

He et al., "Deep Residual Learning" (1512.03385, section 4.2) and "Identity Mappings" (1603.05027): a 3x3 convolution,
three groups of n blocks whose channels double and whose sides halve from group to group, mean over the image, dense
layer. 6n + 2 layers with basic blocks, 9n + 2 with bottlenecks. Wider, other image sizes and parallel stages are ours.
"""

from dataclasses import dataclass
from itertools import groupby
from math import prod
from typing import Literal

from models.geometry import BlockShape, Convolution, Size, halved

GROUPS = 3
EXPANSION = 4
"""Output channels of a bottleneck over its inner ones."""


@dataclass(frozen=True)
class ResNetShape:
    """Shape of one ResNet. Raises ValueError for a depth that is not 6n + 2 (basic) or 9n + 2 (bottleneck)."""

    depth: int
    """Layers: convolutions of the main path and the dense layer."""
    width: int = 16
    """Channels of the first convolution; a block of group g has width * 2**g, a bottleneck gives four times that."""
    block: Literal["basic", "bottleneck"] = "basic"
    shortcut: Literal["option_a", "projection"] = "option_a"
    """At blocks that change the shape: subsampling and zero channels, or a 1x1 convolution (with batch norm in
    post-activation). The others' skip is the identity."""
    activation: Literal["post", "pre"] = "post"
    """relu after the addition (1512.03385), or batch norm and relu before each convolution (1603.05027)."""
    branches: int = 1
    """Parallel blocks in a stage, among those of one shape; a group's last stage may have fewer (ours)."""
    input_shape: tuple[int, int, int] = (3, 32, 32)
    """channels, height, width"""
    classes: int = 10

    def __post_init__(self) -> None:
        if min(self.depth, self.width, self.branches, self.classes, *self.input_shape) < 1:
            raise ValueError(f"every size of a ResNet is at least 1, not {self}")
        per_block = GROUPS * self.layers_per_block
        if self.depth < per_block + 2 or (self.depth - 2) % per_block:
            raise ValueError(f"a ResNet of {self.block} blocks has {per_block}n + 2 layers, not {self.depth}")

    @property
    def layers_per_block(self) -> int:
        return 2 if self.block == "basic" else 3

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return (self.depth - 2) // self.layers_per_block

    @property
    def stem(self) -> Convolution:
        """The first convolution."""
        return Convolution(self.input_shape, (self.width, *self.input_shape[1:]), 3)

    def block_shapes(self) -> tuple[BlockShape, ...]:
        """Shape of every block."""
        shapes, inputs = [], self.stem.outputs
        for group in range(GROUPS):
            sides = inputs[1:] if group == 0 else halved(inputs)[1:]
            outputs = (self.width * 2**group * (1 if self.block == "basic" else EXPANSION), *sides)
            for _ in range(self.blocks // GROUPS):
                shapes.append(BlockShape(inputs, outputs))
                inputs = outputs
        return tuple(shapes)

    def stages(self) -> tuple[int, ...]:
        """Blocks in each stage."""
        runs = [len(list(run)) for _, run in groupby(self.block_shapes())]
        return tuple(min(self.branches, run - first) for run in runs for first in range(0, run, self.branches))

    def convolutions(self, shape: BlockShape) -> tuple[Convolution, ...]:
        """Convolutions of a block's branch. A bottleneck's 3x3 one has the stride (our choice, as torchvision's)."""
        inputs, outputs = shape.inputs, shape.outputs
        if self.block == "basic":
            return Convolution(inputs, outputs, 3), Convolution(outputs, outputs, 3)
        inner = outputs[0] // EXPANSION
        narrow, inside = (inner, *inputs[1:]), (inner, *outputs[1:])
        return Convolution(inputs, narrow, 1), Convolution(narrow, inside, 3), Convolution(inside, outputs, 1)

    def projection(self, shape: BlockShape) -> Convolution | None:
        """The convolution of a block's skip, if it has one."""
        if self.shortcut == "option_a" or shape.inputs == shape.outputs:
            return None
        return Convolution(shape.inputs, shape.outputs, 1)

    @property
    def outputs(self) -> Size:
        """What the last block gives."""
        return self.block_shapes()[-1].outputs

    @property
    def parameters(self) -> int:
        """Number of trained values."""
        post = self.activation == "post"
        norms = self.stem.outputs[0] if post else self.outputs[0]
        weights = self.stem.parameters + (self.outputs[0] + 1) * self.classes
        for shape in self.block_shapes():
            convolutions, projection = self.convolutions(shape), self.projection(shape)
            weights += sum(convolution.parameters for convolution in convolutions)
            norms += sum((c.outputs if post else c.inputs)[0] for c in convolutions)
            if projection:
                weights += projection.parameters
                norms += projection.outputs[0] if post else 0
        return weights + 2 * norms

    @property
    def forward_flops(self) -> int:
        """Operations of one image's convolutions and dense layer, a multiply-add counted as two."""
        layers = [self.stem]
        for shape in self.block_shapes():
            layers += [*self.convolutions(shape), *filter(None, [self.projection(shape)])]
        return sum(layer.flops for layer in layers) + 2 * self.outputs[0] * self.classes

    @property
    def activation_elements(self) -> int:
        """Values one image keeps for the backward pass of a training step, statistics of batch norms aside."""
        post = self.activation == "post"
        stem, last = prod(self.stem.outputs), self.outputs
        total = prod(self.input_shape) + stem * (2 if post else 1) + (0 if post else prod(last)) + last[0]
        place = 0
        shapes = self.block_shapes()
        for branches in self.stages():
            shape = shapes[place]
            *inner, final = [prod(convolution.outputs) for convolution in self.convolutions(shape)]
            total += branches * (2 * sum(inner) + (final if post else prod(shape.inputs)))
            total += final * (2 if post and self.projection(shape) else 1)
            place += branches
        return total
