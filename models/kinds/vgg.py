"""VGG networks with batch norm: the networks without skip connections that P2 compares with ResNets.

Configuration D of Simonyan and Zisserman (1409.1556) with batch norm, whose layers P2 (Veit, Wilber, Belongie,
1605.06431) deletes: 13 convolutions and, on small images, two dense layers. Other depths, widths and image sizes are
ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from models.kind import LayeredKind, check_sizes
from models.layers import Activation, Convolution, Dense, Flatten, ImageShape, MaxPool, Norm, OptionA, Size
from models.layout import BlockLayout, Layout, in_stages

GROUPS = 5
WIDEST = 8
"""Channels double from group to group, up to this multiple of the first group's."""


@dataclass(frozen=True)
class VGG(LayeredKind):
    """`depth` counts the convolutions and the two dense layers; `width` is the channel count of the first group."""

    label: ClassVar[str] = "VGG"
    skips: ClassVar[bool] = False

    def arranged(self, depth: int) -> int:
        if depth < 3:
            raise ValueError(f"a VGG network has at least 3 layers, two of them dense, not {depth}")
        return depth - 2

    def layout(self, depth: int, width: int, branches: int, inputs: ImageShape, classes: int) -> Layout:
        """Deals the convolutions evenly to five groups, extra ones to the last groups; 13 make configuration D."""
        convolutions = self.arranged(depth)
        groups = min(GROUPS, convolutions)
        dealt = [(convolutions + place) // groups for place in range(groups)]
        return grouped(dealt, width, branches, inputs, classes)


def grouped(groups: Sequence[int], width: int, branches: int, inputs: ImageShape, classes: int) -> Layout:
    """A VGG network with the given number of convolutions per group; each, with batch norm and relu, is a block.

    Max pooling halves the image after each group, if both sides are at least 2 (our choice for small images). The
    identity replaces a deleted block, with zeros for the channels that the block would have added; pooling belongs to
    the block's place and stays. P2 does not specify these, nor the batch norm of the dense part: our choices. The first
    dense layer has as many outputs as the last convolution has channels. Raises ValueError for impossible sizes.
    """
    check_sizes("VGG network", groups=tuple(groups), width=width, branches=branches, inputs=inputs, classes=classes)
    blocks: list[BlockLayout] = []
    hidden: Size = inputs
    for group, count in enumerate(groups):
        outputs = (width * min(2**group, WIDEST), *hidden[1:])
        pools = min(outputs[1:]) > 1
        for number in range(count):
            blocks.append(_block(hidden, outputs, pools and number == count - 1))
            hidden = blocks[-1].outputs
    flat, inner = Flatten(hidden), hidden[:1]
    dense = Dense(flat.outputs, inner, bias=False), Norm(inner), Activation(inner), Dense(inner, (classes,))
    return Layout(inputs, classes, None, tuple(blocks), (flat, *dense), in_stages(blocks, branches))


def _block(inputs: Size, outputs: Size, pools: bool) -> BlockLayout:
    branch = Convolution(inputs, outputs), Norm(outputs), Activation(outputs)
    return BlockLayout(branch, OptionA(inputs, outputs), MaxPool(outputs) if pools else None, residual=False)
