"""What fixes a stack's parameters and cost, known without building it.

The stack of P1 (Bermeitinger, Hrycej, Handschuh, "Make Deep Networks Shallow Again", arXiv 2309.08414): an embedding
convolution, `depth` residual blocks ``F_i(h) = activation(conv_i(h))``, and one dense layer. The blocks are arranged as
sequential stages of parallel branches, ``h <- h + sum of F_i(h) over the stage``: as many stages as blocks is the
sequential network, one stage the parallel one. The arrangement moves no parameter.
"""

from dataclasses import dataclass

from models.geometry import BlockShape


@dataclass(frozen=True)
class StackShape:
    """Shape of one stack. Raises ValueError if the blocks cannot be dealt evenly to the stages."""

    input_shape: tuple[int, int, int]
    """channels, height, width"""
    classes: int
    depth: int
    stages: int
    filters: int
    kernel_size: int

    def __post_init__(self) -> None:
        if min(*self.input_shape, self.classes, self.depth, self.stages, self.filters, self.kernel_size) < 1:
            raise ValueError(f"every size of a stack is at least 1, not {self}")
        if self.depth % self.stages:
            raise ValueError(f"{self.depth} blocks cannot be dealt evenly to {self.stages} stages")

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return self.depth

    def block_shapes(self) -> tuple[BlockShape, ...]:
        """Shape of every block."""
        size = (self.filters, *self.input_shape[1:])
        return (BlockShape(size, size),) * self.depth

    @property
    def branches(self) -> int:
        """Parallel blocks in a stage."""
        return self.depth // self.stages

    @property
    def features(self) -> int:
        """Inputs of the dense layer: filters x height x width."""
        return self.filters * self.input_shape[1] * self.input_shape[2]

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every parameter; block i is index i of ``blocks.*`` in each arrangement."""
        channels, depth, filters, kernel = self.input_shape[0], self.depth, self.filters, self.kernel_size
        return {
            "embedding.weight": (filters, channels, kernel, kernel),
            "embedding.bias": (filters,),
            "blocks.weight": (depth, filters, filters, kernel, kernel),
            "blocks.bias": (depth, filters),
            "head.weight": (self.classes, self.features),
            "head.bias": (self.classes,),
        }

    @property
    def parameters(self) -> int:
        """Number of trained values."""
        area, filters = self.kernel_size**2, self.filters
        embedding = filters * (self.input_shape[0] * area + 1)
        blocks = self.depth * filters * (filters * area + 1)
        return embedding + blocks + self.classes * (self.features + 1)

    @property
    def forward_flops(self) -> int:
        """Floating-point operations of one image's forward pass, a multiply-add counted as two."""
        per_filter_input = 2 * self.kernel_size**2 * self.features
        convolutions = per_filter_input * (self.input_shape[0] + self.depth * self.filters)
        return convolutions + 2 * self.features * self.classes

    @property
    def activation_elements(self) -> int:
        """Values one image keeps for the backward pass: input, embedding, and each block's output."""
        channels, height, width = self.input_shape
        return channels * height * width + (1 + 2 * self.depth) * self.features

    def determination_ratio(self, train_samples: int) -> float:
        """Q of P1: training samples times outputs over parameters; below 1 the data cannot determine the network."""
        return train_samples * self.classes / self.parameters
