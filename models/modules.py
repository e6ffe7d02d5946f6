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
