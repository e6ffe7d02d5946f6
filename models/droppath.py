"""Stochastic depth and droppath: blocks deleted at random in training."""

from dataclasses import dataclass
from typing import Literal

import torch

from models.intervention import NO_INTERVENTION, Gate, Intervention


@dataclass(frozen=True)
class DropPath:
    """Each block is deleted at random in each forward pass. Raises ValueError for a rate outside [0, 1).

    - Stochastic depth of Huang et al. (1603.09382): ``DropPath(0.5, "linear", "batch", rescale="evaluation")``.
    - Droppath as torchvision's `StochasticDepth`: ``rescale="training"``, with `per` as its mode "row" or "batch".
    """

    rate: float
    """Death rate: of every block, or of the last where rates are linear."""
    rates: Literal["constant", "linear"] = "linear"
    """`linear`: block l of L, counted from 1, has death rate l / L * rate."""
    per: Literal["sample", "batch"] = "sample"
    """Whether a gate is drawn for each sample or for the whole batch."""
    rescale: Literal["training", "evaluation"] = "training"
    """Where the mean is kept: a surviving branch divided by its survival probability in training, or every branch
    multiplied by it in evaluation."""

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise ValueError(f"a death rate is at least 0 and below 1, not {self.rate}")

    def survival(self, blocks: int) -> tuple[float, ...]:
        """Survival probability of each of `blocks` blocks."""
        if self.rates == "constant":
            return (1 - self.rate,) * blocks
        return tuple(1 - self.rate * (block + 1) / blocks for block in range(blocks))

    def training(
        self, blocks: int, batch: int, generator: torch.Generator, device: torch.device | str = "cpu"
    ) -> Intervention:
        """Gates drawn for one training step, placed on `device`.

        The stream of draws does not depend on the device of the network.
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
        """What is done outside training: nothing, or every branch times its survival probability."""
        if self.rescale == "training":
            return NO_INTERVENTION
        return Intervention(gates=dict(enumerate(self.survival(blocks))))


@dataclass(frozen=True)
class KeptBlocks:
    """Exactly `count` blocks kept in each forward pass, the others deleted (P2, 1605.06431).

    The blocks `always` are among them; the rest is drawn. Scaling is ours, as P2 says nothing of it: a drawn branch is
    divided by its chance of being kept in training, or every such branch multiplied by it in evaluation. Raises
    ValueError where there are more `always` than `count`, or with a network of fewer blocks than `count`.
    """

    count: int
    always: tuple[int, ...] = ()
    rescale: Literal["training", "evaluation"] = "training"

    def __post_init__(self) -> None:
        if not len(self.always) <= self.count or self.count < 1:
            raise ValueError(f"{self.count} blocks cannot hold the {len(self.always)} that are always kept")

    def chance(self, blocks: int) -> tuple[float, ...]:
        """The chance of each of `blocks` blocks of being kept."""
        if self.count > blocks:
            raise ValueError(f"{self.count} blocks cannot be kept of {blocks}")
        drawn = blocks - len(self.always)
        share = (self.count - len(self.always)) / drawn if drawn else 1.0
        return tuple(1.0 if block in self.always else share for block in range(blocks))

    def training(self, blocks: int, generator: torch.Generator) -> Intervention:
        """Gates drawn for one training step, the same for all samples."""
        chance = self.chance(blocks)
        free = torch.tensor([block for block in range(blocks) if block not in self.always])
        order = torch.rand(len(free), dtype=torch.float64, generator=generator).argsort()
        kept = {*self.always, *free[order[: self.count - len(self.always)]].tolist()}
        scale = 1.0 if self.rescale == "evaluation" else None
        return Intervention(gates={b: (scale or 1 / chance[b]) if b in kept else 0.0 for b in range(blocks)})

    def evaluation(self, blocks: int) -> Intervention:
        """What is done outside training: nothing, or every branch times its chance of being kept."""
        return (
            NO_INTERVENTION if self.rescale == "training" else Intervention(gates=dict(enumerate(self.chance(blocks))))
        )
