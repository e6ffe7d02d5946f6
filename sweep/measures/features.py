"""How similar the states of a network are, before and after training (P5, ResidualDroppath, 2411.09475)."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from models.intervention import Intervention
from sweep.measures.base import Measure, Measured, Subject
from sweep.result import Measurement

if TYPE_CHECKING:
    from torch import Size, Tensor

    from models.blocks import BlockNetwork
    from sweep.trial import Trial

BEFORE, AFTER = "features-before", "features-after"
"""The measurements."""
CKA, DISTANCE = "cka", "distance"
"""Their metrics."""

MOST_IMAGES = 512
"""Validation images whose features are compared (our choice)."""
_BATCH = 128


@dataclass(frozen=True)
class Features(Measure):
    """CKA of all pairs of states, and the distance between their distributions where their shapes are equal.

    State i is the input of stage i, and the last one that of the head. Both networks are evaluated under the same
    intervention, on at most `MOST_IMAGES` validation images, evenly spaced in their order. `models.similarity` has the
    two measures (our choices: the paper's own are not public); they are None where they are not defined, as for a state
    that is the same for all images.
    """

    def passes(self, trial: "Trial") -> float:
        return 2.0 * MOST_IMAGES

    def measure(self, subject: Subject) -> Measured:
        images = _images(subject)
        yield 0.5, _compared(BEFORE, subject.initial(), subject.intervention, images)
        yield 1.0, _compared(AFTER, subject.network, subject.intervention, images)


def _images(subject: Subject) -> "Tensor":
    """Normalised images (n, channels, height, width)."""
    import torch

    index = subject.images.validation_index
    count = min(MOST_IMAGES, len(index))
    pixels, _ = subject.images.validation.batch(index[torch.arange(count, device=index.device) * len(index) // count])
    return pixels.permute(0, 3, 1, 2)


def _compared(name: str, network: "BlockNetwork", intervention: Intervention, images: "Tensor") -> list[Measurement]:
    import torch

    from models.similarity import centred_gram, channel_quantiles, cka

    grams, quantiles = [], []
    with torch.no_grad():
        for state in _states(network, intervention, images):
            grams.append(centred_gram(state))
            quantiles.append((state.shape, channel_quantiles(state)))
        alignment, distances = cka(torch.stack(grams)).tolist(), _distances(quantiles)
    rows = []
    for one, other in combinations(range(len(grams)), 2):
        values = {CKA: alignment[one][other]}
        if (one, other) in distances:
            values[DISTANCE] = distances[one, other]
        for metric, value in values.items():
            defined = value if math.isfinite(value) else None
            rows.append(Measurement(name, metric, defined, f"{one}:{other}", size=other - one))
    return rows


def _distances(quantiles: "Sequence[tuple[Size, Tensor]]") -> dict[tuple[int, int], float]:
    """The distance of each pair of states of one shape, from each state's shape and quantiles."""
    import torch

    from models.similarity import distribution_distance

    alike = defaultdict(list)
    for number, (shape, _) in enumerate(quantiles):
        alike[shape].append(number)
    distances = {}
    for states in alike.values():
        stacked = torch.stack([quantiles[number][1] for number in states])
        for place, one in enumerate(states[:-1]):
            values = distribution_distance(stacked[place], stacked[place + 1 :]).tolist()
            distances.update(zip([(one, other) for other in states[place + 1 :]], values, strict=True))
    return distances


def _states(network: "BlockNetwork", intervention: Intervention, images: "Tensor") -> "Iterator[Tensor]":
    """Each state in turn, of all images: the batches advance side by side, stage by stage."""
    import torch

    batches = [network.states(network.stem(batch), intervention) for batch in images.split(_BATCH)]
    for parts in zip(*batches, strict=True):
        yield torch.cat(parts)
