"""Does retraining with dropped blocks make a trained network more robust? Lesions of retrained networks by arm (P5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis import equivalence as eq
from analysis.arms import Arm, Group
from analysis.measurements import Measured, read_rows
from analysis.results import Results
from analysis.seeds import OverSeeds, over_seeds, paired
from sweep.measures.base import ERROR
from sweep.measures.lesions import DELETE_ONE, DELETE_SOME, UNTREATED

Errors = dict[str, dict[str, dict[int, float]]]
"""Trial and measurement to mean error, a share of images, over blocks or draws, by number of deleted blocks."""


@dataclass(frozen=True)
class Robustness:
    """One retrained arm against another, paired by seed: differences in error, below zero the first is better.

    `untreated` is of whole networks, `one` of the mean over blocks after deleting each alone, `rise` of how far `one`
    lies above the whole network, `some` by how many random blocks are deleted.
    """

    group: str
    arm: str
    against: str
    method: str
    untreated: eq.Difference
    one: eq.Difference
    rise: eq.Difference
    some: Mapping[int, eq.Difference] = field(default_factory=dict)


@dataclass(frozen=True)
class LesionCurve:
    """One arm's error by number of deleted blocks, 0 for the whole network, 1 for each block alone, over seeds."""

    arm: str
    deleted: Sequence[int]
    error: OverSeeds


def lesion_errors(results: Results, groups: Sequence[Group]) -> Errors:
    """Mean errors under lesions of every trial of the groups."""
    trials = {row["trial_id"]: row for group in groups for arm in group.arms.values() for row in arm.rows.values()}
    measurements = (UNTREATED, DELETE_ONE, DELETE_SOME)
    found = read_rows(results, list(trials), measurements)
    networks = {name: Measured(trials[name], rows) for name, rows in found.items()}
    return {name: {each: of.by("size", each, ERROR) for each in measurements} for name, of in networks.items()}


def robustness(group: Group, errors: Errors) -> list[Robustness]:
    """Every contrast of a group of retrained networks of which both sides have lesions; none for fresh networks."""
    if not group.pretrain_epochs:
        return []
    found: list[Robustness] = []
    for arm, against in group.contrasts():
        sides = [_by_seed(errors, each) for each in (arm, against)]
        one = _difference(sides, DELETE_ONE, 1)
        if not one.n:
            continue
        sizes = sorted({size for seed in sides[0].values() for size in seed[DELETE_SOME]})
        some = {size: _difference(sides, DELETE_SOME, size) for size in sizes}
        found.append(
            Robustness(
                group=group.label,
                arm=arm.name,
                against=against.name,
                method=arm.method,
                untreated=_difference(sides, UNTREATED, 0),
                one=one,
                rise=paired(*map(_rise, sides)),
                some={size: difference for size, difference in some.items() if difference.n},
            )
        )
    return found


def lesion_curves(group: Group, errors: Errors) -> list[LesionCurve]:
    """The arms of a group that have lesions; of one deleted block the mean over all, which no draw betters."""
    curves: list[LesionCurve] = []
    for arm in group.arms.values():
        seeds = [seed[DELETE_SOME] | seed[UNTREATED] | seed[DELETE_ONE] for seed in _by_seed(errors, arm).values()]
        deleted = sorted({size for seed in seeds for size in seed})
        if deleted:
            table = np.array([[seed.get(size, np.nan) for size in deleted] for seed in seeds])
            curves.append(LesionCurve(arm.name, deleted, over_seeds(table)))
    return curves


_BySeed = dict[int, dict[str, dict[int, float]]]


def _by_seed(errors: Errors, arm: Arm) -> _BySeed:
    return {seed: errors[row["trial_id"]] for seed, row in arm.rows.items() if row["trial_id"] in errors}


def _difference(sides: Sequence[_BySeed], measurement: str, size: int) -> eq.Difference:
    return paired(*(_values(side, measurement, size) for side in sides))


def _values(side: _BySeed, measurement: str, size: int) -> dict[int, float]:
    """By seed."""
    return {seed: of[measurement][size] for seed, of in side.items() if size in of[measurement]}


def _rise(side: _BySeed) -> dict[int, float]:
    whole, one = _values(side, UNTREATED, 0), _values(side, DELETE_ONE, 1)
    return {seed: one[seed] - whole[seed] for seed in whole.keys() & one.keys()}
