"""Paths are counted exactly and drawn uniformly."""

from itertools import product
from math import comb

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from models.paths import draw_paths, path_counts

STAGES = st.lists(st.integers(1, 5), max_size=7)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def all_paths(stages: list[int]) -> list[tuple[int, ...]]:
    """Every path as its choice in each stage: 0 for the skip, else the branch counted from 1."""
    return list(product(*[range(blocks + 1) for blocks in stages]))


def choices(paths: Tensor, stages: list[int]) -> list[tuple[int, ...]]:
    """The paths (draws, blocks) in the form of `all_paths`."""
    columns = []
    for branches in paths.split(stages, 1):
        assert (branches.sum(1) <= 1).all()
        columns.append((branches * torch.arange(1, branches.shape[1] + 1)).sum(1))
    return [tuple(row) for row in torch.stack(columns, 1).tolist()]


@given(STAGES)
def test_counts_are_those_of_all_paths(stages: list[int]) -> None:
    lengths = [sum(choice > 0 for choice in path) for path in all_paths(stages)]
    assert path_counts(stages) == [lengths.count(length) for length in range(len(stages) + 1)]


def test_counts_are_exact_in_deep_networks() -> None:
    assert path_counts([1] * 334) == [comb(334, k) for k in range(335)]
    assert path_counts([3] * 100) == [comb(100, k) * 3**k for k in range(101)]


@pytest.mark.parametrize("stages", [[1, 1, 1, 1, 1, 1], [6], [2, 2, 2], [1, 3, 2, 1], [4, 1, 1, 2]], ids=str)
def test_draws_are_uniform_among_the_paths_of_a_length(stages: list[int]) -> None:
    for length in range(len(stages) + 1):
        possible = [path for path in all_paths(stages) if sum(choice > 0 for choice in path) == length]
        draws = 400 * len(possible)
        drawn = choices(draw_paths(stages, length, draws, generator(length)), stages)
        counts = torch.tensor([drawn.count(path) for path in possible], dtype=torch.float64)
        assert counts.sum() == draws
        freedom = len(possible) - 1
        statistic = (counts - 400).square().sum() / 400
        assert statistic <= freedom + 4 * (2 * freedom) ** 0.5


@given(STAGES.filter(bool), st.data())
def test_a_path_takes_one_way_through_each_stage_and_has_its_length(stages: list[int], data: st.DataObject) -> None:
    length = data.draw(st.integers(0, len(stages)))
    paths = draw_paths(stages, length, 50, generator())
    assert paths.shape == (50, sum(stages))
    assert paths.dtype == torch.bool
    assert all(sum(choice > 0 for choice in path) == length for path in choices(paths, stages))


def test_paths_of_a_very_deep_network_have_their_length() -> None:
    for length in (0, 1, 150, 300):
        assert (draw_paths([1] * 300, length, 20, generator()).sum(1) == length).all()


def test_draws_come_from_the_generator_alone() -> None:
    torch.manual_seed(0)
    state = torch.get_rng_state()
    source = generator(3)
    first, second = (draw_paths([1] * 10, 5, 20, source) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(first, second)
    assert torch.equal(first, draw_paths([1] * 10, 5, 20, generator(3)))


@pytest.mark.parametrize("length", [-1, 4])
def test_a_length_that_no_path_has_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=f"0 to 3 branches, not {length}"):
        draw_paths([1, 2, 1], length, 1, generator())
