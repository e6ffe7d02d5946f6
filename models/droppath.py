"""Training with blocks deleted at random: stochastic depth, droppath, and a fixed number of blocks kept."""

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
    """Drop probability of every block, or of the last block if the schedule is linear."""
    schedule: Literal["constant", "linear"] = "linear"
    """How the drop probability grows. `linear`: block l of L, counted from 1, has ``l / L * probability``."""
    per: Literal["sample", "batch"] = "sample"
    """Whether each sample draws its own gate or the whole batch shares one."""
    rescale: Literal["training", "evaluation"] = "training"
    """When to rescale branches so that their means agree: `training` divides a surviving branch by its survival
    probability, `evaluation` multiplies every branch by it."""

    def __post_init__(self) -> None:
        if not 0 <= self.probability < 1:
            raise ValueError(f"a drop probability must be at least 0 and below 1, not {self.probability}")

    def survival(self, blocks: int) -> tuple[float, ...]:
        """The survival probability of each of `blocks` blocks: 1 minus its drop probability."""
        if self.schedule == "constant":
            return (1 - self.probability,) * blocks
        return tuple(1 - self.probability * (block + 1) / blocks for block in range(blocks))

    def training(
        self, blocks: int, batch: int, generator: torch.Generator, device: torch.device | str = "cpu"
    ) -> Intervention:
        """Draws the gates of one training step: for each block a number, or (batch,) on `device`.

        The draws depend on the generator's device, not on the network's.
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
        return _evaluation(self.rescale, self.survival(blocks))


@dataclass(frozen=True)
class KeptBlocks:
    """Keeps exactly `count` blocks in each forward pass and deletes the others (P2, 1605.06431).

    It always keeps the blocks `always` and draws the rest. P2 does not mention rescaling, so `rescale` is ours, as for
    `DropPath`. Raises ValueError if `always` has more than `count` blocks, or a network fewer.
    """

    count: int
    always: tuple[int, ...] = ()
    rescale: Literal["training", "evaluation"] = "training"

    def __post_init__(self) -> None:
        if not len(self.always) <= self.count or self.count < 1:
            raise ValueError(f"{self.count} blocks cannot hold the {len(self.always)} that are always kept")

    def survival(self, blocks: int) -> tuple[float, ...]:
        """The probability that each of `blocks` blocks is kept."""
        if self.count > blocks:
            raise ValueError(f"{self.count} blocks cannot be kept of {blocks}")
        drawn = blocks - len(self.always)
        share = (self.count - len(self.always)) / drawn if drawn else 1.0
        return tuple(1.0 if block in self.always else share for block in range(blocks))

    def training(self, blocks: int, generator: torch.Generator) -> Intervention:
        """Draws the gates of one training step, which all samples share."""
        survival = self.survival(blocks)
        free = torch.tensor([block for block in range(blocks) if block not in self.always])
        order = torch.rand(len(free), dtype=torch.float64, generator=generator).argsort()
        kept = {*self.always, *free[order[: self.count - len(self.always)]].tolist()}
        scale = 1.0 if self.rescale == "evaluation" else None
        return Intervention(gates={b: (scale or 1 / survival[b]) if b in kept else 0.0 for b in range(blocks)})

    def evaluation(self, blocks: int) -> Intervention:
        """The intervention outside training: none, or every branch times its survival probability."""
        return _evaluation(self.rescale, self.survival(blocks))


def _evaluation(rescale: str, survival: tuple[float, ...]) -> Intervention:
    return NO_INTERVENTION if rescale == "training" else Intervention(gates=dict(enumerate(survival)))
