"""The tables of lesions; is one network hurt less than another that agrees in all else?"""

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Any

from analysis.claims import signs
from analysis.equivalence.mean import Difference
from analysis.formats import p_value, unbroken
from analysis.networks import PLAIN
from analysis.questions.lesions.published import published
from analysis.questions.lesions.summary import QUANTITIES, LesionedNetwork
from analysis.report.content import Column, Table
from analysis.report.words import plain, points, share
from analysis.seeds import CONFIDENCE, paired
from sweep.ledger import method_factors, training_factors
from sweep.measures.lesions import DELETE_SOME, REORDER

_COMPARED = ("error", "mean", "transitions", "others")
_ARRANGEMENTS = {("parallel", "sequential"), ("mixed", "sequential"), ("parallel", "mixed")}
_LESIONS = {DELETE_SOME: "deleted", REORDER: "swapped"}
_HEADS = {"error": "whole, %", "median": "median", "largest": "largest", "transitions": "change of shape"}
_SIZES = (
    Column("network", "network", unbroken),
    Column("lesion", "lesion", _LESIONS.__getitem__),
    Column("size", "size"),
    Column("kendall_tau", "Kendall's tau", plain(2)),
    Column("seeds", "seeds"),
    Column("draws", "draws"),
    Column("error", "error, %", share()),
    Column("quartile_1", "quartile 1", share()),
    Column("median", "median", share()),
    Column("quartile_3", "quartile 3", share()),
)
_DIFFERENCES = (
    Column("first", "network", unbroken),
    Column("second", "against", unbroken),
    Column("contrast", "differ in"),
    Column("quantity", "quantity", QUANTITIES.__getitem__),
    Column("pairs", "pairs"),
    Column("difference", "difference, points [95 %]", points()),
    Column("p", "p different", p_value),
    Column("reading", "reading"),
)


def lesion_tables(networks: Sequence[LesionedNetwork]) -> Iterator[Table]:
    """Lesions of one block and, for files, of each; of several blocks; networks compared; and what is published."""
    columns = [Column("network", "network", unbroken), Column("seeds", "seeds"), Column("blocks", "blocks")]
    columns += [Column(name, _HEADS.get(name, ""), share() if name == "error" else points()) for name in QUANTITIES]
    rows = [
        {"network": each.label, "seeds": len(each.seeds), "blocks": each.blocks}
        | {name: found.at() for name, found in each.quantities.items()}
        for each in networks
    ]
    yield Table("lesions", columns, rows, "Rise of the error by one deleted block, percentage points")
    blocks = [
        {
            "network": each.label,
            "block": block,
            "stage": each.stage[block],
            "changes_shape": each.changes_shape[block],
            "seeds": each.deleted.n[block],
            "error": each.deleted.at(block),
            "lowest": each.deleted.lowest[block],
            "highest": each.deleted.highest[block],
        }
        for each in networks
        for block in range(each.blocks)
    ]
    yield Table("lesion_blocks", list(map(Column, blocks[0])), blocks)
    groups = [
        [{"network": each.label, **vars(size)} for size in sizes]
        for each in networks
        for sizes in each.by_size.values()
    ]
    # On the page the smallest, middle and largest size.
    shown = [sizes[place] for sizes in groups for place in sorted({0, len(sizes) // 2, len(sizes) - 1})]
    yield Table(
        "lesion_sizes",
        _SIZES,
        [row for sizes in groups for row in sizes],
        "Error after lesions of several random blocks",
        shown=shown,
    )
    compared = differences(networks)
    yield Table("lesion_differences", _DIFFERENCES, compared, "One network against another")
    yield published(networks, compared)


def differences(networks: Sequence[LesionedNetwork]) -> list[dict[str, Any]]:
    """Rows of first minus second network in some quantities, over pairs of one seed, with 95 % t intervals.

    Parallel networks against sequential ones, and mixed against both: trials of one `pair_id`. Every other method of
    training against the plain one: the same network from the same seed.
    """
    pairs = list(permutations(networks, 2))
    untrained = [name for name in training_factors() if name not in method_factors()]
    arranged = [each for each in pairs if tuple(of.trial["architecture"] for of in each) in _ARRANGEMENTS]
    trained = [each for each in pairs if [of.trial["method"] == PLAIN for of in each] == [False, True]]
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
    return {"pairs": found.n, "difference": found.interval(CONFIDENCE), "p": found.p, "reading": reading}
