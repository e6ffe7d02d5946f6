"""The accuracy of subnetworks by the blocks that they keep, and when each has learned (P3)."""

from dataclasses import dataclass

import numpy as np

from analysis.arrays import Array
from analysis.measurements import Network, Study, measured_study
from analysis.questions.shallow_first.order import Order, over_sizes, reached, shuffled
from analysis.results import Results
from analysis.seeds import OverSeeds, over_seeds
from sweep.measures.base import ERROR
from sweep.measures.subnetworks import KEPT


@dataclass(frozen=True)
class Learning(Network):
    """One network and training over its seeds, sizes and epochs; a size is a number of blocks kept."""

    epoch: Array
    """(epochs,): 0 is before training, the last one its end."""
    size: Array
    """(sizes,)"""
    accuracy: Array
    """(seeds, sizes, epochs): mean over draws, NaN where nothing was measured."""
    learned: Array
    """(seeds, sizes): the epoch that the gain over guessing first reaches its goal at, NaN where it is too small."""
    stays: Array
    """(seeds, sizes): the epoch from which on it stays there."""
    order: Order

    @property
    def judged(self) -> bool:
        """Whether P3's claim is about it, and enough sizes have learned in any seed: sequential, trained plainly."""
        return self.is_plain and self.order.tau.n > 0

    @property
    def compared(self) -> int:
        """How many sizes have an order, in the seed with the fewest."""
        counts = np.isfinite(self.learned).sum(axis=1)
        return int(min(counts[counts > 0], default=0))

    @property
    def reference(self) -> float:
        """What 95 % of Kendall's taus of as many shuffled sizes do not exceed, either way."""
        return shuffled(self.compared)

    @property
    def error(self) -> Array:
        """(seeds,), of the whole network on validation images."""
        return 1 - np.array([each.trial["val_accuracy"] for each in self.seeds], float)

    @property
    def over_seeds(self) -> OverSeeds:
        """The epoch that each size has learned at, (sizes,)."""
        return over_seeds(self.learned)

    @property
    def ends(self) -> tuple[int, int] | None:
        """The places of the fewest and of the most blocks that have learned; None without.

        In every seed, or where there are none such, in as many as any size has.
        """
        seeds = np.isfinite(self.learned).sum(axis=0)
        known = np.flatnonzero(seeds == max(seeds, default=0)) if seeds.any() else seeds[:0]
        return (int(known[0]), int(known[-1])) if len(known) else None


def find_learning(results: Results, study: str) -> Study[Learning] | None:
    """The networks of a study whose subnetworks were measured in training; None where there are none."""
    found = measured_study(
        results,
        study,
        "subnetworks",
        [KEPT],
        usable=lambda found: bool(found.by("size", KEPT, ERROR)),
        most="subnetwork_draws",
        in_training=True,
    )
    return found and found.mapped(_over_epochs)


def _over_epochs(network: Network) -> Learning:
    epochs = network.epochs
    errors = [
        [each.course[epoch].by("size", KEPT, ERROR) if epoch in each.course else {} for epoch in epochs]
        for each in network.seeds
    ]
    sizes = sorted({size for course in errors for found in course for size in found})
    accuracy = np.array(
        [[[1 - found.get(size, np.nan) for found in course] for size in sizes] for course in errors], float
    )
    epoch, size = np.array(epochs, float), np.array(sizes, float)
    gain = accuracy - (1 - network.chance)
    learned, stays = np.moveaxis(np.array([[reached(epoch, each) for each in seed] for seed in gain]), 2, 0)
    return Learning(
        **vars(network),
        epoch=epoch,
        size=size,
        accuracy=accuracy,
        learned=learned,
        stays=stays,
        order=over_sizes(size, learned, stays),
    )
