"""CIFAR ResNets of any depth, post- and pre-activation."""

import torch
from torch import nn

from models.blocks import Block, BlockNetwork
from models.geometry import BlockShape
from models.initialisation import initialise
from models.resnet_shape import ResNetShape
from models.shortcuts import convolution, option_a


class ResNet(BlockNetwork):
    """The network of a `ResNetShape`, with the weights of a seed (`initialise`).

    Pre-activation differs from 1603.05027 in two places (our choices): the first block has its own batch norm and relu
    as the others have, so that all blocks of a group are alike, and a projection takes h as it is, so that skip and
    branch have no layer in common.
    """

    def __init__(self, shape: ResNetShape, seed: int = 0) -> None:
        with torch.device("meta"):
            blocks = [_block(shape, block) for block in shape.block_shapes()]
            super().__init__(_stem(shape), blocks, _head(shape), shape.stages())
        self.shape = shape
        initialise(self, seed)


class MeanOverImage(nn.Module):
    """(batch, channels, height, width) to (batch, channels)."""

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return hidden.mean((2, 3))


def _stem(shape: ResNetShape) -> nn.Module:
    layers: list[nn.Module] = [convolution(shape.stem)]
    if shape.activation == "post":
        layers += [nn.BatchNorm2d(shape.width), nn.ReLU()]
    return nn.Sequential(*layers)


def _head(shape: ResNetShape) -> nn.Module:
    channels = shape.outputs[0]
    activation = [nn.BatchNorm2d(channels), nn.ReLU()] if shape.activation == "pre" else []
    return nn.Sequential(*activation, MeanOverImage(), nn.Linear(channels, shape.classes))


def _block(shape: ResNetShape, block: BlockShape) -> Block:
    layers: list[nn.Module] = []
    for of in shape.convolutions(block):
        if shape.activation == "pre":
            layers += [nn.BatchNorm2d(of.inputs[0]), nn.ReLU(), convolution(of)]
        else:
            layers += [convolution(of), nn.BatchNorm2d(of.outputs[0]), nn.ReLU()]
    if shape.activation == "pre":
        return Block(block, nn.Sequential(*layers), _skip(shape, block))
    *branch, relu = layers
    return Block(block, nn.Sequential(*branch), _skip(shape, block), after=relu)


def _skip(shape: ResNetShape, block: BlockShape) -> nn.Module:
    projection = shape.projection(block)
    if projection is None:
        return option_a(block)
    norm = [nn.BatchNorm2d(block.outputs[0])] if shape.activation == "post" else []
    return nn.Sequential(convolution(projection), *norm)
