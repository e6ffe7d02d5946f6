"""Stochastic depth and droppath: training with blocks deleted at random."""

from dataclasses import dataclass
from typing import Literal

import torch

from models.intervention import NO_INTERVENTION, Gate, Intervention


@dataclass(frozen=True)
class DropPath:
    """Deletes each block at random in each forward pass. Raises ValueError for a probability outside [0, 1).

    - Stochastic depth of Huang et al. (1603.09382): ``DropPath(0.5, "linear", "batch", rescale="evaluation")``.
    - Droppath as torchvision's `StochasticDepth`: ``rescale="training"``, with `per` as its mode "row" or "batch".
    """

    probability: float
    """Drop probability of every block, or of the last one where the schedule is linear."""
    schedule: Literal["constant", "linear"] = "linear"
    """Drop probabilities over the blocks. `linear`: block l of L, counted from 1, has ``l / L * probability``."""
    per: Literal["sample", "batch"] = "sample"
    """Whether a gate is drawn for each sample or for the whole batch."""
    rescale: Literal["training", "evaluation"] = "training"
    """When branches are rescaled so that their means agree: in training a branch that survives is divided by its
    survival probability, or in evaluation every branch is multiplied by it."""

    def __post_init__(self) -> None:
        if not 0 <= self.probability < 1:
            raise ValueError(f"a drop probability is at least 0 and below 1, not {self.probability}")

    def survival(self, blocks: int) -> tuple[float, ...]:
        """The survival probability of each of `blocks` blocks: one less its drop probability."""
        if self.schedule == "constant":
            return (1 - self.probability,) * blocks
        return tuple(1 - self.probability * (block + 1) / blocks for block in range(blocks))

    def training(
        self, blocks: int, batch: int, generator: torch.Generator, device: torch.device | str = "cpu"
    ) -> Intervention:
        """Draws the gates of one training step, a number or (batch,) on `device` for each block.

        The draws are those of the generator's device, whatever the network's.
        """
        survival = torch.tensor(self.survival(blocks), dtype=torch.float64)
        columns = batch if self.per == "sample" else 1
        draws = torch.rand(blocks, columns, dtype=torch.float64, generator=generator, device=generator.device)
        gates = (draws.cpu() < survival[:, None]).double()
        if self.rescale == "training":
            gates = gates / survival[:, None]
        rows: list[Gate] = gates[:, 0].tolist() if self.per == "batch" else list(gates.float().to(device))
        return Intervention(gates=dict(enumerate(rows)))

    def evaluation(self, blocks: int) -> Intervention:
        """The intervention outside training: none, or every branch times its survival probability."""
        if self.rescale == "training":
            return NO_INTERVENTION
        return Intervention(gates=dict(enumerate(self.survival(blocks))))


@dataclass(frozen=True)
class KeptBlocks:
    """Keeps exactly `count` blocks in each forward pass and deletes the others (P2, 1605.06431).

    The blocks `always` are kept every time, the rest is drawn. P2 says nothing of rescaling, so it is ours: in training
    a branch that is kept is divided by its chance of being kept, or in evaluation every branch is multiplied by it.
    Raises ValueError where there are more `always` than `count`, or where a network has fewer blocks than `count`.
    """

    count: int
    always: tuple[int, ...] = ()
    rescale: Literal["training", "evaluation"] = "training"

    def __post_init__(self) -> None:
        if not len(self.always) <= self.count or self.count < 1:
            raise ValueError(f"{self.count} blocks cannot hold the {len(self.always)} that are always kept")

    def chance(self, blocks: int) -> tuple[float, ...]:
        """The chance of being kept of each of `blocks` blocks."""
        if self.count > blocks:
            raise ValueError(f"{self.count} blocks cannot be kept of {blocks}")
        drawn = blocks - len(self.always)
        share = (self.count - len(self.always)) / drawn if drawn else 1.0
        return tuple(1.0 if block in self.always else share for block in range(blocks))

    def training(self, blocks: int, generator: torch.Generator) -> Intervention:
        """Draws the gates of one training step, the same for all samples."""
        chance = self.chance(blocks)
        free = torch.tensor([block for block in range(blocks) if block not in self.always])
        order = torch.rand(len(free), dtype=torch.float64, generator=generator).argsort()
        kept = {*self.always, *free[order[: self.count - len(self.always)]].tolist()}
        scale = 1.0 if self.rescale == "evaluation" else None
        return Intervention(gates={b: (scale or 1 / chance[b]) if b in kept else 0.0 for b in range(blocks)})

    def evaluation(self, blocks: int) -> Intervention:
        """The intervention outside training: none, or every branch times its chance of being kept."""
        if self.rescale == "training":
            return NO_INTERVENTION
        return Intervention(gates=dict(enumerate(self.chance(blocks))))
