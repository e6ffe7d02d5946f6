"""CIFAR ResNets with squeeze-and-excitation (Hu et al., "Squeeze-and-Excitation Networks", 1709.01507)."""

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar

from models.factor import factor
from models.kind import check_sizes
from models.kinds.resnet import ResNet
from models.layers import ImageShape, Layer, Saved, Size
from models.layout import Layout

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class SqueezeExcite(Layer):
    """Multiplies each channel by a number between 0 and 1 that depends on the means of all channels (section 3).

    The means of (channels, height, width) go through a dense layer to `hidden` values, relu, a dense layer back, and a
    sigmoid. The dense layers have biases (our choice).
    """

    _: KW_ONLY
    hidden: int

    _saves: ClassVar[tuple[Saved, ...]] = ("input", "inner")

    @property
    def parameters(self) -> int:
        return 2 * self.inputs[0] * self.hidden + self.hidden + self.inputs[0]

    @property
    def flops(self) -> int:
        return 4 * self.inputs[0] * self.hidden

    @property
    def counted(self) -> bool:
        return False

    @property
    def inner(self) -> int:
        # The means, the hidden values and the factors.
        return 2 * self.inputs[0] + self.hidden

    def module(self) -> "nn.Module":
        from models.modules import SqueezeExcite

        return SqueezeExcite(self.inputs[0], self.hidden)


@dataclass(frozen=True)
class SEResNet(ResNet):
    """Post-activation ResNets whose branches end with squeeze-and-excitation, before the addition (figure 3).

    `depth` counts the same layers as in a ResNet.
    """

    label: ClassVar[str] = "SE-ResNet"

    reduction: int = factor(16, low=1, high=4096, meaning="ratio of channels to hidden units in channel attention")
    """The paper's r. There is at least one hidden unit (ours)."""

    def layout(self, depth: int, width: int, branches: int, inputs: ImageShape, classes: int) -> Layout:
        check_sizes(self.label, reduction=self.reduction)
        return super().layout(depth, width, branches, inputs, classes)

    def _gate(self, outputs: Size) -> tuple[Layer, ...]:
        return (SqueezeExcite(outputs, hidden=max(outputs[0] // self.reduction, 1)),)


@dataclass(frozen=True)
class PreActivationSEResNet(SEResNet):
    """Pre-activation ResNets with squeeze-and-excitation after the last convolution of a branch."""

    label: ClassVar[str] = "pre-activation SE-ResNet"
    pre_activation: ClassVar[bool] = True
