"""Plain training: every block in every step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.intervention import NO_INTERVENTION, Intervention
from sweep.methods.base import Method, Step

if TYPE_CHECKING:
    from models.blocks import BlockNetwork
    from sweep.trial import Trial


@dataclass(frozen=True)
class Plain(Method):
    """Plain training."""

    needs_skips = False

    def start(self, network: "BlockNetwork", trial: "Trial", device: str) -> "PlainTraining":
        return PlainTraining()

    @classmethod
    def describe(cls, row: Mapping[str, Any]) -> str:
        return ""


class PlainTraining:
    """Nothing is done to the blocks."""

    evaluation: Intervention = NO_INTERVENTION

    def step(self, number: int, batch: int) -> Step:
        return Step(NO_INTERVENTION)
