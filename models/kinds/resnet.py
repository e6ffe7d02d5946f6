"""CIFAR ResNets of any depth.

He et al., "Deep Residual Learning" (1512.03385, section 4.2) and "Identity Mappings" (1603.05027): a 3x3 convolution,
three groups of n blocks, mean over the image, dense layer. Channels double and sides halve from group to group. There
are 6n + 2 layers with basic blocks, 9n + 2 with bottlenecks. Other widths, other image sizes and parallel blocks are
ours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from models.factor import factor
from models.kind import LayeredKind, check_sizes, per_group
from models.layers import Convolution, ImageShape, Layer, Norm, OptionA, Size, normed, read_out
from models.layout import BlockLayout, Layout, in_stages

GROUPS = 3
LAYERS = {"basic": 2, "bottleneck": 3}
"""Convolutions per branch, by the form of the block."""
EXPANSION = {"basic": 1, "bottleneck": 4}
"""Ratio of output to inner channels, by the form of the block."""


@dataclass(frozen=True)
class ResNet(LayeredKind):
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

    def arranged(self, depth: int) -> int:
        return per_group(f"a ResNet of {self.block} blocks", depth, GROUPS * LAYERS[self.block], 2)

    def layout(self, depth: int, width: int, branches: int, inputs: ImageShape, classes: int) -> Layout:
        check_sizes("ResNet", width=width, branches=branches, inputs=inputs, classes=classes)
        hidden = (width, *inputs[1:])
        stem = Convolution(inputs, hidden), *self._activated(hidden, post=True)
        channels = [width * 2**group * EXPANSION[self.block] for group in range(GROUPS)]
        blocks = in_groups(self.block_of, self.arranged(depth), hidden, channels)
        outputs = blocks[-1].outputs
        head = *self._activated(outputs, post=False), *read_out(outputs, classes)
        return Layout(inputs, classes, stem, blocks, head, in_stages(blocks, branches))

    def block_of(self, inputs: Size, outputs: Size) -> BlockLayout:
        """A block from values of one size to values of another."""
        layers: list[Layer] = []
        for convolution in self._convolutions(inputs, outputs):
            layers += self._activated(convolution.inputs, post=False)
            layers += [convolution, *self._activated(convolution.outputs, post=True)]
        after = None if self.pre_activation else layers.pop()
        skip = skip_of(inputs, outputs, self.shortcut, () if self.pre_activation else (Norm(outputs),))
        return BlockLayout((*layers, *self._gate(outputs)), skip, after)

    def _gate(self, outputs: Size) -> tuple[Layer, ...]:
        """Further layers at the end of a branch."""
        return ()

    def _activated(self, size: Size, post: bool) -> tuple[Layer, ...]:
        """Batch norm and relu, if this kind has them after (`post`) or before a convolution."""
        return () if post == self.pre_activation else normed(size)

    def _convolutions(self, inputs: Size, outputs: Size) -> tuple[Convolution, ...]:
        if LAYERS[self.block] == 2:
            return Convolution(inputs, outputs), Convolution(outputs, outputs)
        inner = outputs[0] // EXPANSION[self.block]
        narrow, inside = (inner, *inputs[1:]), (inner, *outputs[1:])
        return Convolution(inputs, narrow, 1), Convolution(narrow, inside), Convolution(inside, outputs, 1)


@dataclass(frozen=True)
class PreActivationResNet(ResNet):
    """Pre-activation ResNets: batch norm and relu before each convolution, and nothing after the addition.

    They differ from 1603.05027 in two places (our choices). The first block has its own batch norm and relu like the
    others, so all blocks of a group are alike. A projection sees the block's input as it is, so skip connection and
    branch share no layer.
    """

    label: ClassVar[str] = "pre-activation ResNet"
    pre_activation: ClassVar[bool] = True


def in_groups(
    block_of: Callable[[Size, Size], BlockLayout], count: int, inputs: Size, channels: Sequence[int]
) -> tuple[BlockLayout, ...]:
    """Groups of `count` blocks, the first from values of size `inputs`; sides halve, rounded up, from group to group.

    `block_of` makes the block from values of one size to values of another, and `channels` are those of each group.
    """
    blocks: list[BlockLayout] = []
    for group, number in enumerate(channels):
        outputs = (number, *(inputs[1:] if group == 0 else halved(inputs)))
        blocks += [block_of(inputs, outputs), *[block_of(outputs, outputs)] * (count - 1)]
        inputs = outputs
    return tuple(blocks)


def halved(size: Size) -> tuple[int, ...]:
    """Half the height and width of (channels, height, width), rounded up."""
    return tuple(-(-side // 2) for side in size[1:])


def skip_of(inputs: Size, outputs: Size, shortcut: str, norm: tuple[Layer, ...]) -> Layer | tuple[Layer, ...] | None:
    """The skip connection that `ResNet.shortcut` names; the identity where the shape stays. A projection has `norm`."""
    if inputs == outputs:
        return None
    return OptionA(inputs, outputs) if shortcut == "option_a" else (Convolution(inputs, outputs, 1), *norm)
