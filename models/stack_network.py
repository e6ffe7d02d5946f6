"""The stack of P1 as a network of blocks, for the studies that act on blocks."""

import torch
from torch import Tensor, nn

from models.activations import ACTIVATIONS
from models.blocks import Block, BlockNetwork
from models.initialisation import initial_parameters
from models.shape import StackShape


class StackNetwork(BlockNetwork):
    """The function of a `ResidualStack` of the same arguments, with a module for each block.

    `ResidualStack` and `FusedStack` hold all blocks in one tensor, so that arrangements share it; here each block has
    parameters of its own, which can be frozen. Raises KeyError for an unknown activation or initialisation.
    """

    def __init__(
        self, shape: StackShape, activation: str = "relu", initialisation: str = "torch", seed: int = 0
    ) -> None:
        filters, kernel = shape.filters, shape.kernel_size
        with torch.device("meta"):
            embedding = nn.Conv2d(shape.input_shape[0], filters, kernel, padding="same")
            branches = [ActivatedConvolution(filters, kernel, activation) for _ in range(shape.depth)]
            head = nn.Sequential(nn.Flatten(), nn.Linear(shape.features, shape.classes))
            blocks = [Block(block, branch) for block, branch in zip(shape.block_shapes(), branches, strict=True)]
            super().__init__(embedding, blocks, head, [shape.branches] * shape.stages)
        self.shape = shape
        self.to_empty(device="cpu")
        self.load_values(initial_parameters(shape, initialisation, seed))

    @torch.no_grad()
    def load_values(self, values: dict[str, Tensor]) -> None:
        """Copy in parameters by the names of `StackShape.tensors`, converting the number type.

        They may be those of a `ResidualStack`, or one network's of a `FusedStack`: ``{name: fused.value(name)[k]}``.
        """
        for kind in ("weight", "bias"):
            self.stem.get_parameter(kind).copy_(values[f"embedding.{kind}"])
            self.head.get_parameter(f"1.{kind}").copy_(values[f"head.{kind}"])
            for number, value in enumerate(values[f"blocks.{kind}"]):
                self.block(number).branch.get_parameter(kind).copy_(value)


class ActivatedConvolution(nn.Conv2d):
    """A convolution that keeps the shape (batch, filters, height, width), and an activation."""

    def __init__(self, filters: int, kernel_size: int, activation: str) -> None:
        super().__init__(filters, filters, kernel_size, padding="same")
        self.activation = ACTIVATIONS[activation]

    def forward(self, input: Tensor) -> Tensor:
        return self.activation(super().forward(input))
