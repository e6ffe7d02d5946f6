"""ResidualDroppath (P5, 2411.09475): a droppath step, then steps that train the dropped blocks alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.factor import factor
from models.intervention import Intervention
from sweep.methods.base import Step, step_stream
from sweep.methods.droppath import RESCALE, RESCALE_MEANING, DroppathTraining, Dropping

if TYPE_CHECKING:
    from models.blocks import BlockNetwork
    from sweep.trial import Trial


@dataclass(frozen=True)
class ResidualDroppath(Dropping):
    """ResidualDroppath.

    The paper sets out the two iterations; all else is ours. There is one mask per batch; where it would drop no block,
    one is drawn by the drop probabilities. The following batches keep the mask: the whole network runs as it is
    evaluated, gradients pass through frozen blocks to the dropped ones, and only these are trained. Elsewhere batch
    norms keep their running statistics, and momentum and weight decay stand still.
    """

    rescale: str = factor("training", choices=RESCALE, meaning=RESCALE_MEANING)
    retrain_steps: int = factor(0, low=0, high=1000, meaning="steps on dropped blocks after each droppath step")

    above_zero = ("drop_rate", "retrain_steps")

    def start(self, network: "BlockNetwork", trial: "Trial", device: str) -> "ResidualDroppathTraining":
        return ResidualDroppathTraining(self, network, trial, device)

    @classmethod
    def describe(cls, row: Mapping[str, Any]) -> str:
        return f"{row['method']} {row['drop_rate']:g}"


class ResidualDroppathTraining(DroppathTraining):
    """Cycles of one droppath step and the steps that follow it."""

    def __init__(self, method: ResidualDroppath, network: "BlockNetwork", trial: "Trial", device: str) -> None:
        super().__init__(method.droppath("batch", method.rescale), network, trial, device)
        self.retrain_steps = method.retrain_steps

    def step(self, number: int, batch: int) -> Step:
        import torch

        cycle, place = divmod(number, 1 + self.retrain_steps)
        generator = step_stream(self.trial, cycle)
        intervention = self.droppath.training(self.blocks, batch, generator, self.device)
        if not intervention.dropped:
            probabilities = 1 - torch.tensor(self.droppath.survival(self.blocks), dtype=torch.float64)
            draw = torch.rand(1, dtype=torch.float64, generator=generator) * probabilities.sum()
            block = min(int(torch.searchsorted(probabilities.cumsum(0), draw)), self.blocks - 1)
            intervention = Intervention(gates={**intervention.gates, block: 0.0})
        return Step(self.evaluation, intervention.dropped) if place else Step(intervention)
