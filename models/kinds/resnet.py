"""CIFAR ResNets of any depth.

He et al., "Deep Residual Learning" (1512.03385, section 4.2) and "Identity Mappings" (1603.05027): a 3x3 convolution,
three groups of n blocks, mean over the image, dense layer. Channels double and sides halve from group to group. There
are 6n + 2 layers with basic blocks, 9n + 2 with bottlenecks. Other widths, other image sizes and parallel blocks are
ours.
"""

from dataclasses import dataclass
from typing import ClassVar

from models.factor import factor
from models.kind import NetworkKind, check_sizes
from models.layers import Activation, Convolution, Dense, ImageShape, Layer, MeanOverImage, Norm, OptionA, Size
from models.layout import BlockLayout, Layout, in_stages

GROUPS = 3
LAYERS = {"basic": 2, "bottleneck": 3}
"""Convolutions per branch, by the form of the block."""
EXPANSION = {"basic": 1, "bottleneck": 4}
"""Ratio of output to inner channels, by the form of the block."""


@dataclass(frozen=True)
class ResNet(NetworkKind):
    """Post-activation ResNets: batch norm after each convolution, relu between them and after the addition.

    `depth` counts the convolutions of the main path and the dense layer. `width` is the number of channels of the first
    convolution; a block of group g, counted from 0, has ``width * 2**g`` output channels, a bottleneck four times that.
    """

    label: ClassVar[str] = "ResNet"
    pre_activation: ClassVar[bool] = False

    block: str = factor("basic", choices=("basic", "bottleneck"), meaning="form of a ResNet's blocks")
    """Two 3x3 convolutions, or 1x1, 3x3 and 1x1 with the stride in the 3x3 (our choice, like torchvision's)."""
    shortcut: str = factor(
        "option_a", choices=("option_a", "projection"), meaning="skip connection of a ResNet where the shape changes"
    )
    """Subsampling and channels of zeros, or a 1x1 convolution, in post-activation with batch norm."""

    def describe(self, depth: int) -> str:
        return f"{self.label}-{depth}"

    def arranged(self, depth: int) -> int:
        per_block = GROUPS * LAYERS[self.block]
        if depth < per_block + 2 or (depth - 2) % per_block:
            raise ValueError(f"a ResNet of {self.block} blocks has {per_block}n + 2 layers, not {depth}")
        return (depth - 2) // per_block

    def layout(self, depth: int, width: int, branches: int, inputs: ImageShape, classes: int) -> Layout:
        check_sizes("ResNet", width=width, branches=branches, inputs=inputs, classes=classes)
        count, hidden = self.arranged(depth), (width, *inputs[1:])
        stem, blocks = (Convolution(inputs, hidden), *self._activated(hidden, post=True)), []
        for group in range(GROUPS):
            sides = hidden[1:] if group == 0 else tuple(-(-side // 2) for side in hidden[1:])
            outputs = (width * 2**group * EXPANSION[self.block], *sides)
            blocks += [self._block(hidden, outputs), *[self._block(outputs, outputs)] * (count - 1)]
            hidden = outputs
        mean = MeanOverImage(hidden)
        head = (*self._activated(hidden, post=False), mean, Dense(mean.outputs, (classes,)))
        return Layout(inputs, classes, stem, tuple(blocks), head, in_stages(blocks, branches))

    def _block(self, inputs: Size, outputs: Size) -> BlockLayout:
        layers: list[Layer] = []
        for convolution in self._convolutions(inputs, outputs):
            layers += self._activated(convolution.inputs, post=False)
            layers += [convolution, *self._activated(convolution.outputs, post=True)]
        if self.pre_activation:
            return BlockLayout(tuple(layers), self._skip(inputs, outputs))
        *branch, relu = layers
        return BlockLayout(tuple(branch), self._skip(inputs, outputs), after=relu)

    def _activated(self, size: Size, post: bool) -> tuple[Layer, ...]:
        """Batch norm and relu, if this kind has them after (`post`) or before a convolution."""
        return () if post == self.pre_activation else (Norm(size), Activation(size))

    def _convolutions(self, inputs: Size, outputs: Size) -> tuple[Convolution, ...]:
        if LAYERS[self.block] == 2:
            return Convolution(inputs, outputs), Convolution(outputs, outputs)
        inner = outputs[0] // EXPANSION[self.block]
        narrow, inside = (inner, *inputs[1:]), (inner, *outputs[1:])
        return Convolution(inputs, narrow, 1), Convolution(narrow, inside), Convolution(inside, outputs, 1)

    def _skip(self, inputs: Size, outputs: Size) -> Layer | tuple[Layer, ...] | None:
        if inputs == outputs:
            return None
        if self.shortcut == "option_a":
            return OptionA(inputs, outputs)
        norm = () if self.pre_activation else (Norm(outputs),)
        return Convolution(inputs, outputs, 1), *norm


@dataclass(frozen=True)
class PreActivationResNet(ResNet):
    """Pre-activation ResNets: batch norm and relu before each convolution, and nothing after the addition.

    They differ from 1603.05027 in two places (our choices). The first block has its own batch norm and relu like the
    others, so all blocks of a group are alike. A projection sees the block's input as it is, so skip connection and
    branch share no layer.
    """

    label: ClassVar[str] = "pre-activation ResNet"
    pre_activation: ClassVar[bool] = True
