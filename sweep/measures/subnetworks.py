"""How well the subnetworks of few blocks do (P3: "Low-degree term first in ResNet", Neural Networks 148, 2022).

A subnetwork keeps some blocks of a network and deletes the others; nothing is trained for it. P3 holds that those of
few blocks are learned first. Its protocol is not public, so the draws and sizes here are ours.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING

from models.factor import factor
from models.streams import stream_seed
from sweep.measures.base import Measure, Measured, Subject

if TYPE_CHECKING:
    from sweep.trial import Trial

KEPT = "subnetwork"
"""The measurement; its size is the number of blocks kept, its subject names them."""


@dataclass(frozen=True)
class Subnetworks(Measure):
    """Error and loss of subnetworks: the whole network, none of its blocks, and random ones of sizes in between."""

    subnetwork_draws: int = factor(0, low=0, high=100_000, stands_for=20, meaning="random subnetworks of each size")
    subnetwork_sizes: int = factor(
        0,
        low=0,
        high=4097,
        stands_for=13,
        meaning="the most sizes of subnetworks, evenly spaced from 0 to all blocks",
    )

    needs_skips = True

    def passes(self, trial: "Trial") -> float:
        blocks = len(trial.shape.blocks)
        drawn = [min(comb(blocks, size), self.subnetwork_draws) * size for size in sizes(blocks, self.subnetwork_sizes)]
        return trial.val_samples * (1 + sum(drawn) / blocks)

    def measure(self, subject: Subject) -> Measured:
        from sweep.measures.scores import scores

        blocks, base = len(subject.network.blocks), subject.intervention
        drawn = [
            (draw, kept)
            for size in sizes(blocks, self.subnetwork_sizes)
            for draw, kept in subnetworks(blocks, size, self.subnetwork_draws, subject.trial.draw_seed)
        ]
        interventions = [
            replace(base, gates={**base.gates, **{block: 0.0 for block in range(blocks) if block not in kept}})
            for _, kept in drawn
        ]
        found = yield from scores(subject, subject.network, interventions)
        yield (
            1.0,
            [
                row
                for (draw, kept), score in zip(drawn, found, strict=True)
                for row in score.rows(KEPT, ",".join(map(str, kept)), len(kept), draw)
            ],
        )


def sizes(blocks: int, most: int) -> list[int]:
    """At most so many numbers of blocks, but at least two: 0, all of them, and evenly spaced ones between."""
    steps = min(blocks, max(1, most - 1))
    return [round(step * blocks / steps) for step in range(steps + 1)]


def subnetworks(blocks: int, size: int, draws: int, seed: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """The number of each draw, and the blocks that it keeps, ascending.

    Where there are at most `draws` sets of a size, each comes once (our choice); otherwise draws are independent.
    """
    if comb(blocks, size) <= draws:
        yield from enumerate(combinations(range(blocks), size))
        return
    import numpy as np

    for draw in range(draws):
        # NumPy promises never to change the raw stream (NEP 19).
        ranks = np.random.PCG64(stream_seed(seed, f"{KEPT}/{size}/{draw}")).random_raw(blocks)
        yield draw, tuple(sorted(np.argsort(ranks, kind="stable")[:size].tolist()))
