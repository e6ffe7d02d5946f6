"""At which learning rates does a network still train? Seeds by rate, and whether projected networks train at more.

A trial has trained where it finished with an error clearly below that of guessing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any

from analysis.equivalence.mean import Difference
from analysis.networks import PLAIN, Row, labels
from analysis.pairs import STATUSES
from analysis.questions.norm_preservation.projection import is_projected, training_key, twin
from analysis.questions.norm_preservation.summary import UNLEARNED
from analysis.seeds import LEAST_SEEDS
from sweep.ledger import method_factors, training_factors

RATE = "learning_rate"

Stratum = tuple[int, int, int, int]
"""How many of how many train on one side, and how many of how many on the other."""


@dataclass(frozen=True)
class Ladder:
    """One network and method at several learning rates: a trial by rate and seed."""

    label: str
    rows: Mapping[float, Mapping[int, Row]]

    @property
    def first(self) -> Row:
        """One of its trials, which differ in their rate and seed alone."""
        return next(iter(next(iter(self.rows.values())).values()))

    def count(self, rate: float) -> tuple[int, int, int]:
        """How many seeds train at a rate, of how many, and how many of these failed or are missing."""
        rows = self.rows.get(rate, {}).values()
        lacking = sum(row["status"] not in ("finished", "diverged") for row in rows)
        return sum(map(trains, rows)), len(rows), lacking

    @property
    def largest(self) -> float:
        """The largest rate at which all seeds train, NaN where there is none."""
        whole = [rate for rate in self.rows if self.count(rate)[0] == self.count(rate)[1]]
        return max(whole, default=math.nan)


@dataclass(frozen=True)
class Counted(Difference):
    """A difference of counts with its exact p-value; `n` is the fewest seeds of a side at a rate in dispute."""

    exact: float = math.nan

    @property
    def p(self) -> float:
        """Two-sided."""
        return self.exact


@dataclass(frozen=True)
class Dispute:
    """A projected network against a plain one, at the rates at which some of their seeds train and some do not."""

    projected: Ladder
    plain: Ladder
    rates: tuple[float, ...]
    test: Counted
    lacking: int


def trains(row: Row) -> bool:
    """Whether a trial finished with an error below 0.9 of that of guessing."""
    guessing = 1 - 1 / (row["classes"] or math.nan)
    return row["status"] == "finished" and 1 - (row["val_accuracy"] or 0) < UNLEARNED * guessing


def ladders(trials: Sequence[Row]) -> list[Ladder]:
    """The networks and methods of a study that were trained at several learning rates, in its order."""
    # Where one training was run for several measures, the trial that came furthest.
    rows = sorted(trials, key=lambda row: (STATUSES.index(row["status"]), row["trial_id"]))
    names = [name for name in training_factors() if name not in (RATE, "seed")]
    known: dict[tuple[Any, ...], dict[float, dict[int, Row]]] = {}
    said: dict[tuple[Any, ...], str] = {}
    for row, label in zip(rows, labels([{**row, RATE: 0.0} for row in rows]), strict=True):
        key = tuple(row[name] for name in names)
        said.setdefault(key, label)
        known.setdefault(key, {}).setdefault(row[RATE], {}).setdefault(row["seed"], row)
    found = [Ladder(said[key], dict(sorted(rates.items()))) for key, rates in known.items() if len(rates) > 1]
    return sorted(found, key=lambda each: (each.first["network"], each.first["depth"], each.label))


def disputes(found: Sequence[Ladder]) -> list[Dispute]:
    """Every projected network against its like that was trained plainly, and against its plain twin."""
    made: list[Dispute] = []
    free = (*method_factors(), RATE)
    for each in filter(lambda ladder: is_projected(ladder.first), found):
        key = training_key(each.first, free)
        alike = (of for of in found if of.first["method"] == PLAIN and training_key(of.first, free) == key)
        made += [_dispute(each, of, by_seed=True) for of in alike]
        place = twin(each.first, [of.first for of in found], (RATE,))
        if place is not None:
            made.append(_dispute(each, found[place], by_seed=False))
    return made


def _dispute(one: Ladder, two: Ladder, by_seed: bool) -> Dispute:
    shared = [rate for rate in one.rows if rate in two.rows]
    rates = tuple(rate for rate in shared if len(set(map(trains, _rows(one, two, rate)))) > 1)
    strata: list[Stratum] = []
    seeds: list[int] = []
    for rate in rates:
        sides = one.rows[rate], two.rows[rate]
        if by_seed:
            both = sorted(sides[0].keys() & sides[1].keys())
            strata += [(int(trains(sides[0][seed])), 1, int(trains(sides[1][seed])), 1) for seed in both]
            seeds.append(len(both))
        else:
            strata.append((*one.count(rate)[:2], *two.count(rate)[:2]))
            seeds.append(min(map(len, sides)))
    # Beyond what is expected of as many seeds that train on both sides.
    more = sum(first - (first + second) * of / (of + other) for first, of, second, other in strata)
    lacking = sum(each.count(rate)[2] for each in (one, two) for rate in shared)
    test = Counted(float(more), n=min(seeds, default=0), exact=exact(strata))
    return Dispute(one, two, rates, test, lacking)


def _rows(one: Ladder, two: Ladder, rate: float) -> list[Row]:
    return [*one.rows[rate].values(), *two.rows[rate].values()]


def exact(strata: Sequence[Stratum]) -> float:
    """Two-sided p that two sides train equally often, given how many of both do in each stratum; NaN without any.

    Fisher's test over strata (Cochran, Mantel and Haenszel's, by its exact distribution): twice the smaller tail. Where
    a stratum is a pair, it is the sign test of pairs that disagree (McNemar 1947).
    """
    if not strata:
        return math.nan
    chances = reduce(_sum, map(_hypergeometric, strata), {0: Fraction(1)})
    seen = sum(first for first, *_ in strata)
    tails = (
        sum(chance for value, chance in chances.items() if value <= seen),
        sum(chance for value, chance in chances.items() if value >= seen),
    )
    return float(min(2 * min(tails), 1))


def _hypergeometric(stratum: Stratum) -> dict[int, Fraction]:
    """The chance of each number that trains on the first side, given how many do on both."""
    first, of_first, second, of_second = stratum
    trained, every = first + second, math.comb(of_first + of_second, first + second)
    return {
        value: Fraction(math.comb(of_first, value) * math.comb(of_second, trained - value), every)
        for value in range(max(0, trained - of_second), min(of_first, trained) + 1)
    }


def _sum(one: Mapping[int, Fraction], two: Mapping[int, Fraction]) -> dict[int, Fraction]:
    """The distribution of the sum of two independent counts."""
    found: dict[int, Fraction] = {}
    for first, chance in one.items():
        for second, other in two.items():
            found[first + second] = found.get(first + second, Fraction(0)) + chance * other
    return found


def enough(dispute: Dispute) -> bool:
    """Whether a dispute is over enough seeds, all of which have ended."""
    return dispute.test.n >= LEAST_SEEDS and not dispute.lacking
