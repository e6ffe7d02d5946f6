"""Shape, cost and arrangement of one stack."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from models import ResidualStack, StackShape

EVEN_KERNEL = "ignore:Using padding='same' with even kernel lengths:UserWarning"


@st.composite
def stack_shapes(draw: st.DrawFn) -> StackShape:
    stages, branches = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    channels, height, width = draw(st.integers(1, 3)), draw(st.integers(1, 6)), draw(st.integers(1, 6))
    return StackShape(
        input_shape=(channels, height, width),
        classes=draw(st.integers(1, 4)),
        depth=stages * branches,
        stages=stages,
        filters=draw(st.integers(1, 4)),
        kernel_size=draw(st.integers(1, 5)),
    )


@given(stack_shapes())
def test_parameters_are_counted_without_building_the_network(shape: StackShape) -> None:
    network = ResidualStack(shape)
    assert shape.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert {name: tuple(p.shape) for name, p in network.named_parameters()} == shape.tensors()


@pytest.mark.filterwarnings(EVEN_KERNEL)
@given(stack_shapes())
def test_flops_are_those_that_torch_counts(shape: StackShape) -> None:
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        ResidualStack(shape)(torch.zeros(2, *shape.input_shape))
    assert 2 * shape.forward_flops == counter.get_total_flops()


@given(stack_shapes())
def test_the_arrangement_moves_no_parameter(shape: StackShape) -> None:
    for stages in (1, shape.depth):
        other = StackShape(shape.input_shape, shape.classes, shape.depth, stages, shape.filters, shape.kernel_size)
        assert other.parameters == shape.parameters
        assert other.forward_flops == shape.forward_flops
        assert other.tensors() == shape.tensors()


def test_determination_ratio_is_constraints_over_parameters() -> None:
    shape = StackShape((1, 28, 28), 10, 16, 1, 16, 3)
    parameters = (9 + 1) * 16 + 16 * (16 * 9 + 1) * 16 + (16 * 784 + 1) * 10
    assert shape.parameters == parameters
    assert shape.determination_ratio(60_000) == 60_000 * 10 / parameters


@pytest.mark.parametrize(("depth", "stages", "branches"), [(1, 1, 1), (8, 8, 1), (8, 1, 8), (8, 2, 4)])
def test_blocks_are_dealt_evenly(depth: int, stages: int, branches: int) -> None:
    assert StackShape((1, 4, 4), 2, depth, stages, 1, 3).branches == branches


@pytest.mark.parametrize(("depth", "stages"), [(4, 3), (4, 8), (1, 2)])
def test_blocks_that_cannot_be_dealt_evenly_are_refused(depth: int, stages: int) -> None:
    with pytest.raises(ValueError, match="dealt evenly"):
        StackShape((1, 4, 4), 2, depth, stages, 1, 3)


@pytest.mark.parametrize("place", range(8))
@pytest.mark.parametrize("size", [0, -1])
def test_sizes_below_one_are_refused(place: int, size: int) -> None:
    sizes = [1] * 8
    sizes[place] = size
    channels, height, width, *rest = sizes
    with pytest.raises(ValueError, match="at least 1"):
        StackShape((channels, height, width), *rest)


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
    sequential, parallel = (ResidualStack(StackShape((1, 6, 6), 3, 2, stages, 2, 3), activation) for stages in (2, 1))
    assert not torch.allclose(sequential(images), parallel(images))


def test_unknown_names_are_refused() -> None:
    shape = StackShape((1, 4, 4), 2, 1, 1, 1, 3)
    with pytest.raises(KeyError, match="swish"):
        ResidualStack(shape, activation="swish")
    with pytest.raises(KeyError, match="he"):
        ResidualStack(shape, initialisation="he")


def test_load_values_takes_parameters_by_name() -> None:
    shape = StackShape((1, 4, 4), 2, 2, 1, 2, 3)
    source, target = ResidualStack(shape, seed=1), ResidualStack(shape, seed=2).double()
    target.load_values(dict(source.named_parameters()))
    for name, parameter in target.named_parameters():
        assert parameter.dtype == torch.float64
        assert torch.equal(parameter.float(), source.get_parameter(name))
