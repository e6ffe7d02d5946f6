"""The fused form is the separate networks: same outputs, same gradients, and no network touches another."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from models.activations import ACTIVATIONS
from models.fused import FusedStack
from models.kinds.stack import Stack
from models.stack_shape import StackShape
from tests.models.residual_stack import ResidualStack, fuse

EVEN_KERNEL = "ignore:Using padding='same' with even kernel lengths:UserWarning"
BATCH, CHANNELS, SIZE, CLASSES = 3, 2, 6, 4


def shape_of(depth: int = 4, stages: int = 2, filters: int = 3, kernel_size: int = 3, side: int = SIZE) -> StackShape:
    return StackShape((CHANNELS, side, side), CLASSES, depth, depth // stages, filters, kernel_size)


def networks(shape: StackShape, activations: Sequence[str]) -> list[ResidualStack]:
    return [ResidualStack(shape, name, "torch", seed).double() for seed, name in enumerate(activations)]


def random_images(*axes: int) -> Tensor:
    return torch.randn(BATCH, *axes, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def outputs_and_gradients(fused: FusedStack, images: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    fused.zero_grad()
    logits = fused(images)
    logits.square().sum((1, 2)).sum().backward()
    gradients = {name: fused.value(name).grad for name in fused.shape.tensors()}
    assert all(gradient is not None for gradient in gradients.values())
    return logits.detach(), {name: gradient.clone() for name, gradient in gradients.items() if gradient is not None}


def assert_same_as_separate(singles: Sequence[ResidualStack], own_images: bool) -> None:
    height, width = singles[0].shape.input_shape[1:]
    images = random_images(height, width, len(singles) if own_images else 1, CHANNELS)
    logits, gradients = outputs_and_gradients(fuse(singles), images if own_images else images.squeeze(3))
    for k, single in enumerate(singles):
        single.zero_grad()
        expected = single(images[:, :, :, k if own_images else 0].permute(0, 3, 1, 2))
        expected.square().sum().backward()
        torch.testing.assert_close(logits[k], expected, rtol=1e-9, atol=1e-9)
        for name, parameter in single.named_parameters():
            torch.testing.assert_close(gradients[name][k], parameter.grad, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("own_images", [False, True], ids=["shared", "own"])
@pytest.mark.parametrize(
    ("depth", "stages"), [(1, 1), (2, 2), (2, 1), (4, 4), (4, 1), (4, 2), (8, 8), (8, 1), (8, 2), (8, 4)]
)
def test_every_arrangement(depth: int, stages: int, own_images: bool) -> None:
    assert_same_as_separate(networks(shape_of(depth, stages), ["relu", "relu", "tanh"]), own_images)


@pytest.mark.parametrize("own_images", [False, True], ids=["shared", "own"])
@pytest.mark.filterwarnings(EVEN_KERNEL)
@pytest.mark.parametrize("kernel_size", [1, 2, 3, 5, 15])
def test_every_kernel(kernel_size: int, own_images: bool) -> None:
    assert_same_as_separate(networks(shape_of(kernel_size=kernel_size), ["gelu", "tanh"]), own_images)


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("filters", [1, 2, 4, 16])
def test_any_number_of_filters_and_networks(filters: int, count: int) -> None:
    assert_same_as_separate(networks(shape_of(filters=filters), ["relu"] * count), own_images=False)


@pytest.mark.parametrize(
    "activations",
    [*([name] * 2 for name in ACTIVATIONS), list(ACTIVATIONS), ["relu", "tanh", "relu", "relu"]],
    ids="-".join,
)
def test_every_activation_alone_and_mixed(activations: list[str]) -> None:
    assert_same_as_separate(networks(shape_of(), activations), own_images=True)


def test_images_need_not_be_square() -> None:
    shape = StackShape((CHANNELS, 5, 8), CLASSES, 4, 2, 3, 3)
    assert_same_as_separate(networks(shape, ["relu", "tanh"]), own_images=False)


@pytest.mark.parametrize("own_images", [False, True], ids=["shared", "own"])
@pytest.mark.parametrize("stages", [1, 2, 8])
@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_a_network_that_is_not_finite_leaves_the_others_bit_equal(poison: float, stages: int, own_images: bool) -> None:
    fused = fuse(networks(shape_of(depth=8, stages=stages), ["relu", "tanh", "relu", "gelu"]))
    images = random_images(SIZE, SIZE, 4, CHANNELS) if own_images else random_images(SIZE, SIZE, CHANNELS)
    logits, gradients = outputs_and_gradients(fused, images)
    with torch.no_grad():
        for name in fused.shape.tensors():
            fused.value(name)[1] = poison
    poisoned, poisoned_gradients = outputs_and_gradients(fused, images)
    others = [0, 2, 3]
    assert not poisoned[1].isfinite().any()
    assert torch.equal(poisoned[others], logits[others])
    for name, gradient in gradients.items():
        assert torch.equal(poisoned_gradients[name][others], gradient[others])


def test_keep_drops_networks() -> None:
    singles = networks(shape_of(), ["relu", "tanh", "gelu", "sigmoid"])
    fused = fuse(singles)
    kept = fused.keep(torch.tensor([0, 3]))
    images = random_images(SIZE, SIZE, CHANNELS)
    assert len(kept) == 2
    assert kept.activations == ("relu", "sigmoid")
    torch.testing.assert_close(kept(images), fused(images)[[0, 3]], rtol=1e-12, atol=1e-12)
    with torch.no_grad():
        kept.value("head.bias").fill_(1e3)
    assert fused.value("head.bias").abs().max() < 1e3


@pytest.mark.parametrize("branches", [3, 4])
def test_the_last_stage_may_hold_fewer_branches(branches: int) -> None:
    shape = StackShape((CHANNELS, SIZE, SIZE), CLASSES, 7, branches, 2, 3)
    assert_same_as_separate(networks(shape, ["relu", "tanh"]), own_images=False)


def test_initial_networks_start_as_they_would_alone() -> None:
    layout = Stack().layout(4, 3, 2, (CHANNELS, SIZE, SIZE), CLASSES)
    shape = StackShape.of(layout)
    assert shape == shape_of()
    fused = Stack.fused([Stack(3, "relu", "torch"), Stack(3, "tanh", "glorot")], layout, [5, 6])
    assert fused.activations == ("relu", "tanh")
    alone = [ResidualStack(shape, "relu", "torch", 5), ResidualStack(shape, "tanh", "glorot", 6)]
    for k, single in enumerate(alone):
        for name, parameter in single.named_parameters():
            assert torch.equal(fused.value(name)[k], parameter)


def test_bfloat16_computes_in_bfloat16_and_keeps_weights_in_float32() -> None:
    kinds = [Stack(activation="relu"), Stack(activation="tanh")]
    layout = Stack().layout(4, 3, 2, (CHANNELS, SIZE, SIZE), CLASSES)
    half, full = (Stack.fused(kinds, layout, [0, 1], dtype) for dtype in (torch.bfloat16, torch.float32))
    images = random_images(SIZE, SIZE, CHANNELS).float()
    logits = half(images)
    logits.sum().backward()
    assert logits.dtype == torch.float32
    for name in half.shape.tensors():
        gradient = half.value(name).grad
        assert gradient is not None
        assert half.value(name).dtype == gradient.dtype == torch.float32
    difference = (logits - full(images)).abs().max()
    assert 0 < difference < 0.1


@pytest.mark.parametrize("stages", [1, 4])
def test_inference_gives_the_same_logits(stages: int) -> None:
    fused = fuse(networks(shape_of(stages=stages), ["relu", "tanh"]))
    images = random_images(SIZE, SIZE, CHANNELS)
    with torch.inference_mode():
        logits = fused(images)
    assert torch.equal(logits, fused(images))
