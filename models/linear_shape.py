"""What fixes the linear residual network of P5, known without building it."""

from dataclasses import dataclass

from models.geometry import BlockShape


@dataclass(frozen=True)
class LinearShape:
    """Linear layers, each with a residual connection (P5, ResidualDroppath, 2411.09475: depth 32, hidden size 32).

    Inputs and outputs are vectors of `width`; there is no stem and no head. Raises ValueError for a size below 1.
    """

    depth: int = 32
    width: int = 32
    branches: int = 1
    """Parallel layers in a stage; the last stage may have fewer (ours)."""

    def __post_init__(self) -> None:
        if min(self.depth, self.width, self.branches) < 1:
            raise ValueError(f"every size of a linear network is at least 1, not {self}")

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return self.depth

    @property
    def input_shape(self) -> tuple[int]:
        return (self.width,)

    @property
    def classes(self) -> int:
        """Outputs of the network."""
        return self.width

    def block_shapes(self) -> tuple[BlockShape, ...]:
        """Shape of every block."""
        return (BlockShape((self.width,), (self.width,)),) * self.depth

    def stages(self) -> tuple[int, ...]:
        """Blocks in each stage."""
        return tuple(min(self.branches, self.depth - first) for first in range(0, self.depth, self.branches))

    @property
    def parameters(self) -> int:
        """Number of trained values."""
        return self.depth * self.width * (self.width + 1)

    @property
    def forward_flops(self) -> int:
        """Operations of one vector's forward pass, a multiply-add counted as two."""
        return 2 * self.depth * self.width**2

    @property
    def activation_elements(self) -> int:
        """Values one vector keeps for the backward pass: the input of each stage."""
        return len(self.stages()) * self.width
