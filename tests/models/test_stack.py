"""Cost and arrangement of one stack, and what it computes."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from models.kinds.resnet import ResNet
from models.kinds.stack import Stack
from models.layout import Layout
from models.stack_shape import StackShape
from tests.models.residual_stack import ResidualStack

EVEN_KERNEL = "ignore:Using padding='same' with even kernel lengths:UserWarning"


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    channels, height, width = draw(st.integers(1, 3)), draw(st.integers(1, 6)), draw(st.integers(1, 6))
    return Stack(kernel_size=draw(st.integers(1, 5))).layout(
        depth=draw(st.integers(1, 9)),
        width=draw(st.integers(1, 4)),
        branches=draw(st.integers(1, 4)),
        inputs=(channels, height, width),
        classes=draw(st.integers(1, 4)),
    )


@given(layouts())
def test_parameters_are_counted_without_building_the_network(layout: Layout) -> None:
    network = ResidualStack(StackShape.of(layout))
    assert layout.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert {name: tuple(p.shape) for name, p in network.named_parameters()} == StackShape.of(layout).tensors()


@pytest.mark.filterwarnings(EVEN_KERNEL)
@given(layouts())
def test_flops_are_those_that_torch_counts(layout: Layout) -> None:
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        ResidualStack(StackShape.of(layout))(torch.zeros(2, *layout.input_shape))
    assert 2 * layout.forward_flops == counter.get_total_flops()


@given(layouts())
def test_the_arrangement_moves_no_parameter(layout: Layout) -> None:
    shape = StackShape.of(layout)
    for branches in (1, shape.depth):
        kind = Stack(kernel_size=shape.kernel_size)
        other = kind.layout(shape.depth, shape.filters, branches, shape.input_shape, shape.classes)
        assert other.parameters == layout.parameters
        assert other.forward_flops == layout.forward_flops
        assert StackShape.of(other).tensors() == shape.tensors()


def test_parameters_are_those_of_the_paper() -> None:
    layout = Stack().layout(16, 16, 16, (1, 28, 28), 10)
    assert layout.parameters == (9 + 1) * 16 + 16 * (16 * 9 + 1) * 16 + (16 * 784 + 1) * 10


@pytest.mark.parametrize(
    ("depth", "branches", "stages"),
    [(1, 1, (1,)), (8, 1, (1,) * 8), (8, 8, (8,)), (8, 4, (4, 4)), (4, 3, (3, 1)), (1, 2, (1,))],
)
def test_blocks_are_dealt_to_stages(depth: int, branches: int, stages: tuple[int, ...]) -> None:
    assert Stack().layout(depth, 1, branches, (1, 4, 4), 2).stages == stages


@pytest.mark.parametrize("place", range(8))
@pytest.mark.parametrize("size", [0, -1])
def test_sizes_below_one_are_refused(place: int, size: int) -> None:
    sizes = [1] * 8
    sizes[place] = size
    channels, height, width, classes, depth, branches, filters, kernel_size = sizes
    with pytest.raises(ValueError, match="every size of a stack must be at least 1"):
        Stack(kernel_size).layout(depth, filters, branches, (channels, height, width), classes)


def test_another_kind_is_no_stack() -> None:
    with pytest.raises(TypeError, match="only a stack"):
        StackShape.of(ResNet().layout(8, 2, 1, (3, 8, 8), 10))


def test_a_stage_adds_the_sum_of_its_branches() -> None:
    shape = StackShape((2, 5, 5), 3, 4, 2, 3, 3)
    network = ResidualStack(shape, "tanh").double()
    images = torch.randn(2, 2, 5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    parameter = network.get_parameter
    hidden = torch.conv2d(images, parameter("embedding.weight"), parameter("embedding.bias"), padding=1)
    for first in (0, 2):
        hidden = hidden + network.branch(hidden, first) + network.branch(hidden, first + 1)
    expected = hidden.flatten(1) @ parameter("head.weight").T + parameter("head.bias")
    torch.testing.assert_close(network(images), expected)


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu", "sigmoid"])
def test_arrangements_differ_from_depth_two_on(activation: str) -> None:
    images = torch.randn(2, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    sequential, parallel = (ResidualStack(StackShape((1, 6, 6), 3, 2, b, 2, 3), activation) for b in (1, 2))
    assert not torch.allclose(sequential(images), parallel(images))


def test_unknown_names_are_refused() -> None:
    shape = StackShape((1, 4, 4), 2, 1, 1, 1, 3)
    with pytest.raises(KeyError, match="swish"):
        ResidualStack(shape, activation="swish")
    with pytest.raises(KeyError, match="he"):
        ResidualStack(shape, initialisation="he")


def test_load_values_takes_parameters_by_name() -> None:
    shape = StackShape((1, 4, 4), 2, 2, 2, 2, 3)
    source, target = ResidualStack(shape, seed=1), ResidualStack(shape, seed=2).double()
    target.load_values(dict(source.named_parameters()))
    for name, parameter in target.named_parameters():
        assert parameter.dtype == torch.float64
        assert torch.equal(parameter.float(), source.get_parameter(name))
