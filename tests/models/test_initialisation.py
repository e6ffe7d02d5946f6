"""Starting weights come from the seed and the tensor's name alone."""

import hashlib
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.initialisation import initial_parameters
from models.stack_shape import StackShape


def shape_of(depth: int = 4, stages: int = 4, filters: int = 3, kernel_size: int = 3) -> StackShape:
    return StackShape((2, 6, 6), 5, depth, depth // stages, filters, kernel_size)


@given(seed=st.integers(0, 2**31 - 1), stages=st.sampled_from([1, 2, 4, 8]))
def test_arrangements_of_one_seed_start_from_identical_weights(seed: int, stages: int) -> None:
    first, second = (initial_parameters(shape_of(8, s), "torch", seed) for s in (8, stages))
    assert all(torch.equal(first[name], second[name]) for name in first)


@given(seed=st.integers(0, 2**31 - 1), depth=st.integers(2, 12))
def test_a_deeper_network_begins_with_the_blocks_of_a_shallower_one(seed: int, depth: int) -> None:
    shallow, deep = (initial_parameters(shape_of(d, 1, filters=8), "torch", seed) for d in (2, depth))
    assert torch.equal(deep["blocks.weight"][:2], shallow["blocks.weight"])


@pytest.mark.parametrize("initialisation", ["torch", "glorot"])
def test_the_global_generator_is_neither_read_nor_moved(initialisation: str) -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = initial_parameters(shape_of(), initialisation, 0)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    second = initial_parameters(shape_of(), initialisation, 0)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_seeds_and_tensors_have_streams_of_their_own() -> None:
    shape = StackShape((3, 6, 6), 5, 1, 1, 3, 3)
    draws = [
        initial_parameters(shape, "torch", seed)[name].flatten()[:20]
        for seed in range(3)
        for name in ("embedding.weight", "blocks.weight", "head.weight")
    ]
    # Divided by its largest value, a draw shows its stream whatever its bound.
    patterns = {tuple((draw / draw.abs().max()).tolist()) for draw in draws}
    assert len(patterns) == 9


def test_weights_are_those_of_earlier_releases() -> None:
    """A change here changes every result: it takes a new trial schema."""
    values = initial_parameters(StackShape((1, 28, 28), 10, 4, 1, 8, 3), "torch", 7)
    digest = hashlib.sha256(values["blocks.weight"].numpy().tobytes()).hexdigest()
    assert digest == "76e9df6c111b03e792fc16c9b64fcf200e88712dcdb9ce9279d7b72a34f2e73c"


@pytest.mark.parametrize(("filters", "kernel_size"), [(8, 3), (4, 1), (8, 5)])
def test_bounds(filters: int, kernel_size: int) -> None:
    shape = StackShape((2, 8, 8), 10, 16, 1, filters, kernel_size)
    area = kernel_size**2
    fans = {
        "embedding": (2 * area, filters * area),
        "blocks": (filters * area, filters * area),
        "head": (filters * 64, 10),
    }
    for layer, (fan_in, fan_out) in fans.items():
        torch_default = initial_parameters(shape, "torch", 0)
        for kind in ("weight", "bias"):
            _assert_uniform(torch_default[f"{layer}.{kind}"], 1 / math.sqrt(fan_in))
        glorot = initial_parameters(shape, "glorot", 0)
        _assert_uniform(glorot[f"{layer}.weight"], math.sqrt(6 / (fan_in + fan_out)))
        assert not glorot[f"{layer}.bias"].any()


def test_torch_bounds_are_those_of_torch_modules() -> None:
    shape = StackShape((2, 16, 16), 10, 64, 1, 8, 3)
    values = initial_parameters(shape, "torch", 0)
    torch.manual_seed(0)
    convolution, linear = torch.nn.Conv2d(8, 8 * 64, 3), torch.nn.Linear(shape.features, 10)
    for ours, theirs in ((values["blocks.weight"], convolution.weight), (values["head.weight"], linear.weight)):
        assert ours.numel() == theirs.numel()
        torch.testing.assert_close(ours.abs().max(), theirs.abs().max().detach(), rtol=1e-3, atol=0)
        torch.testing.assert_close(ours.std(), theirs.std().detach(), rtol=0.02, atol=0)


def _assert_uniform(values: torch.Tensor, bound: float) -> None:
    assert values.abs().max() <= bound
    if values.numel() > 100:
        assert values.abs().max() > 0.9 * bound
        assert abs(values.mean()) < 4 * bound / math.sqrt(3 * values.numel())
