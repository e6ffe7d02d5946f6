"""Blocks and interventions must fit the places of a network."""

import pytest
import torch
from torch import nn

from models.blocks import Block, BlockNetwork
from models.intervention import Intervention
from models.kinds.resnet import ResNet
from models.kinds.stack import Stack
from models.kinds.vgg import VGG, grouped
from models.layers import OptionA
from models.layout import BlockShape


@pytest.mark.parametrize(
    "network",
    [
        ResNet().network(depth=14, width=2, inputs=(3, 32, 32), classes=10),
        VGG().build(grouped((2, 2), 2, 1, (2, 4, 4), 10), 0),
    ],
    ids=["resnet", "vgg"],
)
def test_a_block_cannot_take_the_place_of_another_shape(network: BlockNetwork) -> None:
    order = list(range(len(network.blocks)))
    order[0], order[2] = order[2], order[0]
    with pytest.raises(ValueError, match="block 2 cannot take the place of block 0"):
        network.check(Intervention(order=tuple(order)))


def test_stages_must_fit_the_blocks() -> None:
    wide, narrow = (Block(BlockShape(size, size), nn.Identity()) for size in ((4,), (2,)))
    for stages in ([1], [1, 2], [2, 0]):
        with pytest.raises(ValueError, match="do not make a network of 2"):
            BlockNetwork(nn.Identity(), [wide, wide], nn.Identity(), stages)
    closed = Block(wide.shape, nn.Identity(), after=nn.Linear(4, 4))
    assert len(BlockNetwork(nn.Identity(), [wide, closed], nn.Identity(), [2]).stages) == 1
    with pytest.raises(ValueError, match=r"blocks .0, 1. cannot run in parallel: the layers after block 0 have"):
        BlockNetwork(nn.Identity(), [closed, wide], nn.Identity(), [2])
    with pytest.raises(ValueError, match="shapes differ"):
        BlockNetwork(nn.Identity(), [wide, narrow], nn.Identity(), [2])


def test_vgg_layers_that_change_the_channels_are_passed_over_with_zeros() -> None:
    hidden = torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    passed = OptionA((3, 5, 5), (7, 3, 3)).module()(hidden)
    assert torch.equal(passed[:, :3], hidden[:, :, ::2, ::2])
    assert passed.shape == (2, 7, 3, 3)
    assert not passed[:, 3:].any()
    assert OptionA((3, 5, 5), (3, 5, 5)).module()(hidden) is hidden


def test_a_stack_of_one_block_is_the_same_in_both_arrangements() -> None:
    network = Stack().network(depth=1, width=2, inputs=(1, 4, 4), classes=2)
    images = torch.ones(1, 1, 4, 4)
    assert torch.equal(network(images, Intervention.dropping([0])), network.head(network.stem(images)))
