"""Droppath and stochastic depth (1603.09382): blocks dropped at random in every step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import models
from models.factor import factor
from models.intervention import Intervention
from sweep.methods.base import Method, Step, step_stream

if TYPE_CHECKING:
    from models.blocks import BlockNetwork
    from models.droppath import DropPath
    from sweep.trial import Trial

RESCALE: tuple[str, ...] = ("training", "evaluation")
RESCALE_MEANING = "whether dropped blocks are made up for in training or in evaluation"


@dataclass(frozen=True)
class Dropping(Method):
    """What every method takes that drops blocks with a given probability."""

    drop_rate: float = factor(
        0.0, low=0, high=0.95, meaning="drop probability of a block, or of the last one if linear"
    )
    drop_rates: str = factor(
        "linear", choices=("linear", "constant"), meaning="how the drop probability grows over the blocks"
    )

    above_zero = ("drop_rate",)

    def droppath(self, per: str, rescale: str) -> "DropPath":
        """The distribution of the gates, drawn per ``batch`` or per ``sample``."""
        # The factors are checked against these very names.
        options: dict[str, Any] = {"schedule": self.drop_rates, "per": per, "rescale": rescale}
        return models.DropPath(self.drop_rate, **options)


@dataclass(frozen=True)
class Droppath(Dropping):
    """Droppath. Stochastic depth of 1603.09382 is linear, per batch, rescaled in evaluation."""

    drop_per: str = factor(
        "batch", choices=("batch", "sample"), meaning="whether blocks are dropped for a batch or for each sample"
    )
    rescale: str = factor("training", choices=RESCALE, meaning=RESCALE_MEANING)

    def start(self, network: "BlockNetwork", trial: "Trial", device: str) -> "DroppathTraining":
        return DroppathTraining(self.droppath(self.drop_per, self.rescale), network, trial, device)

    @classmethod
    def describe(cls, row: Mapping[str, Any]) -> str:
        form = (row["drop_rates"], row["drop_per"], row["rescale"])
        name = "stochastic depth" if form == ("linear", "batch", "evaluation") else row["method"]
        return f"{name} {row['drop_rate']:g}"


class DroppathTraining:
    """Gates drawn anew in every step."""

    def __init__(self, droppath: "DropPath", network: "BlockNetwork", trial: "Trial", device: str) -> None:
        self.droppath, self.trial, self.device = droppath, trial, device
        self.blocks = len(network.blocks)

    @property
    def evaluation(self) -> Intervention:
        return self.droppath.evaluation(self.blocks)

    def step(self, number: int, batch: int) -> Step:
        return Step(self.droppath.training(self.blocks, batch, step_stream(self.trial, number), self.device))
