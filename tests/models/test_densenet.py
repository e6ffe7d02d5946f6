"""DenseNets compute what the paper says, and their paths are increasing subsets of layers."""

from itertools import product

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.densenet import _DenseBlock, _Transition  # pyright: ignore[reportPrivateUsage]

from models.blocks import BlockNetwork
from models.intervention import Intervention
from models.kinds.densenet import BottleneckDenseNet, DenseNet

INPUTS, CLASSES = (3, 9, 8), 4
KINDS = {"densenet": (DenseNet(), 10), "densenet-bc": (BottleneckDenseNet(), 16)}


@pytest.fixture(params=KINDS)
def network(request: pytest.FixtureRequest) -> BlockNetwork:
    """Two layers in each of three groups, float64, with batch norms of random scale and shift."""
    kind, depth = KINDS[request.param]
    network = kind.network(depth=depth, width=2, inputs=INPUTS, classes=CLASSES).double().eval()
    for seed, norm in enumerate(module for module in network.modules() if isinstance(module, nn.BatchNorm2d)):
        norm.weight.data, norm.bias.data = random(2, norm.num_features, seed=seed)
    return network


@pytest.fixture
def images() -> Tensor:
    return random(3, *INPUTS)


def random(*size: int, seed: int = 0) -> Tensor:
    return torch.randn(*size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def concatenating(
    network: BlockNetwork, images: Tensor, path: set[int] | None = None, deleted: frozenset[int] = frozenset()
) -> Tensor:
    """Logits by the paper's equation (2), ``x_l = f_l([x_0, ..., x_(l-1)])``, where a deleted layer gives zeros.

    With a path, the gradient goes from a layer, a transition or the head only to the last one on the path before it:
    every other chunk is detached.
    """
    chunks, chosen = [network.stem(images)], 0

    def visible() -> Tensor:
        return torch.cat(
            [chunk if path is None or place == chosen else chunk.detach() for place, chunk in enumerate(chunks)], 1
        )

    for number in range(len(network.blocks)):
        block = network.block(number)
        grown = block.branch(visible())
        chunks.append(torch.zeros_like(grown) if number in deleted else grown)
        if path is not None and number in path:
            chosen = len(chunks) - 1
        if not isinstance(block.after, nn.Identity):
            chunks, chosen = [block.after(visible())], 0
    return network.head(visible())


def gradient(logits: Tensor, images: Tensor) -> Tensor:
    (result,) = torch.autograd.grad((logits * torch.arange(1.0, CLASSES + 1)).sum(), images)
    return result


def test_it_is_the_concatenation_of_its_layers(network: BlockNetwork, images: Tensor) -> None:
    torch.testing.assert_close(network(images), concatenating(network, images), rtol=1e-12, atol=1e-12)


def test_a_deleted_layer_leaves_zeros(network: BlockNetwork, images: Tensor) -> None:
    for blocks in ([0], [1], [3], [5], [0, 1], [1, 2, 4]):
        expected = concatenating(network, images, deleted=frozenset(blocks))
        torch.testing.assert_close(network(images, Intervention.dropping(blocks)), expected, rtol=1e-12, atol=1e-12)


def test_a_path_is_an_increasing_subset_of_layers(network: BlockNetwork, images: Tensor) -> None:
    images.requires_grad_()
    total = torch.zeros_like(images)
    for path in product([False, True], repeat=len(network.blocks)):
        routed = gradient(network(images, Intervention.along(torch.tensor(path))), images)
        detached = gradient(concatenating(network, images, {n for n, on in enumerate(path) if on}), images)
        torch.testing.assert_close(routed, detached, rtol=1e-12, atol=1e-12)
        total += routed
    torch.testing.assert_close(total, gradient(network(images), images), rtol=1e-9, atol=1e-9)


def test_groups_and_transitions_are_those_of_torchvision(images: Tensor) -> None:
    """Its DenseNet is made of DenseNet-BC's layers, but begins with another stem."""
    network = BottleneckDenseNet().network(depth=16, width=2, inputs=INPUTS, classes=CLASSES).double()
    hidden = network.stem(images)
    states = list(network.states(hidden))
    for first in (0, 2, 4):
        blocks = [network.block(first), network.block(first + 1)]
        theirs = nn.Sequential(_DenseBlock(2, hidden.shape[1], 4, 2, 0.0))
        if first < 4:
            theirs.append(_Transition(hidden.shape[1] + 4, (hidden.shape[1] + 4) // 2))
        ours = nn.ModuleList([*(block.branch for block in blocks), blocks[1].after])
        theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True)))
        hidden = theirs.double()(hidden)
        torch.testing.assert_close(states[first + 2], hidden)


def test_sizes_are_those_of_the_paper() -> None:
    layout = DenseNet().layout(40, 12, 1, (3, 32, 32), 10)
    assert len(layout.blocks) == 36
    assert layout.blocks[0].shape.inputs == (16, 32, 32)
    assert [layout.blocks[number].outputs for number in (11, 23, 35)] == [(160, 16, 16), (304, 8, 8), (448, 8, 8)]
    layout = BottleneckDenseNet().layout(100, 12, 1, (3, 32, 32), 10)
    assert layout.blocks[0].shape.inputs == (24, 32, 32)
    assert [layout.blocks[number].outputs for number in (15, 31, 47)] == [(108, 16, 16), (150, 8, 8), (342, 8, 8)]


def test_no_two_layers_run_side_by_side() -> None:
    for kind, depth in KINDS.values():
        layout = kind.layout(depth, 2, 3, (1, 1, 1), CLASSES)
        assert layout.stages == (1,) * 6
    with pytest.raises(ValueError, match="their shapes differ"):
        DenseNet().network(depth=10, width=2, inputs=INPUTS, classes=CLASSES).rearranged([2, 2, 2])


def test_trained_in_any_precision_a_deleted_layer_is_zeros_of_that_precision() -> None:
    network = DenseNet().network(depth=7, width=2, inputs=INPUTS, classes=CLASSES).bfloat16()
    logits = network(torch.ones(2, *INPUTS, dtype=torch.bfloat16), Intervention.dropping([0, 2]))
    assert logits.dtype == torch.bfloat16
