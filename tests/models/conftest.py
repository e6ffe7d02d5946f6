from collections.abc import Callable

import pytest
import torch
from hypothesis import settings
from torch import nn

from models.blocks import Block, BlockNetwork
from models.initialisation import initialise
from models.kind import NetworkKind
from models.kinds.densenet import BottleneckDenseNet, DenseNet
from models.kinds.linear import LinearNetwork
from models.kinds.procrustes_resnet import ProcrustesResNet
from models.kinds.resnet import PreActivationResNet, ResNet
from models.kinds.se_resnet import PreActivationSEResNet, SEResNet
from models.kinds.sk_resnet import SKResNet
from models.kinds.stack import Stack
from models.kinds.vgg import VGG, grouped
from models.layout import BlockShape

# The first example of a process pays for loading; the examples are the same in every run.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

INPUT, CLASSES = (2, 6, 5), 3


def _of(kind: NetworkKind, depth: int, branches: int = 1, width: int = 2) -> Callable[[], BlockNetwork]:
    return lambda: kind.network(depth=depth, width=width, inputs=INPUT, classes=CLASSES, branches=branches)


NETWORKS: dict[str, Callable[[], BlockNetwork]] = {
    "sequential": _of(Stack(), 6),
    "mixed": _of(Stack(activation="tanh"), 6, branches=2),
    "parallel": _of(Stack(), 6, branches=6),
    "post": _of(ResNet(), 14),
    "post-projection": _of(ResNet(shortcut="projection"), 14),
    "post-bottleneck": _of(ResNet("bottleneck"), 20),
    "post-bottleneck-projection": _of(ResNet("bottleneck", "projection"), 29),
    "post-parallel": _of(ResNet(shortcut="projection"), 20, branches=3),
    "pre": _of(PreActivationResNet(), 20),
    "pre-projection": _of(PreActivationResNet(shortcut="projection"), 14),
    "pre-bottleneck": _of(PreActivationResNet("bottleneck"), 29),
    "pre-parallel": _of(PreActivationResNet(), 20, branches=2),
    "vgg": lambda: VGG().build(grouped((2, 3, 1), 2, 1, INPUT, CLASSES), 0),
    "linear": _of(LinearNetwork(), 6, width=4),
    "linear-mixed": _of(LinearNetwork(), 6, branches=2, width=4),
    "densenet": _of(DenseNet(), 10),
    "densenet-bc": _of(BottleneckDenseNet(), 16),
    "se-post": _of(SEResNet(reduction=1), 14, width=3),
    "se-pre-parallel": _of(PreActivationSEResNet("bottleneck", reduction=2), 20, branches=2),
    "sk": _of(SKResNet(cardinality=2), 20),
    "procrustes": _of(ProcrustesResNet(), 22),
    "procrustes-mixed": _of(ProcrustesResNet(), 31, branches=2),
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
