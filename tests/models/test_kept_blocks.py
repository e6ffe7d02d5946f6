"""Exactly so many blocks kept in each forward pass."""

import pytest
import torch

from models.droppath import KeptBlocks


def kept_in(intervention) -> set[int]:
    return {block for block, gate in intervention.gates.items() if gate}


@pytest.mark.parametrize(("count", "always"), [(23, ()), (23, (18, 36)), (2, (18, 36)), (54, ())])
def test_exactly_so_many_are_kept_and_the_named_ones_among_them(count: int, always: tuple[int, ...]) -> None:
    blocks, generator = 54, torch.Generator().manual_seed(0)
    kept = KeptBlocks(count, always)
    draws = [kept.training(blocks, generator) for _ in range(50)]
    assert all(len(kept_in(draw)) == count and kept_in(draw) >= set(always) for draw in draws)
    assert all(set(draw.gates) == set(range(blocks)) for draw in draws)


def test_every_block_is_as_likely_as_any_other() -> None:
    kept, generator, draws = KeptBlocks(4, always=(3,)), torch.Generator().manual_seed(0), 6000
    counts = torch.zeros(9)
    for _ in range(draws):
        counts[list(kept_in(kept.training(9, generator)))] += 1
    assert counts[3] == draws
    shares = counts[[0, 1, 2, 4, 5, 6, 7, 8]] / draws
    # Five standard errors of a share of 3 / 8.
    assert (shares - 3 / 8).abs().max() < 5 * (3 / 8 * 5 / 8 / draws) ** 0.5


@pytest.mark.parametrize("rescale", ["training", "evaluation"])
def test_a_branch_has_the_same_mean_in_training_and_evaluation(rescale) -> None:
    kept, generator = KeptBlocks(4, (3,), rescale), torch.Generator().manual_seed(0)
    draws = 4000
    means = torch.zeros(9, dtype=torch.float64)
    for _ in range(draws):
        gates = kept.training(9, generator).gates
        means += torch.tensor([gates[block] for block in range(9)], dtype=torch.float64) / draws
    gates = kept.evaluation(9).gates
    expected = torch.tensor([gates.get(block, 1.0) for block in range(9)], dtype=torch.float64)
    assert (means - expected).abs().max() < 0.1
    assert bool((means != expected).any())


@pytest.mark.parametrize(("count", "always"), [(0, ()), (1, (2, 3))])
def test_too_few_are_refused(count: int, always: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="cannot hold"):
        KeptBlocks(count, always)


def test_more_than_there_are_is_refused() -> None:
    with pytest.raises(ValueError, match="10 blocks cannot be kept of 9"):
        KeptBlocks(10).survival(9)
