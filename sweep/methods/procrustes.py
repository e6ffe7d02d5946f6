"""Transitions kept close to scaled isometries (P4: Zaeemzadeh et al., "Norm-Preservation", 1805.07477)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.factor import factor
from models.intervention import NO_INTERVENTION
from models.layers import Convolution
from models.layout import Layout, layers_of
from sweep.errors import SweepError
from sweep.methods.base import Method, Step, step_stream

if TYPE_CHECKING:
    from models.blocks import BlockNetwork
    from sweep.trial import Trial


@dataclass(frozen=True)
class Procrustes(Method):
    """Plain steps, each followed at random by a projection of the convolutions outside the blocks.

    These are the first one and the transitions. One draw per step decides for all of them (our choice).
    """

    projection_rate: float = factor(0.0, low=0, high=1, meaning="probability that a projection follows a step")

    needs_skips = False
    above_zero = ("projection_rate",)

    def check(self, layout: Layout) -> None:
        parts = (layout.stem, *(block.after for block in layout.blocks))
        if not any(isinstance(layer, Convolution) for part in parts for layer in layers_of(part)):
            raise SweepError("method procrustes projects convolutions outside the blocks, but the network has none")

    def step(self, trial: "Trial", number: int, batch: int, device: str) -> Step:
        return Step(NO_INTERVENTION)

    def after_step(self, trial: "Trial", number: int, network: "BlockNetwork") -> None:
        import torch

        from models.isometry import project

        draw = torch.rand((), dtype=torch.float64, generator=step_stream(trial, number))
        if float(draw) < self.projection_rate:
            project(network, trial.shape)

    @classmethod
    def describe(cls, row: Mapping[str, Any]) -> str:
        return f"projected {row['projection_rate']:g}"
