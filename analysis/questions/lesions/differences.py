"""Is one network hurt less than another by deleting a block? Differences between trials that agree in all else."""

from collections.abc import Callable, Iterator, Sequence
from itertools import permutations
from typing import Any

import numpy as np

from analysis.claims import signs
from analysis.networks import Row
from analysis.questions.lesions.summary import LesionedNetwork
from analysis.seeds import Estimate, over_zero
from sweep.ledger import method_factors, training_factors
from sweep.parts import FACTORS

_COMPARED = ("error", "mean", "transitions", "others")
_CONTRASTS = {("parallel", "sequential"), ("mixed", "sequential"), ("parallel", "mixed")}


def differences(networks: Sequence[LesionedNetwork]) -> list[dict[str, Any]]:
    """Rows of first minus second network in some quantities, over pairs of one seed, with 95 % t intervals.

    Parallel networks against sequential ones, and mixed against both: trials of one `pair_id`. Every other method of
    training against the plain one: the same network from the same seed.
    """
    plain = FACTORS["method"].default
    same = [name for name in training_factors() if name not in method_factors()]
    sides = _compare(
        "arrangement",
        networks,
        lambda row: row["pair_id"],
        lambda first, second: (first["architecture"], second["architecture"]) in _CONTRASTS,
    )
    methods = _compare(
        "method",
        networks,
        lambda row: tuple(row[name] for name in same),
        lambda first, second: first["method"] != plain and second["method"] == plain,
    )
    return [*sides, *methods]


def _compare(
    contrast: str,
    networks: Sequence[LesionedNetwork],
    match: Callable[[Row], object],
    taken: Callable[[Row, Row], bool],
) -> Iterator[dict[str, Any]]:
    places = [{match(each.trial): place for place, each in enumerate(network.seeds)} for network in networks]
    for (first, ones), (second, others) in permutations(zip(networks, places, strict=True), 2):
        if (shared := [key for key in ones if key in others]) and taken(first.trial, second.trial):
            one, other = [ones[key] for key in shared], [others[key] for key in shared]
            names = {"contrast": contrast, "first": first.label, "second": second.label}
            for name in _COMPARED:
                values = first.values[name][one] - second.values[name][other]
                if np.isfinite(values).any():
                    yield names | {"quantity": name} | _tested(name, values)


def _tested(quantity: str, values: Any) -> dict[str, Any]:
    found = over_zero(values)
    (sign,) = signs([found])
    reading = "no difference shown" if found.n > 1 else "one pair alone"
    if sign:
        reading = f"the first {'errs' if quantity == 'error' else 'is hurt'} {'less' if sign < 0 else 'more'}"
    return {"pairs": found.n, "difference": Estimate.of(found), "p": found.p, "reading": reading}
