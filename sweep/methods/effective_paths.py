"""Training on paths of one length alone (P2, 1605.06431): a fixed number of blocks per mini-batch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import models
from models.factor import factor
from models.intervention import Intervention
from models.layout import Layout
from sweep.errors import SweepError
from sweep.methods.base import Method, Step, step_stream
from sweep.methods.droppath import rescaling

if TYPE_CHECKING:
    from models.droppath import KeptBlocks
    from sweep.trial import Trial


@dataclass(frozen=True)
class EffectivePaths(Method):
    """Each mini-batch trains `kept_blocks` blocks, drawn anew, and drops the others."""

    kept_blocks: int = factor(0, low=0, high=4096, meaning="blocks that a mini-batch trains")
    transitions: str = factor(
        "sampled",
        choices=("sampled", "kept"),
        meaning="whether blocks that change the shape are sampled or always kept",
    )
    rescale: Literal["training", "evaluation"] = rescaling()

    above_zero = ("kept_blocks",)

    def check(self, layout: Layout) -> None:
        blocks, changing = len(layout.blocks), len(_changing(layout))
        if self.kept_blocks > blocks:
            raise SweepError(f"kept_blocks is {self.kept_blocks}, but the network has {blocks} blocks")
        if self.transitions == "kept" and not changing:
            raise SweepError("transitions is 'kept', but no block changes the shape; leave it at 'sampled'")
        if self.transitions == "kept" and self.kept_blocks <= changing:
            raise SweepError(
                f"kept_blocks is {self.kept_blocks}, but takes more than the {changing} blocks that change the shape, "
                "which are always kept"
            )

    def evaluation(self, trial: "Trial") -> Intervention:
        return self._kept(trial).evaluation(len(trial.shape.blocks))

    def step(self, trial: "Trial", number: int, batch: int, device: str) -> Step:
        return Step(self._kept(trial).training(len(trial.shape.blocks), step_stream(trial, number)))

    def _kept(self, trial: "Trial") -> "KeptBlocks":
        always = _changing(trial.shape) if self.transitions == "kept" else ()
        return models.KeptBlocks(self.kept_blocks, always, self.rescale)

    @classmethod
    def describe(cls, row: Mapping[str, Any]) -> str:
        return f"{row['kept_blocks']} blocks a batch"


def _changing(layout: Layout) -> tuple[int, ...]:
    """The blocks that change the shape."""
    return tuple(number for number, shape in enumerate(layout.block_shapes()) if shape.inputs != shape.outputs)
