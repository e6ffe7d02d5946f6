"""Figures of trained networks by the order that they are truncated to (P1: the first order is x + sum F_i(x))."""

from dataclasses import dataclass

import numpy as np

from analysis.arrays import Array
from analysis.equivalence import Difference
from analysis.measurements import Network, Study, measured_study
from analysis.results import Results
from analysis.seeds import OverSeeds, over_seeds, over_zero
from sweep.measures.base import ERROR, LOSS
from sweep.measures.truncation import FINETUNED, TRUNCATE

KINDS = {TRUNCATE: "as trained", FINETUNED: "fine-tuned"}
"""Measurements, and what they are called."""


@dataclass(frozen=True)
class Orders:
    """Figures by order, the number of stages that blocks are left in, over seeds: arrays of (orders,)."""

    order: Array
    loss: OverSeeds
    error: OverSeeds


@dataclass(frozen=True)
class TruncatedNetwork(Network):
    """All seeds of one network and method; `loss` is the untruncated network's, `orders` are by `KINDS`."""

    loss: OverSeeds
    orders: dict[str, Orders]
    lowest: dict[str, Difference]
    """By kind, the log ratio of the loss at the lowest order to that of the highest, over seeds, against zero."""

    @property
    def lower(self) -> dict[str, Orders]:
        """Those with a lower order: a parallel network is its own truncation."""
        return {kind: orders for kind, orders in self.orders.items() if len(orders.order) > 1}


def find_truncations(results: Results, study: str) -> Study[TruncatedNetwork] | None:
    """Figures by order of the networks of a study; None where none of it has been truncated."""
    found = measured_study(results, study, "truncation", list(KINDS), most="lesion_draws")
    return found and found.mapped(_network)


def _network(network: Network) -> TruncatedNetwork:
    orders: dict[str, Orders] = {}
    lowest: dict[str, Difference] = {}
    for kind in KINDS:
        (sizes, errors), (finite, losses) = (network.over("size", kind, metric) for metric in (ERROR, LOSS))
        if sizes:
            # An order may have errors and, where it diverges, no loss.
            every = np.full(errors.shape, np.nan)
            every[:, np.searchsorted(sizes, finite)] = losses
            orders[kind] = Orders(np.array(sizes), over_seeds(every), over_seeds(errors))
            lowest[kind] = over_zero(np.log(every[:, 0]) - np.log(every[:, -1]))
    loss = over_seeds([each.trial["val_loss"] for each in network.seeds])
    return TruncatedNetwork(**vars(network), loss=loss, orders=orders, lowest=lowest)
