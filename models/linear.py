"""The linear residual network of P5 (ResidualDroppath, 2411.09475)."""

import torch
from torch import nn

from models.blocks import Block, BlockNetwork
from models.initialisation import initialise
from models.linear_shape import LinearShape


class LinearNetwork(BlockNetwork):
    """The network of a `LinearShape`, with the weights of a seed: vectors (batch, width) to vectors (batch, width)."""

    def __init__(self, shape: LinearShape, seed: int = 0) -> None:
        with torch.device("meta"):
            blocks = [Block(block, nn.Linear(shape.width, shape.width)) for block in shape.block_shapes()]
            super().__init__(nn.Identity(), blocks, nn.Identity(), shape.stages())
        self.shape = shape
        initialise(self, seed)
