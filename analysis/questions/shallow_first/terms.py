"""How much of what a network has learned its terms up to some order explain, by epoch: a Taylor view (P1, P3)."""

from dataclasses import dataclass

import numpy as np

from analysis.arrays import Array
from analysis.measurements import Network, Study, measured_study
from analysis.results import Results
from analysis.seeds import OverSeeds, over_seeds
from sweep.measures.base import LOSS
from sweep.measures.truncation import TRUNCATE

LEAST_LEARNED = 0.05
"""A network has to have learned this share of the loss of guessing for shares of it to mean anything. Ours."""


@dataclass(frozen=True)
class Terms(Network):
    """One network and training over its seeds, orders and epochs."""

    epoch: Array
    """(epochs,): 0 is before training, the last one its end."""
    order: Array
    """(orders,): sequential stages that are left; the highest is the whole network."""
    share: Array
    """(seeds, orders, epochs): loss of guessing minus that of the order, over the same of the whole; NaN where the
    whole has learned too little."""

    @property
    def over_seeds(self) -> OverSeeds:
        """The share, (orders, epochs)."""
        return over_seeds(self.share)

    @property
    def expands(self) -> bool:
        """Whether it can be truncated to its first order, and has others: its blocks have one shape."""
        return len(self.order) > 1 and self.order[0] == 1


def find_terms(results: Results, study: str) -> Study[Terms] | None:
    """The networks of a study that were truncated in training; None where there are none."""
    found = measured_study(
        results,
        study,
        "truncation",
        [TRUNCATE],
        usable=lambda found: bool(found.by("size", TRUNCATE, LOSS)),
        most="finetune_epochs",
        in_training=True,
    )
    return found and found.mapped(_over_epochs)


def _over_epochs(network: Network) -> Terms:
    epochs = network.epochs
    losses = [
        [each.course[epoch].by("size", TRUNCATE, LOSS) if epoch in each.course else {} for epoch in epochs]
        for each in network.seeds
    ]
    orders = sorted({order for course in losses for found in course for order in found})
    loss = np.array([[[found.get(order, np.nan) for found in course] for order in orders] for course in losses], float)
    guessing = np.log(network.trial["classes"] or np.nan)
    learned = guessing - loss
    whole = np.where(learned[:, -1:] >= LEAST_LEARNED * guessing, learned[:, -1:], np.nan)
    return Terms(**vars(network), epoch=np.array(epochs, float), order=np.array(orders, float), share=learned / whole)
