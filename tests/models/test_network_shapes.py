"""Parameters, operations and memory are known without building the network."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from models import VGG, BlockNetwork, LinearNetwork, LinearShape, ResNet, ResNetShape, StackShape, VGGShape

Shape = ResNetShape | VGGShape | LinearShape

SHAPES: tuple[Shape, ...] = (
    ResNetShape(8, 3),
    ResNetShape(20, 4, shortcut="projection", input_shape=(1, 9, 7), classes=4),
    ResNetShape(14, 2, activation="pre", input_shape=(1, 8, 8)),
    ResNetShape(14, 2, activation="pre", shortcut="projection", input_shape=(1, 1, 3)),
    ResNetShape(11, 2, block="bottleneck", input_shape=(3, 10, 8)),
    ResNetShape(20, 2, block="bottleneck", shortcut="projection", input_shape=(1, 5, 8)),
    ResNetShape(29, 1, block="bottleneck", activation="pre", input_shape=(1, 8, 8)),
    ResNetShape(29, 2, block="bottleneck", activation="pre", shortcut="projection", input_shape=(1, 8, 8)),
    ResNetShape(20, 2, branches=2, input_shape=(1, 8, 8)),
    ResNetShape(26, 2, activation="pre", shortcut="projection", branches=9, input_shape=(1, 8, 8)),
    VGGShape(width=2),
    VGGShape((1, 2), 3, (1, 8, 5), 4),
    VGGShape((1, 1, 1, 1, 2), 1, (1, 8, 8)),
    LinearShape(6, 4),
    LinearShape(7, 3, branches=3),
    LinearShape(2, 5, 1, (3, 4, 5), 6),
)


def build(shape: Shape, seed: int = 0) -> BlockNetwork:
    if isinstance(shape, ResNetShape):
        return ResNet(shape, seed)
    return VGG(shape, seed) if isinstance(shape, VGGShape) else LinearNetwork(shape, seed)


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_a_shape_tells_what_the_network_has(shape: Shape) -> None:
    network = build(shape)
    assert shape.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert shape.blocks == len(network.blocks)
    assert shape.block_shapes() == tuple(network.block(number).shape for number in range(shape.blocks))
    inputs = torch.zeros(3, *shape.input_shape)
    states = list(network.states(network.stem(inputs)))
    for stage, hidden in zip(network.stages, states, strict=False):
        block = network.block(stage[0])
        assert hidden.shape[1:] == block.shape.inputs
        assert block.branch(hidden).shape == block.skip(hidden).shape == (3, *block.shape.outputs)
    assert network.head(states[-1]).shape == (3, shape.classes)


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_flops_are_those_that_torch_counts(shape: Shape) -> None:
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        build(shape)(torch.zeros(2, *shape.input_shape))
    assert 2 * shape.forward_flops == counter.get_total_flops()


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_activation_elements_are_those_that_autograd_keeps(shape: Shape) -> None:
    network, batch, kept = build(shape), 97, {}
    parameters = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}

    def keep(saved: Tensor) -> Tensor:
        if saved.dtype == torch.float32 and saved.shape[0] == batch:
            kept[saved.untyped_storage().data_ptr()] = saved
        return saved

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda saved: saved):
        network(torch.zeros(batch, *shape.input_shape))
    assert not parameters & kept.keys()
    assert batch * shape.activation_elements == sum(saved.numel() for saved in kept.values())


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
@pytest.mark.parametrize("activation", ["post", "pre"])
def test_resnets_have_the_published_number_of_parameters(depth: int, millions: float, activation: str) -> None:
    """1512.03385, table 6."""
    shape = ResNetShape(depth, activation="pre" if activation == "pre" else "post")
    assert round(shape.parameters / 1e6, 2 if depth < 110 else 1) == millions


def test_counts_of_well_known_networks() -> None:
    assert [ResNetShape(depth).parameters for depth in (20, 110)] == [269_722, 1_727_962]
    assert ResNetShape(110, activation="pre").blocks == 54
    assert round(ResNetShape(164, block="bottleneck", activation="pre").parameters / 1e6, 1) == 1.7
    vgg = VGGShape()
    assert vgg.blocks == 13
    convolutions = 14_710_464  # torchvision's vgg16 without biases
    assert vgg.parameters == convolutions + 2 * 4224 + 512 * 512 + 2 * 512 + 513 * 10


def test_parallel_stages_hold_blocks_of_one_shape_and_move_no_parameter() -> None:
    shape = ResNetShape(26, branches=3)
    assert shape.stages() == (3, 1, 1, 3, 1, 3)
    assert ResNetShape(26).stages() == (1,) * 12
    assert shape.parameters == ResNetShape(26).parameters
    assert shape.forward_flops == ResNetShape(26).forward_flops
    assert LinearShape(7, 3, branches=3).stages() == (3, 3, 1)
    assert StackShape((1, 4, 4), 2, 6, 2, 1, 3).blocks == 6


@pytest.mark.parametrize(
    ("size", "pools"), [(32, {1, 3, 6, 9, 12}), (28, {1, 3, 6, 9}), (8, {1, 3, 6}), (1, set[int]())]
)
def test_vgg_pools_while_there_is_something_to_pool(size: int, pools: set[int]) -> None:
    assert VGGShape(input_shape=(1, size, size)).pools() == pools


@pytest.mark.parametrize(
    "refused",
    [
        lambda: ResNetShape(21),
        lambda: ResNetShape(2),
        lambda: ResNetShape(14, block="bottleneck"),
        lambda: ResNetShape(-4),
        lambda: ResNetShape(8, width=0),
        lambda: ResNetShape(8, branches=0),
        lambda: ResNetShape(8, input_shape=(3, 0, 8)),
        lambda: VGGShape(()),
        lambda: VGGShape((2, 0)),
        lambda: VGGShape(width=0),
        lambda: LinearShape(0),
        lambda: LinearShape(3, 0),
        lambda: LinearShape(3, branches=0),
        lambda: LinearShape(3, input_shape=(1, 0, 8)),
        lambda: LinearShape(3, classes=0),
    ],
)
def test_impossible_shapes_are_refused(refused: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"n \+ 2 layers|at least 1"):
        refused()


def test_a_batch_norm_or_dense_layer_is_all_that_vgg_adds_to_its_blocks() -> None:
    head = VGG(VGGShape((1,), 2, (1, 4, 4))).head
    assert [type(layer) for layer in head.children()] == [nn.Flatten, nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Linear]
