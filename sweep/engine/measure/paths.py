"""Gradients along single paths through a trained network, by the length of the path (P2, 1605.06431)."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from models.blocks import BlockNetwork, PlainBlock
from models.initialisation import stream_seed
from models.intervention import Intervention
from models.paths import draw_paths, path_counts
from sweep.engine.measure import Subject
from sweep.result import Measurement

BATCH_VALUES = 1 << 28
"""Activation values that a batch may keep for its backward pass: 1 GiB."""
_SCALE = 2.0**60
"""Of the loss in the backward pass: gradients along long paths would be below the least float32."""


def measure(subject: Subject) -> Iterator[tuple[float, Sequence[Measurement]]]:
    """Number of paths of every length, and the gradient's norm along `path_draws` of them drawn at random.

    A draw is one path, uniform among those of its length, and one validation image, uniform too, each from a stream of
    the trial's seed and the length. Its value is the Euclidean norm of the gradient of that image's cross-entropy, in
    nats and without label smoothing, at the normalised pixels; None where it is not finite. The forward pass is that of
    the whole network. The paper draws a path for a mini-batch in training; here batch norms are at their running
    statistics, so that the images of a batch are independent, and the computation is in float32 whatever the precision
    of the training (our choices).

    Yields nothing for a network with a layer that no skip connection passes (VGG). A count that no float can hold is
    None.
    """
    network = subject.network
    if any(isinstance(block, PlainBlock) for block in network.blocks):
        return
    counts = path_counts([len(stage) for stage in network.stages])
    size = max(1, BATCH_VALUES // subject.trial.shape.activation_elements)
    for length, count in enumerate(counts):
        norms = path_gradient_norms(subject, length, size).tolist()
        yield (
            (length + 1) / len(counts),
            [
                Measurement("path-count", "paths", _as_float(count), size=length),
                *(
                    Measurement("path-gradient", "norm", norm if math.isfinite(norm) else None, size=length, draw=draw)
                    for draw, norm in enumerate(norms)
                ),
            ],
        )


def path_gradient_norms(subject: Subject, length: int, batch: int) -> Tensor:
    """The norms of all draws of one length, float64 (draws,) on the CPU, computed `batch` at a time."""
    images, draws = subject.images, subject.trial.path_draws
    paths = draw_paths([len(s) for s in subject.network.stages], length, draws, _stream(subject, "paths", length))
    chosen = torch.randint(len(images.validation_index), (draws,), generator=_stream(subject, "path-images", length))
    index = images.validation_index[chosen.to(images.validation_index.device)]
    norms = []
    for some, along in zip(index.split(batch), paths.split(batch), strict=True):
        pixels, labels = images.validation.batch(some)
        gradients = path_gradients(subject.network, pixels.permute(0, 3, 1, 2), labels, along, subject.intervention)
        norms.append(gradients.flatten(1).norm(dim=1).cpu())
    return torch.cat(norms)


def path_gradients(
    network: BlockNetwork, images: Tensor, labels: Tensor, paths: Tensor, intervention: Intervention
) -> Tensor:
    """Gradient of each image's cross-entropy at the image along its own path: float64, in the shape of the images.

    Images (batch, ...), labels (batch,) and paths (batch, blocks). The network is in evaluation mode; `intervention` is
    what is done to it beside the routes.
    """
    routed = replace(intervention, routes=Intervention.along(paths.to(images.device)).routes)
    with _fixed(network), torch.enable_grad():
        inputs = images.detach().requires_grad_()
        # In float64, so that the gradient of an image that the network is sure of is not rounded away.
        loss = F.cross_entropy(network(inputs, routed).double(), labels, reduction="sum")
        (gradients,) = torch.autograd.grad(_SCALE * loss, inputs)
    return gradients.double() / _SCALE


@contextmanager
def _fixed(network: BlockNetwork) -> Iterator[None]:
    """Within this context no parameter asks for a gradient."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)


def _stream(subject: Subject, name: str, length: int) -> torch.Generator:
    return torch.Generator().manual_seed(stream_seed(subject.trial.seed, f"{name}/{length}"))


def _as_float(count: int) -> float | None:
    try:
        return float(count)
    except OverflowError:
        return None
