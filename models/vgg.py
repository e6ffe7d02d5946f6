"""VGG networks with batch norm: the networks without skip connections that P2 compares ResNets with."""

import torch
from torch import nn

from models.blocks import BlockNetwork, PlainBlock
from models.geometry import BlockShape, Convolution
from models.initialisation import initialise
from models.shortcuts import convolution, option_a
from models.vgg_shape import VGGShape


class VGG(BlockNetwork):
    """The network of a `VGGShape`, with the weights of a seed (`initialise`).

    A block is convolution, batch norm and relu. A deleted one is passed over by the identity, with zero channels
    appended where it would have added channels; pooling belongs to the place and stays (our choices, where P2 is
    silent, as is batch norm in the dense part).
    """

    def __init__(self, shape: VGGShape, seed: int = 0) -> None:
        pools = shape.pools()
        with torch.device("meta"):
            blocks = [_block(layer, number in pools) for number, layer in enumerate(shape.convolutions())]
            super().__init__(nn.Identity(), blocks, _head(shape))
        self.shape = shape
        initialise(self, seed)


def _block(layer: Convolution, pool: bool) -> PlainBlock:
    shape = BlockShape(layer.inputs, layer.outputs)
    branch = nn.Sequential(convolution(layer), nn.BatchNorm2d(layer.outputs[0]), nn.ReLU())
    return PlainBlock(shape, branch, option_a(shape), after=nn.MaxPool2d(2) if pool else None)


def _head(shape: VGGShape) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(shape.features, shape.hidden, bias=False),
        nn.BatchNorm1d(shape.hidden),
        nn.ReLU(),
        nn.Linear(shape.hidden, shape.classes),
    )
