"""How well each block keeps the norm of the gradient that passes it (P4: Zaeemzadeh et al., 1805.07477)."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.factor import factor
from sweep.measures.base import Measure, Measured, Subject
from sweep.result import Measurement

if TYPE_CHECKING:
    from torch import Tensor

    from sweep.trial import Trial

STAGE, TRANSITION = "gradient-stage", "gradient-transition"
"""The measurements; their size is the number of the stage, or of the stage before the transition."""
RATIO = "ratio"
"""The metric: norm of the loss's gradient at the input over that at the output."""


@dataclass(frozen=True)
class GradientNorms(Measure):
    """The ratio of gradient norms over each stage, and over each transition between groups of blocks.

    The gradient is that of the mean cross-entropy of `gradient_images` training images, evenly spaced in their order,
    at the values before and after; its norm is over all images at once. The paper takes mini-batches in training; here
    batch norms use their running statistics, without augmentation or label smoothing (our choices). A ratio that is not
    finite is None. Layers with parameters that follow a stage, outside its blocks, are a transition.
    """

    gradient_images: int = factor(
        0, low=0, high=1_000_000, stands_for=256, meaning="training images whose gradients' norms are compared"
    )

    def passes(self, trial: "Trial") -> float:
        return 3.0 * min(self.gradient_images, trial.train_samples)

    def measure(self, subject: Subject) -> Measured:
        import torch

        images = subject.images
        count = min(self.gradient_images, len(images.train_index))
        places = torch.arange(count, device=images.train_index.device) * len(images.train_index) // count
        size = max(1, _BATCH_VALUES // subject.trial.shape.activation_elements)
        squares: list[Tensor] = []
        for index in images.train_index[places].flatten().split(size):
            squares.append(_squares(subject, index))
            yield min(1.0, len(squares) * size / count), ()
        norms = torch.stack(squares).sum(0).sqrt().tolist()
        yield 1.0, _rows(subject, norms)


_BATCH_VALUES = 1 << 28
"""Activation values that a batch may keep for its backward pass: 1 GiB."""
_SCALE = 2.0**60
"""Scales the loss in the backward pass; otherwise gradients could underflow in float32."""


def _squares(subject: Subject, index: "Tensor") -> "Tensor":
    """Squared gradient norms, float64, at each stage's input, before each transition, and at the head's input."""
    import torch
    from torch.nn import functional as F

    from models import frozen

    network, closing = subject.network, set(subject.network.closing)
    pixels, labels = subject.images.train.batch(index)
    with frozen(network, range(len(network.blocks)), outside=True), torch.enable_grad():
        hidden = network.stem(pixels.permute(0, 3, 1, 2)).detach().requires_grad_()
        points: list[Tensor] = []
        hooks = [
            network.block(stage[-1]).after.register_forward_pre_hook(lambda _, inputs: points.append(inputs[0]))
            for stage in network.stages
            if stage[-1] in closing
        ]
        try:
            for state in network.states(hidden, subject.intervention):
                points.append(state)
                hidden = state
        finally:
            for hook in hooks:
                hook.remove()
        loss = F.cross_entropy(network.head(hidden).double(), labels, reduction="sum")
        gradients = torch.autograd.grad(_SCALE * loss, points)
    return torch.stack([gradient.double().square().sum() for gradient in gradients]) / _SCALE**2


def _rows(subject: Subject, norms: list[float]) -> list[Measurement]:
    rows: list[Measurement] = []
    left = iter(norms)
    before, closing = next(left), set(subject.network.closing)
    for stage, blocks in enumerate(subject.network.stages):
        for name in (STAGE, TRANSITION) if blocks[-1] in closing else (STAGE,):
            after = next(left)
            ratio = before / after if after else math.nan
            rows.append(Measurement(name, RATIO, ratio if math.isfinite(ratio) else None, size=stage))
            before = after
    return rows
