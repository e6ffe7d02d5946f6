"""A trained network evaluated as its own truncation (P1, 2309.08414).

A sequence of residual blocks expands like a Taylor series in its branches; running n of them in parallel leaves the
terms of first order, ``h + sum of F_i(h)``. Consecutive blocks of one shape are regrouped into fewer stages that share
the trained parameters; a place that changes the shape stays a stage of its own.
"""

import copy
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import TYPE_CHECKING

from models.factor import factor
from models.intervention import NO_INTERVENTION
from sweep.measures.base import Measure, Measured, Subject

if TYPE_CHECKING:
    from models.blocks import BlockNetwork
    from sweep.engine.images import TrialImages
    from sweep.trial import Trial

TRUNCATE, FINETUNED = "truncate", "truncate-finetuned"
"""The measurements."""


@dataclass(frozen=True)
class Truncation(Measure):
    """The network at every truncation, lowest order first, as it is and, if asked for, fine-tuned.

    The full network is one of them, and is fine-tuned like the others.
    """

    finetune_epochs: int = factor(0, low=0, high=1000, meaning="epochs that fine-tune each truncation; 0 for none")

    needs_skips = True

    def passes(self, trial: "Trial") -> float:
        orders = 1.0 + len(trial.shape.blocks).bit_length()
        return orders * (trial.val_samples + 3.0 * self.finetune_epochs * trial.train_samples)

    def measure(self, subject: Subject) -> Measured:
        from sweep.measures.scores import scores

        tuned = (False, True) if self.finetune_epochs else (False,)
        steps = [(stages, tune) for stages in truncations(subject.network) for tune in tuned]
        for number, (stages, tune) in enumerate(steps):
            network, intervention = subject.network.rearranged(stages), subject.intervention
            if tune:
                # Fine-tuning is plain, and its networks are evaluated without gates.
                intervention = NO_INTERVENTION
                network = copy.deepcopy(network)
                finetune(network, subject.trial, subject.images, self.finetune_epochs)
            span = (number / len(steps), (number + 1) / len(steps))
            [score] = yield from scores(subject, network, [intervention], span)
            name = FINETUNED if tune else TRUNCATE
            yield span[1], score.rows(name, ",".join(map(str, stages)), len(stages))


def finetune(network: "BlockNetwork", trial: "Trial", images: "TrialImages", epochs: int) -> None:
    """Train a network in place by its trial's recipe, with the plain method and a tenth of its learning rate.

    Batches and augmentation continue from the trial's last epoch. The network is in evaluation mode afterwards.
    """
    from sweep.engine.blocks import BlockSteps

    plain = trial.plain.but(learning_rate=0.1 * trial.learning_rate, schedule="constant", epochs=epochs)
    steps = BlockSteps(network, plain, images, str(images.train.images.device))
    for epoch in range(1, epochs + 1):
        for _ in steps.epoch(trial.epochs + epoch):
            pass


def truncations(network: "BlockNetwork") -> list[tuple[int, ...]]:
    """The number of blocks in each stage of every truncation, fewest stages first, the network's own stages last.

    1, 2, 4, ... consecutive stages of blocks of one shape become one stage, up to whole runs; the last stage of a run
    may hold fewer (our choice). So a mixed network is only truncated further, and a parallel one is its own truncation.
    There are none where a block has no skip connection.
    """
    from models.blocks import PlainBlock

    if any(isinstance(block, PlainBlock) for block in network.blocks):
        return []
    # A transition ends a run, even where the blocks after it have the same shape.
    closing = set(network.closing)
    ends = accumulate((stage[-1] in closing for stage in network.stages), initial=0)
    kinds = [(network.block(stage[0]).shape, end) for stage, end in zip(network.stages, ends, strict=False)]
    alike = groupby(zip(kinds, map(len, network.stages), strict=True), key=lambda stage: stage[0])
    runs = [[size for _, size in run] for _, run in alike]
    longest, merged = max(map(len, runs)), [1]
    while merged[-1] < longest:
        merged.append(min(2 * merged[-1], longest))
    return [
        tuple(sum(run[first : first + number]) for run in runs for first in range(0, len(run), number))
        for number in reversed(merged)
    ]
