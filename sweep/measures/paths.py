"""Gradients along single paths through a trained network, by the length of the path (P2, 1605.06431)."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.factor import factor
from models.streams import stream_seed
from sweep.measures.base import Measure, Measured, Subject
from sweep.result import Measurement

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from sweep.trial import Trial

COUNT, GRADIENT = "path-count", "path-gradient"
"""The measurements."""
PATHS, NORM = "paths", "norm"
"""Their metrics."""

BATCH_VALUES = 1 << 28
"""Activation values that a batch may keep for its backward pass: 1 GiB."""


@dataclass(frozen=True)
class Paths(Measure):
    """The number of paths of every length, and the gradient's norm along `path_draws` of them drawn at random.

    A draw is one path, uniform among those of its length, and one validation image, uniform too, each from a stream of
    the trial's seed and the length. Its value is the Euclidean norm of the gradient of that image's cross-entropy, in
    nats and without label smoothing, at the normalised pixels; None where it is not finite. The forward pass is that of
    the whole network. The paper draws a path for a mini-batch in training; here batch norms use their running
    statistics, so that the images of a batch are independent, and the computation is in float32 whatever the precision
    of the training (our choices). A count that no float can hold is None.
    """

    path_draws: int = factor(0, low=0, high=1_000_000, stands_for=1000, meaning="gradients drawn for each path length")

    needs_skips = True

    def passes(self, trial: "Trial") -> float:
        return 3.0 * self.path_draws * (len(trial.shape.blocks) + 1)

    def measure(self, subject: Subject) -> Measured:
        from models import paths

        if not subject.trial.kind.skips:
            return
        counts = paths.path_counts([len(stage) for stage in subject.network.stages])
        size = max(1, BATCH_VALUES // subject.trial.shape.activation_elements)
        for length, count in enumerate(counts):
            norms = path_gradient_norms(subject, length, size, self.path_draws).tolist()
            rows = [Measurement(COUNT, PATHS, _as_float(count), size=length)]
            for draw, norm in enumerate(norms):
                value = norm if math.isfinite(norm) else None
                rows.append(Measurement(GRADIENT, NORM, value, size=length, draw=draw))
            yield (length + 1) / len(counts), rows


def path_gradient_norms(subject: Subject, length: int, batch: int, draws: int) -> "Tensor":
    """The gradient norms of all draws of one length, float64 (draws,) on the CPU, computed `batch` at a time."""
    import torch

    from models.paths import draw_paths, path_gradients

    images = subject.images
    paths = draw_paths([len(s) for s in subject.network.stages], length, draws, _stream(subject, "paths", length))
    chosen = torch.randint(len(images.validation_index), (draws,), generator=_stream(subject, "path-images", length))
    index = images.validation_index[chosen.to(images.validation_index.device)]
    norms = []
    for some, along in zip(index.split(batch), paths.split(batch), strict=True):
        pixels, labels = images.validation.batch(some)
        gradients = path_gradients(subject.network, pixels.permute(0, 3, 1, 2), labels, along, subject.intervention)
        norms.append(gradients.flatten(1).norm(dim=1).cpu())
    return torch.cat(norms)


def _stream(subject: Subject, name: str, length: int) -> "Generator":
    import torch

    return torch.Generator().manual_seed(stream_seed(subject.trial.draw_seed, f"{name}/{length}"))


def _as_float(count: int) -> float | None:
    try:
        return float(count)
    except OverflowError:
        return None
