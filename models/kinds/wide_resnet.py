"""CIFAR WideResNets (Zagoruyko and Komodakis, "Wide Residual Networks", 1605.07146)."""

from dataclasses import dataclass
from typing import ClassVar

from models.factor import factor
from models.kind import LayeredKind, check_sizes, per_group
from models.kinds.resnet import GROUPS, LAYERS, PreActivationResNet, in_groups
from models.layers import Convolution, ImageShape, normed, read_out
from models.layout import Layout, in_stages


@dataclass(frozen=True)
class WideResNet(LayeredKind):
    """Pre-activation ResNets of basic blocks with `widening` times the channels, and projections (table 1).

    `depth` is 6n + 4: the convolutions of the main path and the three projections. `width` is the number of channels of
    the first convolution, 16 in the paper. Group g, counted from 0, has ``widening * width * 2**g`` channels. There is
    no dropout. A projection sees the block's input as it is, as in `models.kinds.resnet` (our choice).
    """

    label: ClassVar[str] = "WideResNet"

    widening: int = factor(4, low=1, high=64, meaning="how many times wider than a ResNet a WideResNet is")
    """The paper's k."""

    def describe(self, depth: int) -> str:
        return f"{super().describe(depth)}-{self.widening}"

    def arranged(self, depth: int) -> int:
        return per_group("a WideResNet", depth, GROUPS * LAYERS["basic"], 4)

    def layout(self, depth: int, width: int, branches: int, inputs: ImageShape, classes: int) -> Layout:
        check_sizes(self.label, width=width, branches=branches, inputs=inputs, classes=classes, widening=self.widening)
        hidden, resnet = (width, *inputs[1:]), PreActivationResNet("basic", "projection")
        channels = [self.widening * width * 2**group for group in range(GROUPS)]
        blocks = in_groups(resnet.block_of, self.arranged(depth), hidden, channels)
        outputs = blocks[-1].outputs
        head = *normed(outputs), *read_out(outputs, classes)
        return Layout(inputs, classes, Convolution(inputs, hidden), blocks, head, in_stages(blocks, branches))
