"""Gates are drawn as declared, from the generator that is passed in."""

from typing import Literal

import pytest
import torch
from torch import Tensor

from models.blocks import BlockNetwork
from models.droppath import DropPath
from models.intervention import Intervention


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def matrix(intervention: Intervention, batch: int) -> Tensor:
    """Gates (blocks, batch)."""
    return torch.stack([torch.as_tensor(gate).expand(batch) for _, gate in sorted(intervention.gates.items())])


def test_survival_of_each_block() -> None:
    assert DropPath(0.5).survival(4) == (1 - 0.125, 1 - 0.25, 1 - 0.375, 0.5)
    assert DropPath(0.25, "constant").survival(3) == (0.75,) * 3
    huang = DropPath(0.5, "linear", "batch", "evaluation").survival(54)
    assert huang[-1] == 0.5
    assert sum(huang) / 54 == pytest.approx(1 - 0.5 * 55 / 108)


@pytest.mark.parametrize("schedule", ["constant", "linear"])
@pytest.mark.parametrize("per", ["sample", "batch"])
@pytest.mark.parametrize("rescale", ["training", "evaluation"])
def test_gates_have_the_declared_values_and_means(
    schedule: Literal["constant", "linear"],
    per: Literal["sample", "batch"],
    rescale: Literal["training", "evaluation"],
) -> None:
    droppath, blocks, draws, source = DropPath(0.6, schedule, per, rescale), 5, 4000, generator()
    if per == "sample":
        gates = matrix(droppath.training(blocks, draws, source), draws)
    else:
        gates = torch.cat([matrix(droppath.training(blocks, 7, source), 1) for _ in range(draws)], 1)
    survival = torch.tensor(droppath.survival(blocks))
    open_gate = 1 / survival if rescale == "training" else torch.ones(blocks)
    torch.testing.assert_close(gates.amax(1).float(), open_gate)
    assert ((gates == 0) | (gates == gates.amax(1, keepdim=True))).all()
    assert ((gates > 0).double().mean(1) - survival).abs().max() < 4 * 0.5 / draws**0.5
    correlation = torch.corrcoef((gates > 0).double())
    assert (correlation - torch.eye(blocks)).abs().max() < 0.1


def test_draws_come_from_the_generator_alone() -> None:
    torch.manual_seed(0)
    state = torch.get_rng_state()
    source = generator(3)
    first, second = (matrix(DropPath(0.5).training(6, 8, source), 8) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(first, second)
    assert torch.equal(first, matrix(DropPath(0.5).training(6, 8, generator(3)), 8))


def test_the_same_blocks_are_dropped_whatever_the_rescaling() -> None:
    training, evaluation = (DropPath(0.5, per="batch", rescale=r) for r in ("training", "evaluation"))
    dropped = training.training(20, 8, generator()).dropped
    assert 0 < len(dropped) < 20
    assert evaluation.training(20, 8, generator()).dropped == dropped


def test_a_step_of_droppath_is_the_network_without_the_dropped_blocks(network: BlockNetwork, images: Tensor) -> None:
    blocks = len(network.blocks)
    huang = DropPath(0.5, "constant", "batch", "evaluation")
    intervention = huang.training(blocks, len(images), generator(1))
    assert 0 < len(intervention.dropped) < blocks
    assert torch.equal(network(images, intervention), network(images, Intervention.dropping(intervention.dropped)))


def test_a_sample_sees_its_own_gates(network: BlockNetwork, images: Tensor) -> None:
    intervention = DropPath(0.5).training(len(network.blocks), len(images), generator(1))
    logits = network(images, intervention)
    for row in range(len(images)):
        alone = Intervention({block: torch.as_tensor(gate)[row].item() for block, gate in intervention.gates.items()})
        torch.testing.assert_close(logits[row : row + 1], network(images[row : row + 1], alone), rtol=1e-9, atol=1e-9)


def test_evaluation_is_the_identity_or_the_expected_branch(network: BlockNetwork, images: Tensor) -> None:
    blocks = len(network.blocks)
    assert torch.equal(network(images, DropPath(0.5).evaluation(blocks)), network(images))
    huang = DropPath(0.5, rescale="evaluation")
    expected = network(images, Intervention(dict(enumerate(huang.survival(blocks)))))
    assert torch.equal(network(images, huang.evaluation(blocks)), expected)
    assert not torch.equal(expected, network(images))


def test_a_probability_of_zero_changes_nothing(network: BlockNetwork, images: Tensor) -> None:
    for per in ("sample", "batch"):
        intervention = DropPath(0.0, per=per).training(len(network.blocks), len(images), generator())
        assert torch.equal(network(images, intervention), network(images))


@pytest.mark.parametrize("probability", [-0.1, 1.0, float("nan")])
def test_impossible_probabilities_are_refused(probability: float) -> None:
    with pytest.raises(ValueError, match="drop probability"):
        DropPath(probability)
