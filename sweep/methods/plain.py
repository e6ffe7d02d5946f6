"""Plain training: every block in every step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.intervention import NO_INTERVENTION
from sweep.methods.base import Method, Step

if TYPE_CHECKING:
    from sweep.trial import Trial


@dataclass(frozen=True)
class Plain(Method):
    """Plain training, which does nothing to the blocks."""

    needs_skips = False

    def step(self, trial: "Trial", number: int, batch: int, device: str) -> Step:
        return Step(NO_INTERVENTION)

    @classmethod
    def describe(cls, row: Mapping[str, Any]) -> str:
        return ""
