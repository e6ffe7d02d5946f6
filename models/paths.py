"""Paths through a network of stages (P2: Veit, Wilber, Belongie, 1605.06431).

A path goes through each stage by its skip connection or by exactly one of its branches. Its length is the number of
branches that it goes through.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate

import torch
from torch import Tensor
from torch.nn import functional as F

from models.blocks import BlockNetwork
from models.freezing import frozen
from models.intervention import Intervention

_SCALE = 2.0**60
"""Scales the loss in the backward pass; otherwise gradients along long paths would underflow in float32."""


def path_counts(stages: Sequence[int]) -> list[int]:
    """The number of paths of each length 0..n through n stages, given the number of blocks in each.

    They are the coefficients of the product of ``1 + blocks * x`` over the stages: C(n, k) in a sequential network.
    """
    *_, counts = _counts(stages)
    return counts


def draw_paths(stages: Sequence[int], length: int, draws: int, generator: torch.Generator) -> Tensor:
    """Draw paths of one length uniformly, with replacement: bool (draws, blocks), on the CPU.

    True means that the path goes through the block's branch, as for `Intervention.along`. `generator` must be on the
    CPU. Raises ValueError if no path has that length.
    """
    counts = list(_counts(stages))
    if not 0 <= length <= len(stages):
        raise ValueError(f"a path through {len(stages)} stages goes through 0 to {len(stages)} branches, not {length}")
    paths = torch.zeros(draws, sum(stages), dtype=torch.bool)
    rows, left = torch.arange(draws), torch.full((draws,), length)
    # From the last stage to the first, each choice weighted by the number of paths through the stages before.
    for number, (blocks, end) in reversed(list(enumerate(zip(stages, accumulate(stages), strict=True)))):
        crosses = torch.rand(draws, dtype=torch.float64, generator=generator) < _crossing(counts, number, blocks)[left]
        branch = torch.randint(blocks, (draws,), generator=generator)
        paths[rows, end - blocks + branch] = crosses
        left = left - crosses.long()
    return paths


def path_gradients(
    network: BlockNetwork, images: Tensor, labels: Tensor, paths: Tensor, intervention: Intervention
) -> Tensor:
    """Gradient of each image's cross-entropy at the image along its own path: float64, in the shape of the images.

    Images (batch, ...), labels (batch,) and paths (batch, blocks). The network must be in evaluation mode, and its
    parameters' gradients are dropped. `intervention` applies as well.
    """
    routed = replace(intervention, routes=Intervention.along(paths.to(images.device)).routes)
    with frozen(network, range(len(network.blocks)), outside=True), torch.enable_grad():
        inputs = images.detach().requires_grad_()
        # In float64: in float32 the gradient of an image that the network is sure of would round to zero.
        loss = F.cross_entropy(network(inputs, routed).double(), labels, reduction="sum")
        (gradients,) = torch.autograd.grad(_SCALE * loss, inputs)
    return gradients.double() / _SCALE


def _counts(stages: Sequence[int]) -> Iterator[list[int]]:
    """Number of paths by length through the first 0, 1, ... stages."""
    counts = [1]
    yield counts
    for blocks in stages:
        counts = [skipped + blocks * crossed for skipped, crossed in zip([*counts, 0], [0, *counts], strict=True)]
        yield counts


def _crossing(counts: Sequence[list[int]], number: int, blocks: int) -> Tensor:
    """Share of the paths that cross a branch of stage `number`, by how many branches they cross up to that stage."""
    crossed = [0, *(blocks * count for count in counts[number])]
    # Integers divide to the nearest float, so 0 and 1 are exact and every path gets its length.
    return torch.tensor(
        [part / whole for part, whole in zip(crossed, counts[number + 1], strict=True)], dtype=torch.float64
    )
