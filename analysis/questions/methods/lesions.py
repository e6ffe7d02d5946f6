"""Does retraining with dropped blocks make a trained network more robust? Lesions of retrained networks by arm (P5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.arms import Arm, Group
from analysis.equivalence.mean import Difference
from analysis.measurements import Measured, read_rows
from analysis.results import Results
from analysis.seeds import paired
from sweep.measures.base import ERROR
from sweep.measures.lesions import DELETE_ONE, DELETE_SOME, UNTREATED

WHOLE, ONE, RISE = "untreated", "one", "rise"
Key = str | int
Errors = Mapping[str, Mapping[Key, float]]
"""Trial to its errors, shares of images: of the `WHOLE` network, the mean over blocks after deleting each alone, `ONE`,
how far that lies above the whole, `RISE`, and means over draws by how many random blocks are deleted."""


def lesion_errors(results: Results, groups: Sequence[Group]) -> Errors:
    """Errors under lesions of every trial of the groups that has any."""
    trials = {row["trial_id"]: row for group in groups for arm in group.arms.values() for row in arm.rows.values()}
    found = read_rows(results, list(trials), (UNTREATED, DELETE_ONE, DELETE_SOME))
    return {name: _errors(Measured(trials[name], rows)) for name, rows in found.items()}


def _errors(network: Measured) -> dict[Key, float]:
    whole, one, some = (network.by("size", each, ERROR) for each in (UNTREATED, DELETE_ONE, DELETE_SOME))
    alone, untreated = one.get(1, np.nan), whole.get(0, np.nan)
    return {WHOLE: untreated, ONE: alone, RISE: alone - untreated, **some}


def by_seed(errors: Errors, arm: Arm, key: Key) -> dict[int, float]:
    """An arm's errors under one lesion."""
    found = {seed: errors.get(row["trial_id"], {}).get(key, np.nan) for seed, row in arm.rows.items()}
    return {seed: error for seed, error in found.items() if np.isfinite(error)}


def sizes(errors: Errors, arms: Sequence[Arm]) -> list[int]:
    """How many random blocks were deleted from networks of the arms, ascending."""
    trials = [row["trial_id"] for arm in arms for row in arm.rows.values()]
    return sorted({key for trial in trials for key in errors.get(trial, {}) if isinstance(key, int)})


@dataclass(frozen=True)
class Robustness:
    """One arm against another of retrained networks: by lesion the test of the difference in error, paired by seed.

    Numbers of blocks are ``deleted_N``. Below zero the first arm is better.
    """

    group: Group
    arm: Arm
    against: Arm
    tests: Mapping[str, Difference]


def robustness(groups: Sequence[Group], errors: Errors) -> list[Robustness]:
    """Every contrast of retrained networks of which both sides have lesions; none of fresh networks."""
    pairs = [(group, *pair) for group in groups if group.trial["pretrain_epochs"] for pair in group.contrasts()]
    keys: dict[str, Key] = {WHOLE: WHOLE, ONE: ONE, RISE: RISE}
    keys |= {f"deleted_{size}": size for size in sizes(errors, [arm for _, *pair in pairs for arm in pair])}
    found = (
        Robustness(
            *pair, {name: paired(*(by_seed(errors, arm, key) for arm in pair[1:])) for name, key in keys.items()}
        )
        for pair in pairs
    )
    return [each for each in found if each.tests[ONE].n]
