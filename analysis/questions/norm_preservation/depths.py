"""Do more blocks keep the norm better? Networks that differ in depth alone, and the shape of the published bound.

P4 bounds how far a block changes the gradient's norm by d = c log(2L) / L, where L is the number of blocks. A spread of
log ratios that falls as the bound does has a slope of 1 on the logarithm of log(2L) / L.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from analysis.arrays import Array
from analysis.equivalence.mean import UNDEFINED, Difference
from analysis.networks import has_skips
from analysis.questions.norm_preservation.summary import NetworkNorms
from analysis.seeds import contrast
from sweep.ledger import training_factors

LEAST_DEPTHS = 3
"""Fewer depths do not show a shape."""
_DEPTH = ("depth", "stages", "seed")


@dataclass(frozen=True)
class Depths:
    """Sequential networks with skip connections that differ in depth alone, the shallowest first."""

    networks: tuple[NetworkNorms, ...]

    @property
    def label(self) -> str:
        """The two ends in words."""
        return f"{self.networks[0].label} to {self.networks[-1].label}"

    @property
    def blocks(self) -> Array:
        """The number of blocks of each, (networks,)."""
        return np.array([each.depth for each in self.networks])

    @cached_property
    def change(self) -> Difference:
        """Log spread of the deepest minus that of the shallowest; draws of two depths are independent."""
        return contrast([_log(self.networks[0].spread), _log(self.networks[-1].spread)], (-1, 1))

    @cached_property
    def distance(self) -> Difference:
        """Log distance from keeping the norm, of the deepest minus that of the shallowest."""
        return contrast([_log(self.networks[0].distance), _log(self.networks[-1].distance)], (-1, 1))

    @cached_property
    def slope(self) -> Difference:
        """The slope of the log spread on the bound's logarithm over the depths; none below three of them.

        Depths weigh alike, and the error is that of new seeds of these depths.
        """
        if len(self.networks) < LEAST_DEPTHS:
            return Difference(UNDEFINED)
        x = np.log(bound(self.blocks))
        x = x - x.mean()
        return contrast([_log(each.spread) for each in self.networks], (x / (x @ x)).tolist())


def bound(blocks: ArrayLike) -> Array:
    """The published bound but for its constant, log(2L) / L, of networks with L blocks."""
    count = np.asarray(blocks, dtype=float)
    return np.log(2 * count) / count


def by_depth(networks: Sequence[NetworkNorms]) -> list[Depths]:
    """Every set of networks of two or more depths that agree in all else, and have a spread.

    The set whose deepest network has the lowest error comes first.
    """
    shown = [each for each in networks if each.trial["architecture"] == "sequential" and has_skips(each.trial)]
    shown = [each for each in shown if np.isfinite(_log(each.spread)).any()]
    names = [name for name in training_factors() if name not in _DEPTH]

    groups: dict[tuple[Any, ...], list[NetworkNorms]] = {}
    for each in shown:
        groups.setdefault(tuple(each.trial[name] for name in names), []).append(each)
    sets = (tuple(sorted(group, key=lambda each: each.depth)) for group in groups.values())
    found = [Depths(each) for each in sets if each[0].depth < each[-1].depth]
    return sorted(found, key=lambda of: np.nan_to_num(of.networks[-1].error.value, nan=np.inf))


def _log(spread: Array) -> Array:
    """Logarithms, NaN where there is no spread."""
    return np.log(np.where(spread > 0, spread, np.nan))
