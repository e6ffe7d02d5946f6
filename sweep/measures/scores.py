"""Loss and error of a network under many interventions, over the validation images."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import isfinite

import torch
from torch import Tensor
from torch.nn import functional as F

from models.blocks import BlockNetwork
from models.intervention import Intervention
from models.many_interventions import held_values, lesioned
from sweep.engine.blocks import precision
from sweep.measures.base import ERROR, LOSS, Subject
from sweep.result import Measurement

_HELD_VALUES = {"cpu": 1 << 26, "cuda": 1 << 29}
"""Values of activations held at a time, in float32: 0.25 GiB on a CPU, 2 GiB on a GPU."""
_OUTCOMES_BETWEEN_REPORTS = 64


@dataclass(frozen=True)
class Score:
    """The share of images classified wrongly under one intervention, and the mean loss in nats, None if not finite.

    An image whose logits are not numbers counts as wrongly classified.
    """

    error: float
    loss: float | None

    def rows(self, measurement: str, subject: str = "", size: int = 0, draw: int = 0) -> list[Measurement]:
        """The score as measurements."""
        metrics = {ERROR: self.error, LOSS: self.loss}
        return [Measurement(measurement, metric, value, subject, size, draw) for metric, value in metrics.items()]


def scores(
    subject: Subject,
    network: BlockNetwork,
    interventions: Sequence[Intervention],
    span: tuple[float, float] = (0.0, 1.0),
) -> Generator[tuple[float, Sequence[Measurement]], None, list[Score]]:
    """Yields the share done, between the ends of `span`, without rows; returns the score of every intervention.

    `network` computes in the precision of the subject's trial, with logits in float32 and sums in float64. Images are
    loaded once for all interventions.
    """
    index = subject.images.validation_index
    totals = torch.zeros(2, len(interventions), dtype=torch.float64, device=index.device)
    work, done = len(index) * len(interventions), 0
    for images, labels in subject.validation_batches(_batch_size(network, len(interventions), index.device)):
        outcomes, left = lesioned(network, images, interventions), len(interventions)
        while left:
            # A context that is open when a generator yields is open in its consumer too.
            with torch.inference_mode(), precision(subject.trial, index.device.type):
                for places, logits in islice(outcomes, _OUTCOMES_BETWEEN_REPORTS):
                    totals[:, list(places)] += _sums(logits.float(), labels)[:, None]
                    left -= len(places)
                    done += len(labels) * len(places)
            yield span[0] + (span[1] - span[0]) * done / work, ()
    losses, wrong = (totals / len(index)).tolist()
    return [Score(error, loss if isfinite(loss) else None) for error, loss in zip(wrong, losses, strict=True)]


def _batch_size(network: BlockNetwork, interventions: int, device: torch.device) -> int:
    return max(1, _HELD_VALUES.get(device.type, _HELD_VALUES["cpu"]) // held_values(network, interventions))


def _sums(logits: Tensor, labels: Tensor) -> Tensor:
    """Summed loss and number of wrong answers (2) of logits (batch, classes), float64."""
    losses = F.cross_entropy(logits, labels, reduction="none").double()
    wrong = (logits.argmax(1) != labels) | losses.isnan()
    return torch.stack([losses.sum(), wrong.double().sum()])
