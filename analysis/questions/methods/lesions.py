"""Does retraining with dropped blocks make a trained network more robust? Lesions of retrained networks by arm (P5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis import equivalence as eq
from analysis.arms import Arm, Group
from analysis.paired import paired
from analysis.results import Results
from analysis.seeds import OverSeeds, over_seeds

Errors = Mapping[str, Mapping[tuple[str, int], float]]
"""Trial to (measurement, blocks deleted) to mean error, a share of images, over blocks or draws."""


_WHOLE, _ONE, _SOME = ("untreated", 0), ("delete-one", 1), "delete-some"


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
    some: Mapping[int, eq.Difference]


@dataclass(frozen=True)
class LesionCurve:
    """One arm's error by number of deleted blocks, 0 for the whole network, 1 for each block alone, over seeds."""

    arm: str
    deleted: Sequence[int]
    error: OverSeeds


def lesion_errors(results: Results, groups: Sequence[Group]) -> Errors:
    """Mean errors under lesions of every trial of the groups."""
    trials = [row["trial_id"] for group in groups for arm in group.arms.values() for row in arm.rows.values()]
    wanted = pc.field("measurement").isin(["untreated", "delete-one", "delete-some"]) & (pc.field("metric") == "error")
    rows = results.table(
        "measurements",
        ["trial_id", "measurement", "size", "value"],
        wanted & pc.field("trial_id").isin(pa.array(trials, pa.string())),
    )
    means = rows.group_by(["trial_id", "measurement", "size"]).aggregate([("value", "mean")])
    found: dict[str, dict[tuple[str, int], float]] = {}
    for row in means.to_pylist():
        if row["value_mean"] is not None:
            found.setdefault(row["trial_id"], {})[row["measurement"], row["size"]] = row["value_mean"]
    return found


def robustness(group: Group, errors: Errors) -> list[Robustness]:
    """Every contrast of a group of retrained networks of which both sides have lesions; none for fresh networks."""
    if not group.pretrain_epochs:
        return []
    found: list[Robustness] = []
    for arm, against in group.contrasts():
        one = _difference(errors, arm, against, _ONE)
        if not one.n:
            continue
        rise = paired(*(_rise(errors, each) for each in (arm, against)))
        sizes = sorted(
            {size for row in arm.rows.values() for name, size in errors.get(row["trial_id"], {}) if name == _SOME}
        )
        some = {size: _difference(errors, arm, against, (_SOME, size)) for size in sizes}
        found.append(
            Robustness(
                group=group.label,
                arm=arm.name,
                against=against.name,
                method=arm.method,
                untreated=_difference(errors, arm, against, _WHOLE),
                one=one,
                rise=rise,
                some={size: difference for size, difference in some.items() if difference.n},
            )
        )
    return found


def lesion_curves(group: Group, errors: Errors) -> list[LesionCurve]:
    """The arms of a group that have lesions; of a single deleted block the mean over all blocks, not over draws."""
    curves: list[LesionCurve] = []
    for arm in group.arms.values():
        seeds = [errors[row["trial_id"]] for row in arm.rows.values() if row["trial_id"] in errors]
        by_size = [_by_size(seed) for seed in seeds]
        deleted = sorted({size for seed in by_size for size in seed})
        if deleted:
            table = np.array([[seed.get(size, np.nan) for size in deleted] for seed in by_size])
            curves.append(LesionCurve(arm.name, deleted, over_seeds(table)))
    return curves


def _by_size(errors: Mapping[tuple[str, int], float]) -> dict[int, float]:
    """Mean error by number of deleted blocks; of one block the mean over all blocks, which no draw betters."""
    random = {size: error for (name, size), error in errors.items() if name == _SOME}
    return random | {size: error for (name, size), error in errors.items() if name != _SOME}


def _difference(errors: Errors, arm: Arm, against: Arm, key: tuple[str, int]) -> eq.Difference:
    return paired(*(_values(errors, each, key) for each in (arm, against)))


def _values(errors: Errors, arm: Arm, key: tuple[str, int]) -> dict[int, float]:
    """By seed."""
    return {
        seed: errors[row["trial_id"]][key] for seed, row in arm.rows.items() if key in errors.get(row["trial_id"], {})
    }


def _rise(errors: Errors, arm: Arm) -> dict[int, float]:
    whole, one = (_values(errors, arm, key) for key in (_WHOLE, _ONE))
    return {seed: one[seed] - whole[seed] for seed in whole.keys() & one.keys()}
