"""Training on paths of one length alone (P2, 1605.06431): a fixed number of blocks per mini-batch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import models
from models.factor import factor
from models.intervention import Intervention
from models.layout import Layout
from sweep.errors import SweepError
from sweep.methods.base import Method, Step, step_stream
from sweep.methods.droppath import RESCALE, RESCALE_MEANING

if TYPE_CHECKING:
    from models.blocks import BlockNetwork
    from sweep.trial import Trial


@dataclass(frozen=True)
class EffectivePaths(Method):
    """`kept_blocks` blocks sampled for each mini-batch, the others dropped."""

    kept_blocks: int = factor(0, low=0, high=4096, meaning="blocks that a mini-batch trains")
    transitions: str = factor(
        "sampled",
        choices=("sampled", "kept"),
        meaning="whether blocks that change the shape are sampled or always kept",
    )
    rescale: str = factor("training", choices=RESCALE, meaning=RESCALE_MEANING)

    above_zero = ("kept_blocks",)

    def check(self, layout: Layout) -> None:
        shapes = layout.block_shapes()
        if self.kept_blocks > len(shapes):
            raise SweepError(f"kept_blocks is {self.kept_blocks}, but the network has {len(shapes)} blocks")
        changing = sum(shape.inputs != shape.outputs for shape in shapes)
        if self.transitions == "kept" and not changing:
            raise SweepError("transitions is 'kept', but no block changes the shape; leave it at 'sampled'")
        if self.transitions == "kept" and self.kept_blocks <= changing:
            raise SweepError(
                f"kept_blocks is {self.kept_blocks}, but takes more than the {changing} blocks that change the shape, "
                "which are always kept"
            )

    def start(self, network: "BlockNetwork", trial: "Trial", device: str) -> "EffectivePathsTraining":
        return EffectivePathsTraining(self, network, trial)

    @classmethod
    def describe(cls, row: Mapping[str, Any]) -> str:
        return f"{row['kept_blocks']} blocks a batch"


class EffectivePathsTraining:
    """Blocks drawn anew in every step."""

    def __init__(self, method: EffectivePaths, network: "BlockNetwork", trial: "Trial") -> None:
        self.trial, self.blocks = trial, len(network.blocks)
        shapes = [network.block(number).shape for number in range(self.blocks)]
        always = [number for number, shape in enumerate(shapes) if shape.inputs != shape.outputs]
        rescale: Any = method.rescale
        self.kept = models.KeptBlocks(
            method.kept_blocks, tuple(always) if method.transitions == "kept" else (), rescale
        )

    @property
    def evaluation(self) -> Intervention:
        return self.kept.evaluation(self.blocks)

    def step(self, number: int, batch: int) -> Step:
        return Step(self.kept.training(self.blocks, step_stream(self.trial, number)))
