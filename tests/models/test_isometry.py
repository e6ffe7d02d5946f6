"""Convolutions projected to scaled isometries, against operators that are written out."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from models.isometry import isometric, outside_blocks, polar, project, projected, scale_of
from models.kinds import KINDS


def random(*size: int, seed: int = 0) -> Tensor:
    return torch.randn(size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def operator(kernel: Tensor, sides: tuple[int, int]) -> Tensor:
    """The whole matrix of a convolution with circular padding, (outputs * pixels, inputs * pixels)."""
    outputs, inputs, height, width = kernel.shape
    columns = torch.eye(inputs * math.prod(sides), dtype=torch.float64).view(-1, inputs, *sides)
    # The taps of the kernel read what lies before a pixel, around the circle.
    padded = F.pad(columns, (width - 1, 0, height - 1, 0), mode="circular")
    return F.conv2d(padded, kernel.flip(2, 3)).flatten(1).T.reshape(outputs * math.prod(sides), -1)


def singular_values(kernel: Tensor, sides: tuple[int, int]) -> Tensor:
    return torch.linalg.svdvals(operator(kernel, sides))


SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(0, 99))


@given(SHAPES, st.integers(4, 6), st.integers(4, 6))
def test_the_kernel_on_the_whole_circle_is_a_scaled_isometry(
    shape: tuple[int, int, int, int], height: int, width: int
) -> None:
    outputs, inputs, side, seed = shape
    weight, sides = random(outputs, inputs, side, side, seed=seed), (height, width)
    kernel = isometric(weight, sides)
    assert kernel.shape == (outputs, inputs, *sides)
    values = singular_values(kernel, sides)
    torch.testing.assert_close(values, torch.full_like(values, math.sqrt(outputs / inputs)), rtol=1e-9, atol=1e-9)


@given(SHAPES, st.integers(4, 6))
def test_no_scaled_isometry_is_nearer(shape: tuple[int, int, int, int], side: int) -> None:
    outputs, inputs, size, seed = shape
    weight, sides = random(outputs, inputs, size, size, seed=seed), (side, side)
    whole = F.pad(weight, (0, side - size, 0, side - size))
    other = isometric(random(outputs, inputs, side, side, seed=seed + 100), sides)
    assert (whole - isometric(weight, sides)).norm() <= (whole - other).norm() + 1e-9


@given(SHAPES)
def test_a_pointwise_kernel_becomes_its_polar_factor(shape: tuple[int, int, int, int]) -> None:
    outputs, inputs, _, seed = shape
    weight = random(outputs, inputs, 1, 1, seed=seed)
    kernel = projected(weight, (5, 5))
    left, _, right = torch.linalg.svd(weight.flatten(1), full_matrices=False)
    torch.testing.assert_close(kernel.flatten(1), scale_of(weight) * left @ right)
    torch.testing.assert_close(isometric(weight, (5, 5))[:, :, :1, :1], kernel)
    assert isometric(weight, (5, 5)).flatten(2)[..., 1:].abs().max() < 1e-12


@given(SHAPES, st.integers(4, 6))
def test_a_cut_kernel_comes_closer_to_an_isometry_each_time(shape: tuple[int, int, int, int], side: int) -> None:
    outputs, inputs, size, seed = shape
    weight, sides = random(outputs, inputs, size, size, seed=seed), (side, side)

    def distance(kernel: Tensor) -> float:
        return float((F.pad(kernel, (0, side - size, 0, side - size)) - isometric(kernel, sides)).norm())

    first = distance(weight)
    once = projected(weight, sides)
    assert once.shape == weight.shape
    assert distance(once) <= first + 1e-9
    assert distance(projected(once, sides)) <= distance(once) + 1e-9


def test_a_kernel_that_is_an_isometry_stays() -> None:
    shift = torch.zeros(2, 2, 3, 3, dtype=torch.float64)
    shift[:, :, 1, 2] = torch.tensor([[0.6, -0.8], [0.8, 0.6]])
    torch.testing.assert_close(projected(shift, (8, 8)), shift)


def test_ill_conditioned_matrices_are_projected_too() -> None:
    left, right = (torch.linalg.qr(random(6, 6, seed=seed))[0] for seed in (1, 2))
    stretched = left @ torch.diag(torch.logspace(0, -8, 6, dtype=torch.float64)) @ right
    values = torch.linalg.svdvals(polar(stretched))
    torch.testing.assert_close(values, torch.ones_like(values))


def test_only_convolutions_outside_the_blocks_change() -> None:
    kind = KINDS["preresnet"](shortcut="projection")  # pyright: ignore[reportCallIssue]
    layout = kind.layout(8, 4, 1, (3, 8, 8), 10)
    network = kind.build(layout, 0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    project(network, layout)
    changed = [name for name, value in network.state_dict().items() if not torch.equal(value, before[name])]
    assert changed == ["stem.0.weight"]
    [(convolution, sides)] = outside_blocks(network, layout)
    assert isinstance(convolution, nn.Conv2d)
    assert sides == (8, 8)
    torch.testing.assert_close(convolution.weight.data, projected(before["stem.0.weight"], (8, 8)))


@pytest.mark.parametrize("name", ["resnet", "stack"])
def test_the_stem_is_found_with_what_follows_it(name: str) -> None:
    kind = KINDS[name]()
    layout = kind.layout(8, 4, 1, (3, 8, 8), 10)
    assert len(list(outside_blocks(kind.build(layout, 0), layout))) == 1
