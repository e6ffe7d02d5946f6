"""Is one network hurt less than another by deleting a block? Differences between trials that agree in all else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from analysis.equivalence import Difference
from analysis.networks import Row
from analysis.questions.lesions.summary import Lesioned
from analysis.seeds import over_zero
from sweep.ledger import method_factors, training_factors
from sweep.parts import FACTORS

COMPARED = ("error", "mean", "transitions", "others")
"""The quantities of `analysis.questions.lesions.summary` that are compared."""

_CONTRASTS = {("parallel", "sequential"), ("mixed", "sequential"), ("parallel", "mixed")}


@dataclass(frozen=True)
class LesionDifference:
    """First minus second network in one quantity: the mean over pairs of one seed, with its 95 % t interval."""

    first: str
    second: str
    quantity: str
    found: Difference


def by_arrangement(trials: Sequence[Lesioned]) -> tuple[LesionDifference, ...]:
    """Parallel against sequential, and mixed against both: trials of one `pair_id`."""
    return _compare(
        trials,
        lambda row: row["pair_id"],
        lambda first, second: (first["architecture"], second["architecture"]) in _CONTRASTS,
    )


def by_method(trials: Sequence[Lesioned]) -> tuple[LesionDifference, ...]:
    """Every other method of training against the plain one, in the same network from the same seed."""
    plain = FACTORS["method"].default
    same = [name for name in training_factors() if name not in method_factors()]
    return _compare(
        trials,
        lambda row: tuple(row[name] for name in same),
        lambda first, second: first["method"] != plain and second["method"] == plain,
    )


def _compare(
    trials: Sequence[Lesioned], match: Callable[[Row], object], taken: Callable[[Row, Row], bool]
) -> tuple[LesionDifference, ...]:
    groups: dict[object, list[Lesioned]] = {}
    for each in trials:
        groups.setdefault(match(each.trial), []).append(each)
    differences: dict[tuple[str, str, str], list[float]] = {}
    for members in groups.values():
        for first, second in permutations(members, 2):
            if taken(first.trial, second.trial):
                one, other = first.quantities, second.quantities
                for name in COMPARED:
                    differences.setdefault((first.label, second.label, name), []).append(one[name] - other[name])
    return tuple(
        LesionDifference(*key, over_zero(values)) for key, values in differences.items() if np.isfinite(values).any()
    )
