"""Is one network hurt less than another by deleting a block? Differences between trials that agree in all else."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

from analysis.claims import signs
from analysis.equivalence import Difference
from analysis.questions.lesions.summary import LesionedNetwork
from analysis.seeds import Estimate, paired
from sweep.ledger import method_factors, training_factors
from sweep.parts import FACTORS

_COMPARED = ("error", "mean", "transitions", "others")
_ARRANGEMENTS = {("parallel", "sequential"), ("mixed", "sequential"), ("parallel", "mixed")}


def differences(networks: Sequence[LesionedNetwork]) -> list[dict[str, Any]]:
    """Rows of first minus second network in some quantities, over pairs of one seed, with 95 % t intervals.

    Parallel networks against sequential ones, and mixed against both: trials of one `pair_id`. Every other method of
    training against the plain one: the same network from the same seed.
    """
    pairs = list(permutations(networks, 2))
    plain = FACTORS["method"].default
    untrained = [name for name in training_factors() if name not in method_factors()]
    arranged = [each for each in pairs if tuple(of.trial["architecture"] for of in each) in _ARRANGEMENTS]
    trained = [each for each in pairs if [of.trial["method"] == plain for of in each] == [False, True]]
    return [
        {"contrast": contrast, "first": first.label, "second": second.label, "quantity": name} | _tested(name, test)
        for contrast, chosen, same in (
            ("arrangement", arranged, ["seed", "pair_id"]),
            ("method", trained, untrained),
        )
        for first, second in chosen
        for name in _COMPARED
        if (test := paired(*(_by(same, each, name) for each in (first, second)))).n
    ]


def _by(same: Sequence[str], network: LesionedNetwork, quantity: str) -> dict[tuple[Any, ...], float]:
    """A quantity of each seed, by the factors in which two trials have to agree."""
    keys = [tuple(each.trial[name] for name in same) for each in network.seeds]
    return dict(zip(keys, network.values[quantity].tolist(), strict=True))


def _tested(quantity: str, found: Difference) -> dict[str, Any]:
    (sign,) = signs([found])
    reading = "no difference shown" if found.n > 1 else "one pair alone"
    if sign:
        reading = f"the first {'errs' if quantity == 'error' else 'is hurt'} {'less' if sign < 0 else 'more'}"
    return {"pairs": found.n, "difference": Estimate.of(found), "p": found.p, "reading": reading}
