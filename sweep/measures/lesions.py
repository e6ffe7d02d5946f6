"""Blocks deleted and reordered in a trained network (P2, 1605.06431: lesion study).

A row's `subject` says exactly what was done. Each draw has a stream named by the trial's seed, its size and its number.
The deleted blocks depend on that and on the number of blocks alone, so both sides of a matched pair lose the same ones.
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
    from sweep.trial import Trial

UNTREATED, BLOCK, DELETE_ONE, DELETE_SOME, REORDER = "untreated", "block", "delete-one", "delete-some", "reorder"
"""The measurements."""
CHANGES_SHAPE, TAU = "changes_shape", "kendall_tau"
"""Metrics beside those of scores."""

Swap = tuple[int, int]
"""Two places whose blocks are exchanged."""


Lesion = tuple[Intervention, tuple[str, str, int, int]]
"""One way to treat the network, and measurement, subject, size and draw of its rows."""


@dataclass(frozen=True)
class Lesions(Measure):
    """The network as it is, with each block deleted, with several deleted, and with blocks swapped."""

    lesion_draws: int = factor(0, low=0, high=100_000, stands_for=50, meaning="random lesions of each size")
    most_deleted: int = factor(
        0, low=0, high=4096, stands_for=20, meaning="the most blocks that a random lesion deletes or swaps"
    )

    def passes(self, trial: "Trial") -> float:
        blocks = len(trial.shape.blocks)
        sizes = min(self.most_deleted, blocks - 1)
        # A single deletion computes only the blocks that follow; random ones share the first blocks as well.
        return trial.val_samples * (1 + blocks / 2 + 1.5 * self.lesion_draws * sizes)

    def measure(self, subject: Subject) -> Measured:
        from sweep.measures.scores import scores

        network = subject.network
        blocks = len(network.blocks)
        yield 0.0, block_rows(network)
        base, ranges = subject.intervention, (self.most_deleted, self.lesion_draws, subject.trial.draw_seed)
        lesions: list[Lesion] = [
            (base, (UNTREATED, "", 0, 0)),
            *(_deletion(base, DELETE_ONE, [block]) for block in range(blocks)),
            *(_deletion(base, DELETE_SOME, chosen, draw) for draw, chosen in deletions(blocks, *ranges)),
            *(_reordering(base, blocks, swaps, draw) for draw, swaps in reorderings(network, *ranges)),
        ]
        found = yield from scores(subject, network, [intervention for intervention, _ in lesions])
        rows: list[Measurement] = []
        for (intervention, treated), score in zip(lesions, found, strict=True):
            rows += score.rows(*treated)
            if intervention.order is not None:
                rows.append(replace(rows[-1], metric=TAU, value=kendall_tau(intervention.order)))
        yield 1.0, rows


def block_rows(network: "BlockNetwork") -> list[Measurement]:
    """The stage of each block, and whether the block changes the shape."""
    rows: list[Measurement] = []
    for number, stage in enumerate(network.stages):
        for place in stage:
            shape = network.block(place).shape
            changes = float(shape.inputs != shape.outputs)
            rows.append(Measurement(BLOCK, CHANGES_SHAPE, changes, str(place), number))
    return rows


def deletions(blocks: int, most: int, draws: int, seed: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """For 1 to `most` of `blocks` blocks, but never all: the number of each draw, and the blocks it deletes, ascending.

    Where there are at most `draws` sets of a size, each is deleted once (our choice); otherwise draws are independent.
    """
    for size in range(1, min(most, blocks - 1) + 1):
        if comb(blocks, size) <= draws:
            yield from enumerate(combinations(range(blocks), size))
        else:
            for draw in range(draws):
                ranks = _stream(seed, f"{DELETE_SOME}/{size}/{draw}").random_raw(blocks)
                yield draw, tuple(sorted(np.argsort(ranks, kind="stable")[:size].tolist()))


def reorderings(network: "BlockNetwork", most: int, draws: int, seed: int) -> Iterator[tuple[int, tuple[Swap, ...]]]:
    """For 1 to `most` swaps: the number of each draw, and its swaps one after another.

    A swap exchanges the blocks at two places, drawn uniformly from all pairs of places of one shape in different
    stages, as an exchange within a stage changes nothing. There are none where no such pair exists.
    """
    stage_of = {place: number for number, stage in enumerate(network.stages) for place in stage}
    alike = (pair for group in network.interchangeable for pair in combinations(group, 2))
    pairs = [(one, other) for one, other in alike if stage_of[one] != stage_of[other]]
    for size in range(1, most + 1) if pairs else ():
        for draw in range(draws):
            chosen = _stream(seed, f"{REORDER}/{size}/{draw}").random_raw(size) % len(pairs)
            yield draw, tuple(pairs[number] for number in chosen.tolist())


def swapped(blocks: int, swaps: Sequence[Swap]) -> tuple[int, ...]:
    """The block at each of `blocks` places after the swaps, as `Intervention.order`."""
    order = list(range(blocks))
    for one, other in swaps:
        order[one], order[other] = order[other], order[one]
    return tuple(order)


def kendall_tau(order: Sequence[int]) -> float:
    """Kendall's tau between a permutation of at least two blocks and their own order: 1 if they agree."""
    inversions = sum(one > other for one, other in combinations(order, 2))
    return 1 - 2 * inversions / comb(len(order), 2)


def _deletion(base: Intervention, measurement: str, blocks: Sequence[int], draw: int = 0) -> Lesion:
    intervention = replace(base, gates={**base.gates, **dict.fromkeys(blocks, 0.0)})
    return intervention, (measurement, ",".join(map(str, blocks)), len(blocks), draw)


def _reordering(base: Intervention, blocks: int, swaps: Sequence[Swap], draw: int) -> Lesion:
    written = ",".join(f"{one}-{other}" for one, other in swaps)
    return replace(base, order=swapped(blocks, swaps)), (REORDER, written, len(swaps), draw)


def _stream(seed: int, name: str) -> np.random.PCG64:
    # NumPy promises never to change the raw stream (NEP 19).
    return np.random.PCG64(stream_seed(seed, name))
