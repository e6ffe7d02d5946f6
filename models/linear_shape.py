"""What fixes the linear residual network of P5, known without building it."""

from dataclasses import dataclass
from math import prod

from models.geometry import BlockShape


@dataclass(frozen=True)
class LinearShape:
    """Linear layers, each with a residual connection (P5, ResidualDroppath, 2411.09475: depth 32, hidden size 32).

    A linear stem takes the pixels to vectors of `width`, a linear head those to the classes (ours: the paper's data are
    not public). Raises ValueError for a size below 1.
    """

    depth: int = 32
    width: int = 32
    branches: int = 1
    """Parallel layers in a stage; the last stage may have fewer (ours)."""
    input_shape: tuple[int, int, int] = (1, 28, 28)
    """channels, height, width"""
    classes: int = 10

    def __post_init__(self) -> None:
        if min(self.depth, self.width, self.branches, self.classes, *self.input_shape) < 1:
            raise ValueError(f"every size of a linear network is at least 1, not {self}")

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return self.depth

    @property
    def pixels(self) -> int:
        """Inputs of the stem."""
        return prod(self.input_shape)

    def block_shapes(self) -> tuple[BlockShape, ...]:
        """Shape of every block."""
        return (BlockShape((self.width,), (self.width,)),) * self.depth

    def stages(self) -> tuple[int, ...]:
        """Blocks in each stage."""
        return tuple(min(self.branches, self.depth - first) for first in range(0, self.depth, self.branches))

    @property
    def parameters(self) -> int:
        """Number of trained values."""
        ends = self.width * (self.pixels + 1) + self.classes * (self.width + 1)
        return ends + self.depth * self.width * (self.width + 1)

    @property
    def forward_flops(self) -> int:
        """Operations of one image's forward pass, a multiply-add counted as two."""
        return 2 * self.width * (self.pixels + self.depth * self.width + self.classes)

    @property
    def activation_elements(self) -> int:
        """Values one image keeps for the backward pass: pixels, and the input of each stage and of the head."""
        return self.pixels + (len(self.stages()) + 1) * self.width
