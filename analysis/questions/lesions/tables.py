"""The tables of lesions."""

from analysis.formats import p_value
from analysis.questions.lesions.differences import LesionDifference
from analysis.questions.lesions.summary import QUANTITIES, Lesions
from analysis.report.content import Column, Table
from analysis.report.words import plain, points, share, unbroken
from analysis.seeds import Estimate
from sweep.measures.lesions import DELETE_SOME, REORDER

_LESIONS = {DELETE_SOME: "deleted", REORDER: "swapped"}
_HEADS = {"error": "whole, %", "median": "median", "largest": "largest", "transitions": "change of shape"}


def network_table(lesions: Lesions) -> Table:
    """Each network's `QUANTITIES`."""
    figures = [Column(name, _HEADS.get(name, ""), share() if name == "error" else points()) for name in QUANTITIES]
    counts = [Column(f"{name}_seeds") for name in QUANTITIES]
    columns = [Column("network", "network", unbroken), Column("seeds", "seeds"), Column("blocks", "blocks")]
    rows = [
        {"network": each.label, "seeds": each.seeds, "blocks": each.blocks}
        | {name: found.at() for name, found in each.quantities.items()}
        | {f"{name}_seeds": found.n for name, found in each.quantities.items()}
        for each in lesions.networks
    ]
    note = (
        "*Whole* is the error of the whole network; then median and largest rise over its blocks, and the mean over "
        "blocks that change the shape. All blocks are in `tables/lesion_blocks.parquet`."
    )
    caption = "Rise of the error by one deleted block, percentage points"
    return Table("lesions", [*columns, *figures, *counts], rows, caption, note)


def block_table(lesions: Lesions) -> Table:
    """The error after deleting each block, for files."""
    rows = [
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
        for each in lesions.networks
        for block in range(each.blocks)
    ]
    return Table("lesion_blocks", [Column(key) for key in rows[0]], rows)


def size_tables(lesions: Lesions) -> list[Table]:
    """Lesions of several blocks: the smallest, middle and largest size on the page, all in the file; or none."""
    columns = (
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
    rows, shown = [], []
    for each in lesions.networks:
        for lesion, by in each.by_size.items():
            numbers = zip(by.size, by.tau, by.mean.n, by.draws, by.low, by.median, by.high, strict=True)
            here = [
                dict(zip([column.key for column in columns], values, strict=True))
                for place, (size, tau, seeds, draws, *quartiles) in enumerate(numbers)
                for values in [(each.label, lesion, size, tau, seeds, draws, by.mean.at(place), *quartiles)]
            ]
            rows += here
            shown += [here[place] for place in sorted({0, len(here) // 2, len(here) - 1})]
    note = (
        "Smallest, middle and largest size; all are in `tables/lesion_sizes.parquet`. *Draws* are over all seeds; the "
        "error is the mean over draws, then seeds, with its 95 % interval over seeds. Quartiles are over draws."
    )
    caption = "Error after lesions of several random blocks"
    return [Table("lesion_sizes", columns, rows, caption, note, shown)] if rows else []


def difference_tables(found: dict[str, tuple[LesionDifference, ...]]) -> list[Table]:
    """Differences between networks, by what they differ in; or none."""
    columns = (
        Column("contrast", "differ in"),
        Column("first", "network", unbroken),
        Column("second", "against", unbroken),
        Column("quantity", "quantity", QUANTITIES.__getitem__),
        Column("pairs", "pairs"),
        Column("difference", "difference, points [95 %]", points()),
        Column("p", "p different", p_value),
        Column("reading", "reading"),
    )
    rows = [
        {
            "contrast": contrast,
            "first": each.first,
            "second": each.second,
            "quantity": each.quantity,
            "pairs": each.found.n,
            "difference": Estimate.of(each.found),
            "p": each.found.p,
            "reading": _reading(each),
        }
        for contrast, differences in found.items()
        for each in differences
    ]
    return [Table("lesion_differences", columns, rows, "One network against another")] if rows else []


def _reading(each: LesionDifference) -> str:
    if not each.found.p < 0.05:
        return "one pair alone" if each.found.n == 1 else "no difference shown"
    what = "errs" if each.quantity == "error" else "is hurt"
    return f"the first {what} {'less' if each.found.estimate < 0 else 'more'}"
