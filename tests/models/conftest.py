from collections.abc import Callable
from typing import Literal

import pytest
import torch
from hypothesis import settings
from torch import nn

from models import (
    VGG,
    Block,
    BlockNetwork,
    BlockShape,
    LinearNetwork,
    LinearShape,
    ResNet,
    ResNetShape,
    StackNetwork,
    StackShape,
    VGGShape,
    initialise,
)

# The first example of a process pays for loading; the examples are the same in every run.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

INPUT, CLASSES = (2, 6, 5), 3


def _stack(stages: int, activation: str = "relu") -> Callable[[], BlockNetwork]:
    return lambda: StackNetwork(StackShape(INPUT, CLASSES, 6, stages, 2, 3), activation)


def _resnet(
    depth: int,
    activation: Literal["post", "pre"],
    shortcut: Literal["option_a", "projection"] = "option_a",
    block: Literal["basic", "bottleneck"] = "basic",
    branches: int = 1,
) -> Callable[[], BlockNetwork]:
    return lambda: ResNet(ResNetShape(depth, 2, block, shortcut, activation, branches, INPUT, CLASSES))


NETWORKS: dict[str, Callable[[], BlockNetwork]] = {
    "sequential": _stack(6),
    "mixed": _stack(3, "tanh"),
    "parallel": _stack(1),
    "post": _resnet(14, "post"),
    "post-projection": _resnet(14, "post", "projection"),
    "post-bottleneck": _resnet(20, "post", block="bottleneck"),
    "post-bottleneck-projection": _resnet(29, "post", "projection", "bottleneck"),
    "post-parallel": _resnet(20, "post", "projection", branches=3),
    "pre": _resnet(20, "pre"),
    "pre-projection": _resnet(14, "pre", "projection"),
    "pre-bottleneck": _resnet(29, "pre", block="bottleneck"),
    "pre-parallel": _resnet(20, "pre", branches=2),
    "vgg": lambda: VGG(VGGShape((2, 3, 1), 2, INPUT, CLASSES)),
    "linear": lambda: LinearNetwork(LinearShape(6, 4, 1, INPUT, CLASSES)),
    "linear-mixed": lambda: LinearNetwork(LinearShape(6, 4, 2, INPUT, CLASSES)),
}


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> BlockNetwork:
    """Every kind of network in small, float64, in evaluation mode, its batch norms as if trained."""
    return _as_trained(NETWORKS[request.param]())


@pytest.fixture
def images() -> torch.Tensor:
    """Four inputs for the network."""
    return _random(4, *INPUT)


@pytest.fixture(scope="session")
def bare() -> Callable[..., BlockNetwork]:
    """Makes a network of linear blocks alone, from vectors to vectors: its derivatives are products of matrices."""
    return _bare


def _bare(depth: int, width: int, branches: int = 1, seed: int = 0) -> BlockNetwork:
    shape = BlockShape((width,), (width,))
    blocks = [Block(shape, nn.Linear(width, width)) for _ in range(depth)]
    stages = [min(branches, depth - first) for first in range(0, depth, branches)]
    network = BlockNetwork(nn.Identity(), blocks, nn.Identity(), stages)
    initialise(network, seed)
    return network


def _random(*size: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def _as_trained(network: BlockNetwork) -> BlockNetwork:
    for seed, module in enumerate(network.modules()):
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            tensors = (module.weight, module.bias, module.running_mean, module.running_var)
            for place, tensor in enumerate(tensors):
                assert tensor is not None
                noise = 0.3 * _random(len(tensor), seed=10 * seed + place)
                tensor.data.copy_(noise if place in (1, 2) else noise.exp())
    return network.double().eval()
