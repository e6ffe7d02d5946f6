"""Do subnetworks of few blocks learn first where no size does? How often a few seeds say so (P3's claim).

Networks of a few seeds are drawn in which no size learns earlier than another: as epochs to learn, or as curves of
gains, from which these epochs are read as the report reads them. `analysis.questions.shallow_first.order` judges them.
Beside its rule the rates of what it does not rest on are counted: of one seed's Kendall's tau outside of the shuffled
ones, and of taus over seeds alone. Two kinds of networks are compared by Welch's t, as the report compares their
lengths of paths. Exit status 1 where a rule errs in more than 5 %, except where `LIMITS` says why.

    python -m benchmarks.simulation.learning_order [--json FILE] [--draws 4000] [--processes 2]
"""

import argparse
import json
import math
import multiprocessing
import operator
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.claims import signs
from analysis.questions.shallow_first.order import kendall_tau, over_sizes, reached, shown, shuffled
from analysis.seeds import contrast
from benchmarks.simulation.__main__ import show
from benchmarks.simulation.few_seeds import NOMINAL, Noise, lognormal
from benchmarks.simulation.generator import Array, normal

SEEDS, SIZES = (3, 5), (3, 5, 13)
_SEED = 2028
_BLOCKS, _EPOCHS = 54, 40
LIMITS = {
    "a trend of its own, skewed": "orders of few seeds that are far skewed around none do not show their skew",
}
"""Where the rule may err more often, and why. Each was declared after it was seen in this simulation."""

Learned = tuple[Array, Array]
"""Epochs at which a gain first reaches its goal, and from which on it stays there, (seeds, sizes)."""
Draw = Callable[[np.random.Generator, int, Array], Learned]


def _epochs(noise: Noise) -> Draw:
    """Epochs with noise shared by a seed's sizes, and as much of each alone, whose order is thus exchangeable."""

    def draw(rng: np.random.Generator, seeds: int, size: Array) -> Learned:
        own = 20 + 3 * rng.normal(size=(seeds, 1)) + 3 * noise(rng, (seeds, len(size)))
        return own, own + rng.exponential(size=own.shape)

    return draw


def _neighbours(rng: np.random.Generator, seeds: int, size: Array) -> Learned:
    """Each size correlates with its neighbours by 0.9."""
    values = np.empty((seeds, len(size)))
    values[:, 0] = rng.normal(size=seeds)
    for place in range(1, len(size)):
        values[:, place] = 0.9 * values[:, place - 1] + math.sqrt(1 - 0.81) * rng.normal(size=seeds)
    return 20 + 3 * values, 21 + 3 * values


def _trends(noise: Noise) -> Draw:
    """Each seed has an order of its own, early or late with the size, which is none over seeds."""

    def draw(rng: np.random.Generator, seeds: int, size: Array) -> Learned:
        own = 20 + 3 * noise(rng, (seeds, 1)) * size / _BLOCKS + 0.3 * rng.normal(size=(seeds, len(size)))
        return own, own + rng.exponential(size=own.shape)

    return draw


def _tied(rng: np.random.Generator, seeds: int, size: Array) -> Learned:
    """Whole epochs, of few values."""
    own, stays = _epochs(normal)(rng, seeds, size)
    return np.round(own / 3), np.round(stays / 3)


def _later(rng: np.random.Generator, seeds: int, size: Array) -> Learned:
    """The truth for power: from no block to all, epochs rise by four times their noise."""
    own, stays = _epochs(normal)(rng, seeds, size)
    rise = 12 * size / _BLOCKS
    return own + rise, stays + rise


def _curves(alone: float, shared: float, in_proportion: bool) -> Draw:
    """Curves of one shape in all sizes, whose gains end between 0.06 and 0.8, under a constant learning rate.

    Accuracies fluctuate from epoch to epoch: `alone` by size, `shared` by all sizes of a seed; in proportion to the
    gain, or by so much accuracy whatever the gain.
    """

    def draw(rng: np.random.Generator, seeds: int, size: Array) -> Learned:
        epoch = np.arange(_EPOCHS + 1.0)
        gain = np.linspace(0.06, 0.8, len(size))[:, None]
        rate = 8 * np.exp(0.2 * rng.normal(size=(seeds, 1, 1)))
        noise = alone * rng.normal(size=(seeds, len(size), len(epoch)))
        noise = noise + shared * rng.normal(size=(seeds, 1, len(epoch)))
        curves = gain * (1 - np.exp(-epoch / rate)) + (gain * noise if in_proportion else noise)
        found = np.array([[reached(epoch, each) for each in seed] for seed in curves])
        return found[..., 0], found[..., 1]

    return draw


DRAWS: dict[str, Draw] = {
    "exchangeable": _epochs(normal),
    "exchangeable, skewed": _epochs(lognormal),
    "exchangeable, tied": _tied,
    "neighbours alike": _neighbours,
    "a trend of its own in each seed": _trends(normal),
    "a trend of its own, skewed": _trends(lognormal),
    "curves, fluctuation in proportion": _curves(0.03, 0.0, True),
    "curves, fluctuation shared": _curves(0.01, 0.05, True),
    "curves, small gains fluctuate most": _curves(0.005, 0.0, False),
    "curves, small gains fluctuate wildly": _curves(0.01, 0.01, False),
}
POWER = "later by four times the noise"


@dataclass(frozen=True)
class LearningOrder:
    """Many experiments with so many sizes and seeds."""

    scenario: str
    sizes: int
    seeds: int
    draws: int

    def __call__(self) -> list[dict]:
        """A row for each rate."""
        rng = np.random.default_rng([_SEED, zlib.crc32(f"{self.scenario} {self.sizes} {self.seeds}".encode())])
        draw = _later if self.scenario == POWER else DRAWS[self.scenario]
        size, bound = np.round(np.linspace(0, _BLOCKS, self.sizes)), shuffled(self.sizes)
        found = np.zeros(3)
        for _ in range(self.draws):
            learned, stays = draw(rng, self.seeds, size)
            order = over_sizes(size, learned, stays)
            (tau,), (rule,) = signs([order.tau]), shown([order])
            # What fluctuates below the least gain is no size.
            known = np.isfinite(learned[0])
            beyond = abs(kendall_tau(size[known], learned[0][known])) > bound + 1e-9
            found += beyond, tau != 0, rule != 0
        names = ("one seed's tau beyond the shuffled", "taus alone", "the rule")
        return [self._row(name, rate) for name, rate in zip(names, (found / self.draws).tolist(), strict=True)]

    def _row(self, measure: str, rate: float) -> dict:
        row = {"kind": "learning order", "scenario": f"{self.scenario}, {self.sizes} sizes", "configurations": 1}
        return row | {"seeds": self.seeds} | _judged(self.scenario, measure, rate, self.draws)


ARMS = {
    "normal": (normal, 1, normal, 1),
    "one kind three times as wide": (normal, 3, normal, 1),
    "lognormal against normal": (lognormal, 1, normal, 1),
    "lognormal, one kind three times as wide": (lognormal, 3, lognormal, 1),
}


@dataclass(frozen=True)
class TwoKinds:
    """Many experiments of two kinds of network, with so many seeds of either and one mean."""

    arms: str
    seeds: int
    draws: int

    def __call__(self) -> list[dict]:
        """A row for the rate."""
        rng = np.random.default_rng([_SEED, zlib.crc32(f"{self.arms} {self.seeds}".encode())])
        first, one, second, other = ARMS[self.arms]
        shape = (self.draws, self.seeds)
        sides = zip(one * first(rng, shape), other * second(rng, shape), strict=True)
        rate = sum(signs([contrast(each, (1, -1))]) != [0] for each in sides) / self.draws
        row = {"kind": "two kinds", "scenario": self.arms, "configurations": 1, "seeds": self.seeds}
        return [row | _judged(self.arms, "the rule", rate, self.draws)]


def _judged(scenario: str, measure: str, rate: float, draws: int) -> dict:
    row = {"measure": measure, "rate": round(rate, 5), "draws": draws}
    if measure != "the rule" or scenario == POWER:
        return row
    off = rate > NOMINAL + 3 * math.sqrt(NOMINAL * (1 - NOMINAL) / draws)
    limit = {"limit": LIMITS[scenario]} if off and scenario in LIMITS else {}
    return row | {"nominal": NOMINAL, "off": bool(off)} | limit


def main() -> None:
    """Run all cells, print their tables, and exit with 1 where a rate is off without a reason."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the rates to this file")
    parser.add_argument("--draws", type=int, default=4000, help="experiments per cell (4000)")
    parser.add_argument("--processes", type=int, default=2, help="processes (2)")
    options = parser.parse_args()
    began = time.perf_counter()
    orders = [(name, sizes, seeds) for name in (*DRAWS, POWER) for sizes in SIZES for seeds in SEEDS]
    plan = [LearningOrder(*each, options.draws) for each in orders]
    kinds = [TwoKinds(arms, seeds, options.draws) for arms in ARMS for seeds in SEEDS]
    with multiprocessing.Pool(options.processes) as pool:
        rows = [row for found in pool.imap(operator.call, [*plan, *kinds], chunksize=1) for row in found]
    show(rows)
    broken = [row for row in rows if row.get("off") and "limit" not in row]
    print(f"{len(plan) + len(kinds)} cells; {time.perf_counter() - began:.0f} s. {len(broken)} rates off.")
    if options.json:
        lines = ",\n".join(json.dumps(row) for row in rows)
        options.json.write_text(f'{{"seed": {_SEED}, "draws": {options.draws}, "rows": [\n{lines}\n]}}\n')
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
