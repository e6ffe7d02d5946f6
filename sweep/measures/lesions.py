"""Blocks deleted and reordered in a trained network (P2, 1605.06431: lesion study).

A row's `subject` says exactly what was done. A draw is named by the trial's seed, its size and its number; which blocks
are deleted depends on nothing else but the number of blocks, so that the sides of a matched pair see the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from models.factor import factor
from models.intervention import Intervention
from models.streams import stream_seed
from sweep.measures.base import Measure, Measured, Subject
from sweep.result import Measurement

if TYPE_CHECKING:
    from models.blocks import BlockNetwork
    from sweep.measures.scores import Score
    from sweep.trial import Trial

Swap = tuple[int, int]
"""Two places whose blocks are exchanged."""


@dataclass(frozen=True)
class Lesion:
    """One way to treat the network, and the fields of its rows."""

    measurement: str
    intervention: Intervention
    subject: str = ""
    size: int = 0
    draw: int = 0

    def rows(self, score: "Score") -> list[Measurement]:
        """What was measured."""
        rows = score.rows(self.measurement, self.subject, self.size, self.draw)
        if self.intervention.order is None:
            return rows
        tau = kendall_tau(self.intervention.order)
        return [*rows, Measurement(self.measurement, "kendall_tau", tau, self.subject, self.size, self.draw)]


@dataclass(frozen=True)
class Lesions(Measure):
    """The network as it is, with each block deleted, with several deleted, and with blocks swapped."""

    lesion_draws: int = factor(0, low=0, high=100_000, stands_for=50, meaning="random lesions of each size")
    most_deleted: int = factor(
        0, low=0, high=4096, stands_for=20, meaning="blocks that a random lesion deletes or swaps at most"
    )

    def passes(self, trial: "Trial") -> float:
        blocks = len(trial.shape.blocks)
        sizes = min(self.most_deleted, blocks - 1)
        # A single deletion computes what follows the block; random ones share the first blocks as well.
        return trial.val_samples * (1 + blocks / 2 + 1.5 * self.lesion_draws * sizes)

    def measure(self, subject: Subject) -> Measured:
        from sweep.measures.scores import scores

        network = subject.network
        blocks = len(network.blocks)
        yield 0.0, block_rows(network)
        base, ranges = subject.intervention, (self.most_deleted, self.lesion_draws, subject.trial.seed)
        lesions = [
            Lesion("untreated", base),
            *(_deletion(base, "delete-one", [block]) for block in range(blocks)),
            *(_deletion(base, "delete-some", chosen, draw) for draw, chosen in deletions(blocks, *ranges)),
            *(_reordering(base, blocks, swaps, draw) for draw, swaps in reorderings(network, *ranges)),
        ]
        found = yield from scores(subject, network, [lesion.intervention for lesion in lesions])
        yield 1.0, [row for lesion, score in zip(lesions, found, strict=True) for row in lesion.rows(score)]


def block_rows(network: "BlockNetwork") -> list[Measurement]:
    """Of each block, the stage that it stands in and whether it changes the shape."""
    rows: list[Measurement] = []
    for number, stage in enumerate(network.stages):
        for place in stage:
            shape = network.block(place).shape
            changes = float(shape.inputs != shape.outputs)
            rows.append(Measurement("block", "changes_shape", changes, str(place), number))
    return rows


def deletions(blocks: int, most: int, draws: int, seed: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """For 1 to `most` of `blocks` blocks, but never all: the number of the draw, and the blocks it deletes, ascending.

    Every set of blocks once where there are no more of them than `draws` (our choice); otherwise draws are independent.
    """
    for size in range(1, min(most, blocks - 1) + 1):
        if comb(blocks, size) <= draws:
            yield from enumerate(combinations(range(blocks), size))
        else:
            for draw in range(draws):
                ranks = _stream(seed, f"delete-some/{size}/{draw}").random_raw(blocks)
                yield draw, tuple(sorted(np.argsort(ranks, kind="stable")[:size].tolist()))


def reorderings(network: "BlockNetwork", most: int, draws: int, seed: int) -> Iterator[tuple[int, tuple[Swap, ...]]]:
    """For 1 to `most` swaps: the number of the draw, and the swaps one after another.

    A swap exchanges the blocks that stand at two places, drawn alike from all pairs of places of one shape in different
    stages; within a stage blocks are interchangeable. None where there is no such pair.
    """
    stage_of = {place: number for number, stage in enumerate(network.stages) for place in stage}
    alike = (pair for group in network.interchangeable for pair in combinations(group, 2))
    pairs = [(one, other) for one, other in alike if stage_of[one] != stage_of[other]]
    for size in range(1, most + 1) if pairs else ():
        for draw in range(draws):
            chosen = _stream(seed, f"reorder/{size}/{draw}").random_raw(size) % len(pairs)
            yield draw, tuple(pairs[number] for number in chosen.tolist())


def swapped(blocks: int, swaps: Sequence[Swap]) -> tuple[int, ...]:
    """The block at each of `blocks` places after the swaps, as `Intervention.order`."""
    order = list(range(blocks))
    for one, other in swaps:
        order[one], order[other] = order[other], order[one]
    return tuple(order)


def kendall_tau(order: Sequence[int]) -> float:
    """Kendall's tau between a permutation of at least two blocks and their own order: 1 where they agree."""
    inversions = sum(one > other for one, other in combinations(order, 2))
    return 1 - 2 * inversions / comb(len(order), 2)


def _deletion(base: Intervention, measurement: str, blocks: Sequence[int], draw: int = 0) -> Lesion:
    intervention = replace(base, gates={**base.gates, **dict.fromkeys(blocks, 0.0)})
    return Lesion(measurement, intervention, ",".join(map(str, blocks)), len(blocks), draw)


def _reordering(base: Intervention, blocks: int, swaps: Sequence[Swap], draw: int) -> Lesion:
    written = ",".join(f"{one}-{other}" for one, other in swaps)
    return Lesion("reorder", replace(base, order=swapped(blocks, swaps)), written, len(swaps), draw)


def _stream(seed: int, name: str) -> np.random.PCG64:
    # NumPy promises never to change the raw stream (NEP 19).
    return np.random.PCG64(stream_seed(seed, name))
