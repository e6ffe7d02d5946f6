"""Parameters, operations and memory are known without building the network, and initial weights stay what they are."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from models.blocks import AppendingBlock, BlockNetwork
from models.kind import NetworkKind
from models.kinds import KINDS
from models.kinds.densenet import BottleneckDenseNet, DenseNet
from models.kinds.linear import LinearNetwork
from models.kinds.procrustes_resnet import ProcrustesResNet
from models.kinds.resnet import PreActivationResNet, ResNet
from models.kinds.se_resnet import PreActivationSEResNet, SEResNet
from models.kinds.sk_resnet import SKResNet
from models.kinds.stack import Stack
from models.kinds.vgg import VGG, grouped
from models.kinds.wide_resnet import WideResNet
from models.layers import SAVED_OF_ACTIVATION, ImageShape
from models.layout import Layout
from models.modules import SqueezeExcite

PINNED: list[dict[str, Any]] = json.loads(Path(__file__).with_name("pinned_networks.json").read_text())
"""Counts and digests of initial weights; every result of a sweep depends on them."""
CIFAR, MNIST, SMALL = (3, 32, 32), (1, 28, 28), (1, 8, 8)
Case = tuple[NetworkKind, Layout]


def of(
    kind: NetworkKind, depth: int, width: int, inputs: ImageShape = CIFAR, classes: int = 10, branches: int = 1
) -> Case:
    return kind, kind.layout(depth, width, branches, inputs, classes)


CASES: tuple[Case, ...] = (
    of(ResNet(), 8, 3),
    of(ResNet(shortcut="projection"), 20, 4, (1, 9, 7), 4),
    of(PreActivationResNet(), 14, 2, SMALL),
    of(PreActivationResNet(shortcut="projection"), 14, 2, (1, 1, 3)),
    of(ResNet("bottleneck"), 11, 2, (3, 10, 8)),
    of(ResNet("bottleneck", "projection"), 20, 2, (1, 5, 8)),
    of(PreActivationResNet("bottleneck"), 29, 1, SMALL),
    of(PreActivationResNet("bottleneck", "projection"), 29, 2, SMALL),
    of(ResNet(), 20, 2, SMALL, branches=2),
    of(PreActivationResNet(shortcut="projection"), 26, 2, SMALL, branches=9),
    (VGG(), grouped((2, 2, 3, 3, 3), 2, 1, CIFAR, 10)),
    (VGG(), grouped((1, 2), 3, 1, (1, 8, 5), 4)),
    (VGG(), grouped((1, 1, 1, 1, 2), 1, 1, SMALL, 10)),
    of(LinearNetwork(), 6, 4, MNIST),
    of(LinearNetwork(), 7, 3, MNIST, branches=3),
    of(LinearNetwork(), 2, 5, (3, 4, 5), 6),
    *(
        of(Stack(activation=name), 6, 2, (2, 6, 5), 3, branches)
        for name in SAVED_OF_ACTIVATION
        for branches in (1, 2, 6)
    ),
    of(Stack(kernel_size=5), 7, 3, MNIST, branches=3),
    of(DenseNet(), 10, 3, SMALL),
    of(DenseNet(), 7, 2, (1, 1, 3)),
    of(BottleneckDenseNet(), 16, 3, (3, 9, 6), 4),
    of(SEResNet(reduction=2), 14, 3, SMALL),
    of(SEResNet("bottleneck"), 20, 2, SMALL, branches=2),
    of(PreActivationSEResNet(shortcut="projection", reduction=1), 14, 2, (1, 5, 4)),
    of(SKResNet(), 11, 4, SMALL),
    of(SKResNet("projection", cardinality=2), 29, 2, (2, 5, 7), branches=2),
    of(WideResNet(3), 10, 2, SMALL),
    of(WideResNet(1), 22, 2, SMALL, branches=3),
    *(of(ProcrustesResNet(), 31, 2, (1, 9, 6), branches=branches) for branches in (1, 2, 3)),
)


def named(value: object) -> str | None:
    return f"{value.input_shape}-{value.stages}" if isinstance(value, Layout) else None


each_case = pytest.mark.parametrize(("kind", "layout"), CASES, ids=named)


@each_case
def test_a_layout_tells_what_the_network_has(kind: NetworkKind, layout: Layout) -> None:
    network = kind.build(layout, 0)
    assert layout.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert len(layout.blocks) == len(network.blocks)
    assert layout.block_shapes() == tuple(network.block(number).shape for number in range(len(layout.blocks)))
    assert layout.stages == tuple(map(len, network.stages))
    branch = network.block(0).branch
    layers = branch.children() if isinstance(branch, nn.Sequential) else [branch]
    counted = [layer for layer in layers if has_weights(layer) and not isinstance(layer, SqueezeExcite)]
    assert layout.layers_per_block == len(counted)
    inputs = torch.zeros(3, *layout.input_shape)
    states = list(network.states(network.stem(inputs)))
    for stage, hidden in zip(network.stages, states, strict=False):
        block = network.block(stage[0])
        assert hidden.shape[1:] == block.shape.inputs
        branch, skip = block.branch(hidden), block.skip(hidden)
        assert isinstance(block, AppendingBlock) or branch.shape == skip.shape
        assert block.join(skip, [(branch, 1.0)]).shape == (3, *block.shape.outputs)
    assert network.head(states[-1]).shape == (3, layout.classes)


def has_weights(layer: nn.Module) -> bool:
    return any(isinstance(module, nn.Conv2d | nn.Linear) for module in layer.modules())


@each_case
def test_flops_are_those_that_torch_counts(kind: NetworkKind, layout: Layout) -> None:
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        kind.build(layout, 0)(torch.zeros(2, *layout.input_shape))
    assert 2 * layout.forward_flops == counter.get_total_flops()


@each_case
def test_activation_elements_are_those_that_autograd_keeps(kind: NetworkKind, layout: Layout) -> None:
    network, batch = kind.build(layout, 0), 97
    assert batch * layout.activation_elements == kept_by_autograd(network, torch.zeros(batch, *layout.input_shape))


def kept_by_autograd(network: BlockNetwork, images: Tensor) -> int:
    """Values of the batch that a forward pass keeps, statistics of batch norms aside."""
    kept: dict[int, Tensor] = {}
    parameters = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}

    def keep(saved: Tensor) -> Tensor:
        if saved.dtype == torch.float32 and saved.shape[0] == len(images):
            # Parts of a tensor are kept with the whole.
            address = saved.untyped_storage().data_ptr()
            kept[address] = max(kept.get(address, saved), saved, key=Tensor.numel)
        return saved

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda saved: saved):
        network(images)
    assert not parameters & kept.keys()
    return sum(saved.numel() for saved in kept.values())


def pinned_layout(pinned: dict[str, Any]) -> Case:
    kind = KINDS[pinned["kind"]](**pinned["factors"])
    size = {**pinned["size"], "inputs": tuple(pinned["size"]["inputs"])}
    return kind, grouped(**size) if "groups" in size else kind.layout(**size)


@pytest.mark.parametrize("pinned", PINNED, ids=lambda pinned: f"{pinned['kind']}-{pinned['weights'][:8]}")
def test_weights_and_counts_are_those_of_earlier_releases(pinned: dict[str, Any]) -> None:
    """A change here changes every result."""
    kind, layout = pinned_layout(pinned)
    # The stack's activation values are not pinned: autograd alone says what they are.
    counts = [name for name in ("parameters", "forward_flops", "activation_elements") if name in pinned]
    assert {name: getattr(layout, name) for name in counts} == {name: pinned[name] for name in counts}
    digest = hashlib.sha256()
    for name, value in kind.build(layout, pinned["seed"]).state_dict().items():
        digest.update(name.encode() + value.contiguous().numpy().tobytes())
    assert digest.hexdigest() == pinned["weights"]


@pytest.mark.parametrize(("kind", "layout"), CASES[:3], ids=named)
def test_layouts_are_remembered_and_told_apart(kind: NetworkKind, layout: Layout) -> None:
    branches, width, depth = max(layout.stages), layout.block_shapes()[0].inputs[0], len(layout.blocks) * 2 + 2
    again = kind.layout(depth, width, branches, layout.input_shape, layout.classes)
    assert again is layout
    assert len({layout for _, layout in CASES}) == len(CASES)


def test_parallel_stages_hold_blocks_of_one_shape_and_move_no_parameter() -> None:
    layout, deep = (ResNet().layout(26, 16, branches, CIFAR, 10) for branches in (3, 1))
    assert layout.stages == (3, 1, 1, 3, 1, 3)
    assert deep.stages == (1,) * 12
    assert layout.parameters == deep.parameters
    assert layout.forward_flops == deep.forward_flops
    assert LinearNetwork().layout(7, 3, 3, MNIST, 10).stages == (3, 3, 1)
    assert len(Stack().layout(6, 1, 3, (1, 4, 4), 2).blocks) == 6


@pytest.mark.parametrize(
    ("kind", "depth", "blocks"),
    [
        (Stack(), 8, 8),
        (LinearNetwork(), 5, 5),
        (ResNet(), 20, 3),
        (PreActivationResNet("bottleneck"), 164, 18),
        (VGG(), 15, 13),
        (DenseNet(), 40, 12),
        (BottleneckDenseNet(), 100, 16),
        (SEResNet(), 20, 3),
        (SKResNet(), 29, 3),
        (WideResNet(), 28, 4),
        (ProcrustesResNet(), 166, 18),
    ],
)
def test_stages_divide_all_blocks_or_those_of_a_group(kind: NetworkKind, depth: int, blocks: int) -> None:
    assert kind.arranged(depth) == blocks


@pytest.mark.parametrize(
    ("kind", "depth", "words"),
    [
        (Stack(), 8, "stack of 8"),
        (LinearNetwork(), 32, "linear network of 32"),
        (ResNet(), 20, "ResNet-20"),
        (PreActivationResNet(), 110, "pre-activation ResNet-110"),
        (VGG(), 15, "VGG-15"),
        (DenseNet(), 40, "DenseNet-40"),
        (BottleneckDenseNet(), 100, "DenseNet-BC-100"),
        (PreActivationSEResNet(), 20, "pre-activation SE-ResNet-20"),
        (SKResNet(), 29, "SK-ResNet-29"),
        (WideResNet(10), 28, "WideResNet-28-10"),
        (ProcrustesResNet(), 166, "Procrustes ResNet-166"),
    ],
)
def test_a_network_in_words(kind: NetworkKind, depth: int, words: str) -> None:
    assert kind.describe(depth) == words


@pytest.mark.parametrize(
    ("size", "pools"), [(32, {1, 3, 6, 9, 12}), (28, {1, 3, 6, 9}), (8, {1, 3, 6}), (1, set[int]())]
)
def test_vgg_pools_while_there_is_something_to_pool(size: int, pools: set[int]) -> None:
    blocks = VGG().layout(15, 64, 1, (1, size, size), 10).blocks
    assert {number for number, block in enumerate(blocks) if block.after is not None} == pools


@pytest.mark.parametrize(
    ("depth", "groups"), [(3, (1,)), (5, (1, 1, 1)), (10, (1, 1, 2, 2, 2)), (12, (2,) * 5), (18, (3, 3, 3, 3, 4))]
)
def test_vgg_deals_convolutions_to_groups(depth: int, groups: tuple[int, ...]) -> None:
    assert VGG().layout(depth, 2, 1, CIFAR, 10) == grouped(groups, 2, 1, CIFAR, 10)


def test_blocks_without_skip_connections_are_not_run_in_parallel() -> None:
    with pytest.raises(ValueError, match="cannot run in parallel without skip connections"):
        VGG().layout(15, 2, 2, CIFAR, 10)


def test_a_batch_norm_or_dense_layer_is_all_that_vgg_adds_to_its_blocks() -> None:
    head = VGG().build(grouped((1,), 2, 1, (1, 4, 4), 10), 0).head
    assert [type(layer) for layer in head.children()] == [nn.Flatten, nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Linear]
