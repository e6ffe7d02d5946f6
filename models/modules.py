"""Modules that torch does not have."""

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from models.activations import ACTIVATIONS


class ActivatedConvolution(nn.Conv2d):
    """An `nn.Conv2d`, with its arguments, and an activation. Raises KeyError for an unknown activation."""

    def __init__(self, *sizes: Any, activation: str, **options: Any) -> None:
        super().__init__(*sizes, **options)
        self.activation = ACTIVATIONS[activation]()

    def forward(self, input: Tensor) -> Tensor:
        return self.activation(super().forward(input))


class MeanOverImage(nn.Module):
    """(batch, channels, height, width) to (batch, channels)."""

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden.mean((2, 3))


class OptionA(nn.Module):
    """Every `stride`-th row and column of (batch, channels, height, width), and `missing` channels of zeros after."""

    def __init__(self, stride: int, missing: int) -> None:
        super().__init__()
        self.stride = stride
        self.missing = missing

    def forward(self, hidden: Tensor) -> Tensor:
        return F.pad(hidden[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.missing))


class SqueezeExcite(nn.Module):
    """(batch, channels, height, width), each channel times a number that depends on the means of all channels.

    Hu et al., "Squeeze-and-Excitation Networks" (1709.01507, section 3).
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.squeezed = nn.Linear(channels, hidden)
        self.excited = nn.Linear(hidden, channels)

    def forward(self, hidden: Tensor) -> Tensor:
        factors = self.excited(self.squeezed(hidden.mean((2, 3))).relu()).sigmoid()
        return hidden * factors[:, :, None, None]


class SelectiveKernels(nn.Module):
    """Convolutions of dilations 1 and 2 to (batch, outputs, height, width), mixed anew for each channel and image.

    Li et al., "Selective Kernel Networks" (1903.06586, section 3.1).
    """

    def __init__(self, inputs: int, outputs: int, stride: int, groups: int, hidden: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, groups, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
            )
            for dilation in (1, 2)
        )
        self.fused = nn.Sequential(nn.Linear(outputs, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU())
        self.selected = nn.Linear(hidden, 2 * outputs, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        near, far = (convolution(hidden) for convolution in self.convolutions)
        logits = self.selected(self.fused((near + far).mean((2, 3))))
        shares = logits.unflatten(1, (2, -1)).softmax(1)[..., None, None]
        return near * shares[:, 0] + far * shares[:, 1]
