"""Parts of blocks: convolutions, and the skip connections where the shape changes (He et al., 1512.03385, sec. 3.3)."""

from torch import Tensor, nn
from torch.nn import functional as F

from models.geometry import BlockShape, Convolution


class OptionA(nn.Module):
    """Every second row and column where the size halves, and zero channels appended: no parameters."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        (inputs, *sides), (outputs, *new_sides) = shape.inputs, shape.outputs
        self.stride = 1 if sides == new_sides else 2
        self.missing = outputs - inputs

    def forward(self, hidden: Tensor) -> Tensor:
        return F.pad(hidden[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.missing))

    def extra_repr(self) -> str:
        return f"stride={self.stride}, missing={self.missing}"


def option_a(shape: BlockShape) -> nn.Module:
    """The identity where the block keeps the shape."""
    return nn.Identity() if shape.inputs == shape.outputs else OptionA(shape)


def convolution(of: Convolution) -> nn.Conv2d:
    """The torch module of a convolution."""
    return nn.Conv2d(of.inputs[0], of.outputs[0], of.kernel, of.stride, of.kernel // 2, bias=False)
