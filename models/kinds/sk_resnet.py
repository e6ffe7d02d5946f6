"""CIFAR ResNets with selective kernels (Li et al., "Selective Kernel Networks", 1903.06586).

The 3x3 convolution of each bottleneck is replaced by an SK unit. The paper puts such units into a ResNeXt, for ImageNet
and CIFAR. Here they are in the CIFAR ResNets of `models.kinds.resnet`, as P3 has them (ours: it gives no details).
"""

from dataclasses import KW_ONLY, dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

from models.factor import factor
from models.kind import LayeredKind, check_sizes, per_group
from models.kinds.resnet import EXPANSION, GROUPS, LAYERS, in_groups, skip_of
from models.layers import Activation, Convolution, ImageShape, Layer, Norm, Saved, Size, normed, read_out
from models.layout import BlockLayout, Layout, in_stages

if TYPE_CHECKING:
    from torch import nn

BRANCHES = 2
LEAST_HIDDEN = 32
"""The paper's L."""


@dataclass(frozen=True)
class SelectiveKernels(Layer):
    """Two 3x3 convolutions, one of them of dilation 2, mixed anew for each channel and image (section 3.1).

    Each convolution, (channels, height, width) to the same, has batch norm and relu. The means of their sum go through
    a dense layer to `hidden` values, batch norm, relu, and a dense layer to the logits of a softmax over both. The
    convolutions have `groups` groups of channels.
    """

    _: KW_ONLY
    groups: int
    hidden: int

    _saves: ClassVar[tuple[Saved, ...]] = ("input", "inner")

    @property
    def _weights(self) -> int:
        return BRANCHES * self.outputs[0] * self.inputs[0] // self.groups * 9

    @property
    def _dense_weights(self) -> int:
        return (1 + BRANCHES) * self.outputs[0] * self.hidden

    @property
    def parameters(self) -> int:
        norms = 2 * (BRANCHES * self.outputs[0] + self.hidden)
        return self._weights + self._dense_weights + norms

    @property
    def flops(self) -> int:
        return 2 * self._weights * prod(self.outputs[1:]) + 2 * self._dense_weights

    @property
    def inner(self) -> int:
        # Each convolution before its batch norm and after its relu; the means and the softmax; the hidden values twice.
        return BRANCHES * 2 * prod(self.outputs) + (1 + BRANCHES) * self.outputs[0] + 2 * self.hidden

    @property
    def least_batch(self) -> int:
        # One image has one hidden value per unit, which has no variance.
        return 2

    def module(self) -> "nn.Module":
        from models.modules import SelectiveKernels

        stride = 1 if self.inputs[1:] == self.outputs[1:] else 2
        return SelectiveKernels(self.inputs[0], self.outputs[0], stride, self.groups, self.hidden)


@dataclass(frozen=True)
class SKResNet(LayeredKind):
    """Post-activation ResNets of bottlenecks: 1x1 convolution, SK unit, 1x1 convolution.

    `depth` is 9n + 2 and `width` the number of channels of the first convolution and of the first SK units, like those
    of a ResNet of bottlenecks; an SK unit counts as one layer.
    """

    label: ClassVar[str] = "SK-ResNet"

    shortcut: str = factor(
        "option_a", choices=("option_a", "projection"), meaning="skip connection of a ResNet where the shape changes"
    )
    cardinality: int = factor(4, low=1, high=4096, meaning="groups of channels of the convolutions of an SK unit")
    """The paper's G, which must divide `width`. It is 32 in the paper; 4 (ours) gives the first SK units of a network
    of 16 filters as many channels per group as SKNet-50 has there, four (table 1)."""
    reduction: int = factor(16, low=1, high=4096, meaning="ratio of channels to hidden units in channel attention")
    """The paper's r. There are at least 32 hidden units (section 3.1)."""

    def arranged(self, depth: int) -> int:
        return per_group("an SK-ResNet", depth, GROUPS * LAYERS["bottleneck"], 2)

    def layout(self, depth: int, width: int, branches: int, inputs: ImageShape, classes: int) -> Layout:
        check_sizes(self.label, width=width, branches=branches, inputs=inputs, classes=classes)
        check_sizes(self.label, cardinality=self.cardinality, reduction=self.reduction)
        if width % self.cardinality:
            raise ValueError(f"a cardinality of {self.cardinality} does not divide the {width} channels of an SK unit")
        hidden = (width, *inputs[1:])
        stem = Convolution(inputs, hidden), *normed(hidden)
        channels = [width * 2**group * EXPANSION["bottleneck"] for group in range(GROUPS)]
        blocks = in_groups(self._block, self.arranged(depth), hidden, channels)
        return Layout(inputs, classes, stem, blocks, read_out(blocks[-1].outputs, classes), in_stages(blocks, branches))

    def _block(self, inputs: Size, outputs: Size) -> BlockLayout:
        channels = outputs[0] // EXPANSION["bottleneck"]
        narrow, inside = (channels, *inputs[1:]), (channels, *outputs[1:])
        hidden = max(channels // self.reduction, LEAST_HIDDEN)
        unit = SelectiveKernels(narrow, inside, groups=self.cardinality, hidden=hidden)
        branch = Convolution(inputs, narrow, 1), *normed(narrow), unit, Convolution(inside, outputs, 1), Norm(outputs)
        return BlockLayout(branch, skip_of(inputs, outputs, self.shortcut, (Norm(outputs),)), Activation(outputs))
