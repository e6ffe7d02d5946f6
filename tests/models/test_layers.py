"""Each layer is what it says of itself, and layers that do not fit are refused."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from models.activations import ACTIVATIONS
from models.kinds.se_resnet import SqueezeExcite
from models.kinds.sk_resnet import SelectiveKernels
from models.layers import (
    SAVED_OF_ACTIVATION,
    Activation,
    Convolution,
    Dense,
    Flatten,
    Layer,
    Made,
    MaxPool,
    MeanOverImage,
    MeanPool,
    Norm,
    OptionA,
)
from models.layout import BlockLayout, Layout

IMAGE, HALF = (3, 7, 6), (5, 4, 3)
BATCH = 97

LAYERS: list[Layer] = [
    Convolution(IMAGE, HALF),
    Convolution(IMAGE, (5, 7, 6), 1, bias=True),
    *(Convolution(IMAGE, activation=name) for name in ACTIVATIONS),
    Dense((6,), (4,)),
    Dense((6,), bias=False),
    Norm(IMAGE),
    Norm((6,)),
    *(Activation(IMAGE, name=name) for name in ACTIVATIONS),
    MaxPool(IMAGE),
    MeanPool(IMAGE),
    MeanOverImage(IMAGE),
    Flatten(IMAGE),
    OptionA(IMAGE, HALF),
    OptionA(IMAGE, IMAGE),
    Made((6,), (4,), make=lambda: nn.Linear(6, 4)),
    Norm((5, 1, 1)),
    SqueezeExcite(IMAGE, hidden=2),
    SelectiveKernels((4, 7, 6), (6, 4, 3), groups=2, hidden=5),
]
NORMED: list[Layer] = [
    Made((6,), make=lambda: nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6))),
    Made((5, 2, 1), make=lambda: nn.BatchNorm2d(5)),
]


@pytest.mark.parametrize("layer", [*LAYERS, *NORMED], ids=lambda layer: type(layer).__name__)
def test_a_layer_trains_on_its_least_batch_and_on_no_smaller_one(layer: Layer) -> None:
    module = layer.module().train()
    module(torch.ones(layer.least_batch, *layer.inputs))
    if layer.least_batch > 1:
        with pytest.raises(ValueError, match="more than 1 value"):
            module(torch.ones(layer.least_batch - 1, *layer.inputs))


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_a_layer_is_what_it_says(layer: Layer) -> None:
    module, kept = layer.module(), list[Tensor]()
    inputs = torch.randn(BATCH, *layer.inputs, generator=torch.Generator().manual_seed(0), requires_grad=True)
    counter = FlopCounterMode(display=False)
    with (
        counter,
        torch.autograd.graph.saved_tensors_hooks(lambda saved: kept.append(saved) or saved, lambda saved: saved),
    ):
        output = module(inputs)
    assert output.shape == (BATCH, *layer.outputs)
    assert layer.parameters == sum(parameter.numel() for parameter in module.parameters())
    assert BATCH * layer.flops == counter.get_total_flops()
    address, of_output = inputs.untyped_storage().data_ptr(), output.untyped_storage().data_ptr()
    assert layer.is_view == (of_output == address)
    batches = {
        saved.untyped_storage().data_ptr() for saved in kept if saved.is_floating_point() and len(saved) == BATCH
    }
    names = {"input" if at == address else "output" if at == of_output else "inner" for at in batches}
    assert names == ({"input"} if isinstance(layer, Made) else set(layer.saves))
    inner = dict.fromkeys(batches - {address, of_output}, 0)
    for saved in kept:
        if (at := saved.untyped_storage().data_ptr()) in inner:
            inner[at] = max(inner[at], saved.numel())
    assert sum(inner.values()) == (BATCH * layer.inner if "inner" in names else 0)


def test_what_is_kept_is_known_of_every_activation() -> None:
    assert SAVED_OF_ACTIVATION.keys() == ACTIVATIONS.keys()


def test_sides_halve_rounded_up() -> None:
    assert Convolution(IMAGE, HALF).stride == 2
    assert Convolution(IMAGE).stride == Convolution((1, 1, 1), (2, 1, 1)).stride == 1


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (
            lambda: BlockLayout((Norm(IMAGE), Norm(HALF))),
            "a Norm of the branch takes .5, 4, 3., but is given .3",
        ),
        (lambda: BlockLayout(Convolution(IMAGE, HALF)), "from .3, 7, 6. to .5, 4, 3. needs a skip connection"),
        (lambda: BlockLayout(Norm(IMAGE), after=MaxPool(HALF)), "a MaxPool of the part after a block takes"),
        (lambda: layout(stem=Norm(HALF)), "a Norm of the stem takes"),
        (lambda: layout(block=BlockLayout(Norm(HALF))), "block 0 takes .5, 4, 3., but is given .3, 7, 6."),
        (lambda: layout(classes=3), "the head must give values of size .3,., one per class"),
        (lambda: layout(stages=(1, 2)), "stages of .1, 2. blocks do not make a network of 2"),
        (lambda: layout(stages=(2, 0)), "stages of .2, 0. blocks do not make a network of 2"),
        (lambda: layout(block=BlockLayout(Norm(IMAGE), residual=False), stages=(2,)), "without skip connections"),
        (
            lambda: layout(block=BlockLayout(Norm(IMAGE), after=Norm(IMAGE)), stages=(2,)),
            "blocks .0, 1. cannot run in parallel: the layers after block 0 have parameters",
        ),
        (lambda: BlockLayout(Convolution(IMAGE, HALF), appends=True), "appends needs the identity"),
        (lambda: BlockLayout(Norm(IMAGE), Norm(IMAGE), appends=True), "appends needs the identity"),
    ],
)
def test_parts_that_do_not_fit_are_refused(refused: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        refused()


def layout(
    stem: Layer | None = None,
    block: BlockLayout | None = None,
    classes: int = 3 * 7 * 6,
    stages: tuple[int, ...] = (1, 1),
) -> Layout:
    return Layout(IMAGE, classes, stem, (block or BlockLayout(Norm(IMAGE)),) * 2, Flatten(IMAGE), stages)


def test_blocks_of_several_shapes_do_not_share_a_stage() -> None:
    blocks = BlockLayout(Norm(IMAGE)), BlockLayout(Convolution(IMAGE, HALF), OptionA(IMAGE, HALF))
    with pytest.raises(ValueError, match=r"blocks .0, 1. cannot run in parallel: their shapes differ"):
        Layout(IMAGE, 60, None, blocks, Flatten(HALF), (2,))


def test_a_stage_runs_the_skip_connection_of_its_first_block_alone() -> None:
    skipping = BlockLayout(Convolution(IMAGE), Convolution(IMAGE, kernel_size=1))
    deep, parallel = (
        Layout(IMAGE, 126, None, (skipping,) * 3, Flatten(IMAGE), stages) for stages in ((1, 1, 1), (2, 1))
    )
    assert deep.parameters == parallel.parameters
    assert deep.forward_flops - parallel.forward_flops == 2 * 3 * 3 * 42
