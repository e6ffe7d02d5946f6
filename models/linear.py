"""The linear residual network of P5 (ResidualDroppath, 2411.09475)."""

import torch
from torch import nn

from models.blocks import Block, BlockNetwork
from models.initialisation import initialise
from models.linear_shape import LinearShape


class LinearNetwork(BlockNetwork):
    """The network of a `LinearShape`, with the weights of a seed (`initialise`)."""

    def __init__(self, shape: LinearShape, seed: int = 0) -> None:
        with torch.device("meta"):
            stem = nn.Sequential(nn.Flatten(), nn.Linear(shape.pixels, shape.width))
            blocks = [Block(block, nn.Linear(shape.width, shape.width)) for block in shape.block_shapes()]
            super().__init__(stem, blocks, nn.Linear(shape.width, shape.classes), shape.stages())
        self.shape = shape
        initialise(self, seed)
