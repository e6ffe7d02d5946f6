"""A custom kind of network: residual blocks of depthwise-separable convolutions (Chollet, 1610.02357)."""

from dataclasses import dataclass
from typing import ClassVar

from models.factor import factor
from models.kind import NetworkKind
from models.layers import Activation, Convolution, Dense, ImageShape, Made, MeanOverImage, Norm
from models.layout import BlockLayout, Layout, in_stages


@dataclass(frozen=True)
class Separable(NetworkKind):
    """`depth` counts the blocks: batch norm, relu, a depthwise and a pointwise convolution of `width` channels each."""

    label: ClassVar[str] = "separable network"
    kernel_size: int = factor(3, low=1, high=15, meaning="side of the depthwise kernels")

    def layout(self, depth: int, width: int, branches: int, inputs: ImageShape, classes: int) -> Layout:
        def depthwise():
            from torch import nn

            return nn.Conv2d(width, width, self.kernel_size, padding="same", groups=width, bias=False)

        hidden = (width, *inputs[1:])
        activated = Norm(hidden), Activation(hidden)
        branch = *activated, Made(hidden, make=depthwise), Convolution(hidden, kernel_size=1)
        blocks = (BlockLayout(branch),) * depth
        head = *activated, MeanOverImage(hidden), Dense((width,), (classes,))
        return Layout(inputs, classes, Convolution(inputs, hidden), blocks, head, in_stages(blocks, branches))


KIND = Separable
