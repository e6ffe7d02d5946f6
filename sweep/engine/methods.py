"""Methods of training networks of blocks: what one optimiser step does to the blocks.

Every draw comes from a stream named by the trial's seed and the number of the step, so a training that is cut off goes
on as if it had not been.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from models import NO_INTERVENTION, BlockNetwork, DropPath, Intervention, KeptBlocks, frozen
from models.initialisation import stream_seed
from sweep.trial import Trial


@dataclass(frozen=True)
class Step:
    """One optimiser step: what is done to the blocks, and which of them alone are trained, if not all parameters."""

    intervention: Intervention = NO_INTERVENTION
    trained: frozenset[int] | None = None

    @contextmanager
    def freezing(self, network: BlockNetwork) -> Iterator[None]:
        """Within this context nothing but the trained blocks is trained."""
        if self.trained is None:
            yield
            return
        others = set(range(len(network.blocks))) - self.trained
        with frozen(network, others, outside=True):
            yield


class Method:
    """Plain training, and what the other methods share."""

    def __init__(self, trial: Trial, network: BlockNetwork, device: str) -> None:
        self.trial, self.device, self.blocks = trial, device, len(network.blocks)

    @property
    def evaluation(self) -> Intervention:
        """What is done to the network outside training."""
        return NO_INTERVENTION

    def step(self, number: int, batch: int) -> Step:
        """Optimiser step `number`, from 0, on a batch of so many images."""
        return Step()

    def generator(self, number: int) -> torch.Generator:
        """The stream of one draw of blocks."""
        return torch.Generator().manual_seed(stream_seed(self.trial.seed, f"{self.trial.method}/{number}"))


class DroppathTraining(Method):
    """Stochastic depth (1603.09382) and droppath: blocks dropped at random in every step."""

    def __init__(self, trial: Trial, network: BlockNetwork, device: str) -> None:
        super().__init__(trial, network, device)
        # The fields are checked against these very names.
        fields: dict[str, Any] = {"rates": trial.drop_rates, "per": trial.drop_per, "rescale": trial.rescale}
        self.droppath = DropPath(trial.drop_rate, **fields)

    @property
    def evaluation(self) -> Intervention:
        return self.droppath.evaluation(self.blocks)

    def step(self, number: int, batch: int) -> Step:
        return Step(self.droppath.training(self.blocks, batch, self.generator(number), self.device))


class ResidualDroppath(DroppathTraining):
    """ResidualDroppath (P5, 2411.09475): a droppath step, then steps that train the dropped blocks alone.

    The paper sets out the two iterations; all else is ours: one mask a batch, of one block drawn by the rates where it
    would drop none; then, with the same mask on the following batches, the whole network as it is evaluated, gradients
    passing through frozen blocks to the dropped ones, which alone are trained. Batch norms of all else keep their
    running statistics, and its momentum and weight decay stand still.
    """

    def step(self, number: int, batch: int) -> Step:
        cycle, place = divmod(number, 1 + self.trial.retrain_steps)
        generator = self.generator(cycle)
        intervention = self.droppath.training(self.blocks, batch, generator, self.device)
        if not intervention.dropped:
            rates = 1 - torch.tensor(self.droppath.survival(self.blocks), dtype=torch.float64)
            draw = torch.rand(1, dtype=torch.float64, generator=generator) * rates.sum()
            block = min(int(torch.searchsorted(rates.cumsum(0), draw)), self.blocks - 1)
            intervention = Intervention(gates={**intervention.gates, block: 0.0})
        return Step(self.evaluation, intervention.dropped) if place else Step(intervention)


class EffectivePaths(Method):
    """Training of paths of one length alone (P2): so many blocks sampled for each mini-batch."""

    def __init__(self, trial: Trial, network: BlockNetwork, device: str) -> None:
        super().__init__(trial, network, device)
        shapes = [network.block(number).shape for number in range(self.blocks)]
        always = [number for number, shape in enumerate(shapes) if shape.inputs != shape.outputs]
        rescale: Any = trial.rescale
        self.kept = KeptBlocks(trial.kept_blocks, tuple(always) if trial.transitions == "kept" else (), rescale)

    @property
    def evaluation(self) -> Intervention:
        return self.kept.evaluation(self.blocks)

    def step(self, number: int, batch: int) -> Step:
        return Step(self.kept.training(self.blocks, self.generator(number)))


TRAINED_BY: dict[str, Callable[[Trial, BlockNetwork, str], Method]] = {
    "plain": Method,
    "droppath": DroppathTraining,
    "residual-droppath": ResidualDroppath,
    "effective-paths": EffectivePaths,
}
"""Methods of `sweep.trial.METHODS`."""


def make_method(trial: Trial, network: BlockNetwork, device: str) -> Method:
    """The trial's method on its network."""
    return TRAINED_BY[trial.method](trial, network, device)
