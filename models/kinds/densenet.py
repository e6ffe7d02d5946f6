"""CIFAR DenseNets of any depth (Huang et al., "Densely Connected Convolutional Networks", 1608.06993).

A 3x3 convolution, three groups (the paper's dense blocks) of n layers, mean over the image, dense layer. Each layer
sees the channels of all layers before it in its group and appends its own: ``h <- [h, f(h)]``. That is a residual block
whose skip connection adds channels of zeros, so a *block* here is one layer, and a path through a group is an
increasing subset of its layers. A transition halves the image between two groups. No intervention deletes it.

There is no dropout (the paper uses it only without augmentation). Other widths and image sizes are ours.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from models.kind import LayeredKind, check_sizes, per_group
from models.layers import Convolution, ImageShape, Layer, MeanPool, Size, normed, read_out
from models.layout import BlockLayout, Layout, in_stages

GROUPS = 3


@dataclass(frozen=True)
class DenseNet(LayeredKind):
    """A layer is batch norm, relu and a 3x3 convolution to `width` channels, the paper's growth rate k.

    `depth` counts the convolutions and the dense layer: 3n + 4. The first convolution has 16 channels.
    """

    label: ClassVar[str] = "DenseNet"
    concatenates: ClassVar[bool] = True
    arranges: ClassVar[bool] = False
    bottleneck: ClassVar[bool] = False

    def arranged(self, depth: int) -> int:
        return per_group(f"a {self.label}", depth, GROUPS * (2 if self.bottleneck else 1), 4)

    def layout(self, depth: int, width: int, branches: int, inputs: ImageShape, classes: int) -> Layout:
        check_sizes(self.label, width=width, branches=branches, inputs=inputs, classes=classes)
        count, hidden = self.arranged(depth), (2 * width if self.bottleneck else 16, *inputs[1:])
        stem, blocks = Convolution(inputs, hidden), list[BlockLayout]()
        for group in range(GROUPS):
            for _ in range(count):
                blocks.append(BlockLayout(self._layer(blocks[-1].outputs if blocks else hidden, width), appends=True))
            if group < GROUPS - 1:
                blocks[-1] = replace(blocks[-1], after=self._transition(blocks[-1].outputs))
        outputs = blocks[-1].outputs
        head = *normed(outputs), *read_out(outputs, classes)
        return Layout(inputs, classes, stem, tuple(blocks), head, in_stages(blocks, branches))

    def _layer(self, inputs: Size, growth: int) -> tuple[Layer, ...]:
        grown = (growth, *inputs[1:])
        if not self.bottleneck:
            return *normed(inputs), Convolution(inputs, grown)
        inner = (4 * growth, *inputs[1:])
        return *normed(inputs), Convolution(inputs, inner, 1), *normed(inner), Convolution(inner, grown)

    def _transition(self, inputs: Size) -> tuple[Layer, ...]:
        """Batch norm, relu (as in the authors' code), 1x1 convolution, and mean pooling where there is room for it."""
        outputs = (inputs[0] // 2 if self.bottleneck else inputs[0], *inputs[1:])
        pooling = (MeanPool(outputs),) if min(outputs[1:]) > 1 else ()
        return *normed(inputs), Convolution(inputs, outputs, 1), *pooling


@dataclass(frozen=True)
class BottleneckDenseNet(DenseNet):
    """DenseNet-BC: a 1x1 convolution to four times `width` channels in each layer, and transitions that halve channels.

    `depth` is 6n + 4. The first convolution has twice `width` channels.
    """

    label: ClassVar[str] = "DenseNet-BC"
    bottleneck: ClassVar[bool] = True
