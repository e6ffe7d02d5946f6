"""The tables of lesions."""

from collections.abc import Iterator, Sequence

from analysis.formats import p_value, unbroken
from analysis.questions.lesions.differences import differences
from analysis.questions.lesions.published import published
from analysis.questions.lesions.summary import QUANTITIES, LesionedNetwork
from analysis.report.content import Column, Table
from analysis.report.words import plain, points, share
from sweep.measures.lesions import DELETE_SOME, REORDER

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
    Column("contrast", "differ in"),
    Column("first", "network", unbroken),
    Column("second", "against", unbroken),
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
    columns += [Column(f"{name}_seeds") for name in QUANTITIES]
    rows = [
        {"network": each.label, "seeds": len(each.seeds), "blocks": each.blocks}
        | {name: found.at() for name, found in each.quantities.items()}
        | {f"{name}_seeds": found.n for name, found in each.quantities.items()}
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
