"""ResidualDroppath (P5, 2411.09475): a droppath step, then steps that train the dropped blocks alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import models
from models.factor import factor
from models.intervention import Intervention
from sweep.methods.base import Step, step_stream
from sweep.methods.droppath import Dropping, rescaling

if TYPE_CHECKING:
    from models.droppath import DropPath
    from sweep.trial import Trial


@dataclass(frozen=True)
class ResidualDroppath(Dropping):
    """ResidualDroppath: cycles of one droppath step and `retrain_steps` steps on the blocks that it dropped.

    The paper sets out the two iterations; all else is ours. There is one mask per batch; if it would drop no block, one
    is drawn by the drop probabilities. The following batches keep the mask: the whole network runs as in evaluation,
    gradients pass through frozen blocks to the dropped ones, and only these are trained. Elsewhere batch norms keep
    their running statistics, and momentum and weight decay stand still.
    """

    rescale: Literal["training", "evaluation"] = rescaling()
    retrain_steps: int = factor(0, low=0, high=1000, meaning="steps on dropped blocks after each droppath step")

    above_zero = ("drop_rate", "retrain_steps")

    @property
    def droppath(self) -> "DropPath":
        return models.DropPath(self.drop_rate, self.drop_rates, "batch", self.rescale)

    def step(self, trial: "Trial", number: int, batch: int, device: str) -> Step:
        import torch

        cycle, place = divmod(number, 1 + self.retrain_steps)
        generator, blocks = step_stream(trial, cycle), len(trial.shape.blocks)
        intervention = self.droppath.training(blocks, batch, generator, device)
        if not intervention.dropped:
            probabilities = 1 - torch.tensor(self.droppath.survival(blocks), dtype=torch.float64)
            draw = torch.rand(1, dtype=torch.float64, generator=generator) * probabilities.sum()
            block = min(int(torch.searchsorted(probabilities.cumsum(0), draw)), blocks - 1)
            intervention = Intervention(gates={**intervention.gates, block: 0.0})
        return Step(self.evaluation(trial), intervention.dropped) if place else Step(intervention)

    @classmethod
    def describe(cls, row: Mapping[str, Any]) -> str:
        return f"{row['method']} {row['drop_rate']:g}"
