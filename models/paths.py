"""Paths through a network of stages (P2: Veit, Wilber, Belongie, 1605.06431).

A path goes through each stage by its skip connection or by exactly one of its branches. Its length is the number of
branches that it goes through.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate

import torch
from torch import Tensor


def path_counts(stages: Sequence[int]) -> list[int]:
    """The number of paths of each length 0..n through n stages, from the number of blocks in each stage.

    They are the coefficients of the product of ``1 + blocks * x`` over the stages: C(n, k) in a sequential network.
    """
    *_, counts = _counts(stages)
    return counts


def draw_paths(stages: Sequence[int], length: int, draws: int, generator: torch.Generator) -> Tensor:
    """Draw paths with replacement, uniformly among all of one length: bool (draws, blocks), on the CPU.

    True means that the path goes through the block's branch, as for `Intervention.along`. `generator` has to be on the
    CPU. Raises ValueError where there is no path of that length.
    """
    counts = list(_counts(stages))
    if not 0 <= length <= len(stages):
        raise ValueError(f"a path through {len(stages)} stages goes through 0 to {len(stages)} branches, not {length}")
    paths = torch.zeros(draws, sum(stages), dtype=torch.bool)
    rows, left = torch.arange(draws), torch.full((draws,), length)
    # From the last stage to the first: the paths through the stages before it are the weights of the choice.
    for number, (blocks, end) in reversed(list(enumerate(zip(stages, accumulate(stages), strict=True)))):
        crosses = torch.rand(draws, dtype=torch.float64, generator=generator) < _crossing(counts, number, blocks)[left]
        branch = torch.randint(blocks, (draws,), generator=generator)
        paths[rows, end - blocks + branch] = crosses
        left = left - crosses.long()
    return paths


def _counts(stages: Sequence[int]) -> Iterator[list[int]]:
    """Numbers of paths by length through the first 0, 1, ... stages."""
    counts = [1]
    yield counts
    for blocks in stages:
        counts = [skipped + blocks * crossed for skipped, crossed in zip([*counts, 0], [0, *counts], strict=True)]
        yield counts


def _crossing(counts: Sequence[list[int]], number: int, blocks: int) -> Tensor:
    """Share of the paths that go through a branch of stage `number`, by the branches up to and with it."""
    crossed = [0, *(blocks * count for count in counts[number])]
    # Integers divide to the nearest float, so that 0 and 1 are exact and every path comes out at its length.
    return torch.tensor(
        [part / whole for part, whole in zip(crossed, counts[number + 1], strict=True)], dtype=torch.float64
    )
