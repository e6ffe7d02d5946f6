"""Losses and errors of trained networks, truncated to each order (P1: the first order is x + sum F_i(x))."""

from dataclasses import dataclass

import numpy as np

from analysis.arrays import Array
from analysis.equivalence.mean import Difference
from analysis.measurements import Network, Study, measured_study
from analysis.results import Results
from analysis.seeds import OverSeeds, over_seeds, over_zero
from sweep.measures.base import ERROR, LOSS
from sweep.measures.truncation import FINETUNED, TRUNCATE

KINDS = {TRUNCATE: "as trained", FINETUNED: "fine-tuned"}
"""Measurements, and what they are called."""


@dataclass(frozen=True)
class Orders:
    """Figures over seeds by order, which is how many stages are left: arrays of (orders,)."""

    order: Array
    loss: OverSeeds
    error: OverSeeds
    lowest: Difference
    """The log ratio of the loss at the lowest order to that at the highest, over seeds, against zero."""


@dataclass(frozen=True)
class TruncatedNetwork(Network):
    """All seeds of one network and method; `loss` is that of the whole network, `orders` are by `KINDS`."""

    loss: OverSeeds
    orders: dict[str, Orders]

    @property
    def lower(self) -> dict[str, Orders]:
        """The orders of each kind that has more than one; a parallel network has not, it is its own truncation."""
        return {kind: orders for kind, orders in self.orders.items() if len(orders.order) > 1}


def find_truncations(results: Results, study: str) -> Study[TruncatedNetwork] | None:
    """The truncated networks of a study; None where there are none."""
    found = measured_study(results, study, "truncation", list(KINDS), most="lesion_draws")
    return found and found.mapped(_network)


def _network(network: Network) -> TruncatedNetwork:
    orders: dict[str, Orders] = {}
    for kind in KINDS:
        (sizes, errors), (finite, losses) = (network.over("size", kind, metric) for metric in (ERROR, LOSS))
        if sizes:
            # An order may have errors and, where it diverges, no loss.
            every = np.full(errors.shape, np.nan)
            every[:, np.searchsorted(sizes, finite)] = losses
            lowest = over_zero(np.log(every[:, 0]) - np.log(every[:, -1]))
            orders[kind] = Orders(np.array(sizes), over_seeds(every), over_seeds(errors), lowest)
    loss = over_seeds([each.trial["val_loss"] for each in network.seeds])
    return TruncatedNetwork(**vars(network), loss=loss, orders=orders)
