"""A frozen block comes out of a training step bit for bit as it went in, and so does its optimiser state."""

from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from torch import Tensor

from models.blocks import BlockNetwork
from models.freezing import frozen
from models.kinds.resnet import ResNet

Optimizer = Callable[[BlockNetwork], torch.optim.Optimizer]

OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": lambda network: torch.optim.SGD(
        network.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True
    ),
    "adamw": lambda network: torch.optim.AdamW(network.parameters(), lr=0.01, weight_decay=0.1),
}


def step(network: BlockNetwork, images: Tensor, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    network(images).square().mean().backward()
    optimizer.step()


def snapshot(network: BlockNetwork, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Parameters, running statistics and optimiser state by name, copied."""
    values = dict(network.state_dict())
    for name, parameter in network.named_parameters():
        values |= {f"{name}/{key}": torch.as_tensor(value) for key, value in optimizer.state[parameter].items()}
    return deepcopy(values)


def is_branch(name: str, blocks: set[int]) -> bool:
    parts = name.split(".")
    return parts[0] == "blocks" and int(parts[1]) in blocks and parts[2] == "branch"


@pytest.mark.parametrize("outside", [False, True], ids=["blocks", "and-the-rest"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_frozen_is_bit_equal_after_a_step(network: BlockNetwork, images: Tensor, optimizer: str, outside: bool) -> None:
    network.train()
    blocks = set(range(0, len(network.blocks), 2))
    trained = set(range(len(network.blocks))) - blocks
    steps = OPTIMIZERS[optimizer](network)
    step(network, images, steps)
    before = snapshot(network, steps)
    with frozen(network, blocks, outside):
        step(network, images, steps)
    after = snapshot(network, steps)
    for name, value in before.items():
        still = not is_branch(name, trained) if outside else is_branch(name, blocks)
        # A bias before a batch norm, or a unit that is never active, has no gradient to move by.
        if still:
            assert torch.equal(value, after[name]), name
        elif name.endswith(("momentum_buffer", "/step", "num_batches_tracked", "running_mean")):
            assert not torch.equal(value, after[name]), name
    step(network, images, steps)
    assert not any(torch.equal(after[name], value) for name, value in snapshot(network, steps).items() if value.ndim)


def test_frozen_parameters_have_no_gradient_and_pass_it_on(network: BlockNetwork, images: Tensor) -> None:
    expected_images = images.clone().requires_grad_()
    network(expected_images).sum().backward()
    expected = {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}
    inputs = images.clone().requires_grad_()
    with frozen(network, {1, 2}):
        network.zero_grad()
        network(inputs).sum().backward()
    assert inputs.grad is not None
    assert expected_images.grad is not None
    torch.testing.assert_close(inputs.grad, expected_images.grad)
    for name, parameter in network.named_parameters():
        if is_branch(name, {1, 2}):
            assert parameter.grad is None
        else:
            torch.testing.assert_close(parameter.grad, expected[name])


@pytest.mark.parametrize("training", [True, False])
def test_freezing_changes_no_value(network: BlockNetwork, images: Tensor, training: bool) -> None:
    network.train(training)
    expected = network(images)
    with frozen(network, range(len(network.blocks)), outside=True):
        assert torch.equal(network(images), expected)


def test_everything_thaws_even_after_an_error() -> None:
    network = ResNet().network(depth=8, width=2, inputs=(1, 8, 8), classes=10)
    fixed = network.block(0).branch.get_parameter("0.weight").requires_grad_(False)
    with pytest.raises(RuntimeError, match="stop"), frozen(network, {0, 1}, outside=True):
        raise RuntimeError("stop")
    assert not fixed.requires_grad
    assert sum(not parameter.requires_grad for parameter in network.parameters()) == 1
    assert all(getattr(module, "track_running_stats", True) for module in network.modules())


def test_gradients_of_before_are_forgotten(bare: Callable[..., BlockNetwork]) -> None:
    network = bare(2, 3)
    network(torch.ones(1, 3)).sum().backward()
    with frozen(network, {0}):
        pass
    assert all(parameter.grad is None for parameter in network.block(0).parameters())
    assert all(parameter.grad is not None for parameter in network.block(1).parameters())
