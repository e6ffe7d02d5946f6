"""Parameters, operations and memory are known without building the network, and initial weights stay what they are."""

import hashlib
import json
import re
from collections.abc import Callable
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


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
@pytest.mark.parametrize("kind", [ResNet(), PreActivationResNet()], ids=["post", "pre"])
def test_resnets_have_the_published_number_of_parameters(depth: int, millions: float, kind: NetworkKind) -> None:
    """1512.03385, table 6."""
    layout = kind.layout(depth, 16, 1, CIFAR, 10)
    assert round(layout.parameters / 1e6, 2 if depth < 110 else 1) == millions


@pytest.mark.parametrize(
    ("kind", "depth", "width", "millions"),
    [
        (DenseNet(), 40, 12, 1.0),
        (BottleneckDenseNet(), 100, 12, 0.8),
        (WideResNet(1), 40, 16, 0.6),
        (WideResNet(2), 40, 16, 2.2),
        (WideResNet(4), 40, 16, 8.9),
        (WideResNet(10), 28, 16, 36.5),
        (WideResNet(8), 16, 16, 11.0),
        (ProcrustesResNet(), 166, 16, 1.72),
        (PreActivationResNet("bottleneck"), 164, 16, 1.7),
    ],
    ids=str,
)
def test_other_networks_have_the_published_number_of_parameters(
    kind: NetworkKind, depth: int, width: int, millions: float
) -> None:
    """1608.06993, table 2; 1605.07146, table 4; 1805.07477, which compares its network with the ResNet-164."""
    parameters = kind.layout(depth, width, 1, CIFAR, 10).parameters
    assert round(parameters / 1e6, 2 if millions == 1.72 else 1) == millions


def test_channel_attention_adds_what_its_papers_say() -> None:
    """1709.01507, section 4, with biases; 1903.06586, section 3.1."""
    plain, gated = (kind.layout(20, 16, 1, CIFAR, 10).parameters for kind in (ResNet(), SEResNet()))
    assert gated - plain == sum(3 * (2 * c * (c // 16) + c // 16 + c) for c in (16, 32, 64))
    plain, selective = (
        kind.layout(29, 16, 1, CIFAR, 10).parameters for kind in (ResNet("bottleneck"), SKResNet(cardinality=1))
    )
    # One more convolution and batch norm; 32 hidden units with batch norm between three sets of weights.
    assert selective - plain == sum(3 * (9 * c * c + 2 * c + 3 * c * 32 + 2 * 32) for c in (16, 32, 64))


def test_counts_of_well_known_networks() -> None:
    assert DenseNet().layout(40, 12, 1, CIFAR, 10).parameters == 1_019_722
    assert BottleneckDenseNet().layout(100, 12, 1, CIFAR, 10).parameters == 769_162
    assert [ResNet().layout(depth, 16, 1, CIFAR, 10).parameters for depth in (20, 110)] == [269_722, 1_727_962]
    assert len(PreActivationResNet().layout(110, 16, 1, CIFAR, 10).blocks) == 54
    assert round(PreActivationResNet("bottleneck").layout(164, 16, 1, CIFAR, 10).parameters / 1e6, 1) == 1.7
    vgg = VGG().layout(15, 64, 1, CIFAR, 10)
    assert vgg == grouped((2, 2, 3, 3, 3), 64, 1, CIFAR, 10)
    assert len(vgg.blocks) == 13
    convolutions = 14_710_464  # torchvision's vgg16 without biases
    assert vgg.parameters == convolutions + 2 * 4224 + 512 * 512 + 2 * 512 + 513 * 10


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


@pytest.mark.parametrize(
    "refused",
    [
        lambda: ResNet().layout(21, 16, 1, CIFAR, 10),
        lambda: ResNet().layout(2, 16, 1, CIFAR, 10),
        lambda: ResNet("bottleneck").layout(14, 16, 1, CIFAR, 10),
        lambda: ResNet().layout(-4, 16, 1, CIFAR, 10),
        lambda: ResNet().layout(8, 0, 1, CIFAR, 10),
        lambda: ResNet().layout(8, 16, 0, CIFAR, 10),
        lambda: ResNet().layout(8, 16, 1, (3, 0, 8), 10),
        lambda: grouped((), 64, 1, CIFAR, 10),
        lambda: grouped((2, 0), 64, 1, CIFAR, 10),
        lambda: VGG().layout(15, 0, 1, CIFAR, 10),
        lambda: VGG().layout(2, 64, 1, CIFAR, 10),
        lambda: LinearNetwork().layout(0, 32, 1, MNIST, 10),
        lambda: LinearNetwork().layout(3, 0, 1, MNIST, 10),
        lambda: LinearNetwork().layout(3, 32, 0, MNIST, 10),
        lambda: LinearNetwork().layout(3, 32, 1, (1, 0, 8), 10),
        lambda: LinearNetwork().layout(3, 32, 1, MNIST, 0),
        lambda: DenseNet().layout(4, 12, 1, CIFAR, 10),
        lambda: DenseNet().layout(40, 0, 1, CIFAR, 10),
        lambda: SEResNet(reduction=0).layout(20, 16, 1, CIFAR, 10),
        lambda: SKResNet().layout(29, 16, 1, CIFAR, 0),
        lambda: WideResNet(0).layout(28, 16, 1, CIFAR, 10),
        lambda: ProcrustesResNet().layout(166, 16, 0, CIFAR, 10),
    ],
)
def test_impossible_sizes_are_refused(refused: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"n \+ [24] layers|at least [13]"):
        refused()


@pytest.mark.parametrize(
    ("kind", "depth", "sentence"),
    [
        (DenseNet(), 41, "a DenseNet has 3n + 4 layers, not 41"),
        (BottleneckDenseNet(), 40 + 3, "a DenseNet-BC has 6n + 4 layers, not 43"),
        (SEResNet(), 21, "a ResNet of basic blocks has 6n + 2 layers, not 21"),
        (SKResNet(), 20 + 1, "an SK-ResNet has 9n + 2 layers, not 21"),
        (WideResNet(), 4, "a WideResNet has 6n + 4 layers, not 4"),
        (ProcrustesResNet(), 164, "a Procrustes ResNet has 9n + 4 layers, not 164"),
    ],
)
def test_a_depth_that_no_network_has_is_one_sentence(kind: NetworkKind, depth: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        kind.layout(depth, 16, 1, CIFAR, 10)


def test_selective_kernels_need_a_cardinality_that_divides_their_channels() -> None:
    with pytest.raises(ValueError, match="a cardinality of 4 does not divide the 6 channels of an SK unit"):
        SKResNet().layout(11, 6, 1, CIFAR, 10)


def test_blocks_without_skip_connections_are_not_run_in_parallel() -> None:
    with pytest.raises(ValueError, match="cannot run in parallel without skip connections"):
        VGG().layout(15, 2, 2, CIFAR, 10)


def test_a_batch_norm_or_dense_layer_is_all_that_vgg_adds_to_its_blocks() -> None:
    head = VGG().build(grouped((1,), 2, 1, (1, 4, 4), 10), 0).head
    assert [type(layer) for layer in head.children()] == [nn.Flatten, nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Linear]
