"""Droppath and stochastic depth (1603.09382): blocks dropped at random in every step."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import models
from models.factor import factor
from models.intervention import Intervention
from sweep.methods.base import Method, Step, step_stream

if TYPE_CHECKING:
    from models.droppath import DropPath
    from sweep.trial import Trial


def rescaling() -> Literal["training", "evaluation"]:
    """The factor `rescale`, which every method that drops blocks takes."""
    meaning = "whether dropped blocks are made up for in training or in evaluation"
    return factor("training", choices=("training", "evaluation"), meaning=meaning)


@dataclass(frozen=True)
class Dropping(Method):
    """A method that drops each block with a given probability, drawn anew in every step."""

    drop_rate: float = factor(
        0.0, low=0, high=0.95, meaning="drop probability of a block, or of the last one if linear"
    )
    drop_rates: Literal["linear", "constant"] = factor(
        "linear", choices=("linear", "constant"), meaning="how the drop probability grows over the blocks"
    )

    above_zero = ("drop_rate",)

    @property
    @abstractmethod
    def droppath(self) -> "DropPath":
        """The distribution of the gates."""
        ...

    def evaluation(self, trial: "Trial") -> Intervention:
        return self.droppath.evaluation(len(trial.shape.blocks))

    def step(self, trial: "Trial", number: int, batch: int, device: str) -> Step:
        stream = step_stream(trial, number)
        return Step(self.droppath.training(len(trial.shape.blocks), batch, stream, device))


@dataclass(frozen=True)
class Droppath(Dropping):
    """Droppath. Stochastic depth of 1603.09382 is linear, per batch, rescaled in evaluation."""

    drop_per: Literal["batch", "sample"] = factor(
        "batch", choices=("batch", "sample"), meaning="whether blocks are dropped for a batch or for each sample"
    )
    rescale: Literal["training", "evaluation"] = rescaling()

    @property
    def droppath(self) -> "DropPath":
        return models.DropPath(self.drop_rate, self.drop_rates, self.drop_per, self.rescale)

    @classmethod
    def describe(cls, row: Mapping[str, Any]) -> str:
        form = (row["drop_rates"], row["drop_per"], row["rescale"])
        name = "stochastic depth" if form == ("linear", "batch", "evaluation") else row["method"]
        return f"{name} {row['drop_rate']:g}"
