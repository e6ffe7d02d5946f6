"""Where equivalence holds and where it breaks."""

from typing import Any

import pyarrow as pa

from analysis.assessment import ALPHA
from analysis.formats import NAMES, number, p_value
from analysis.report.document import Block, Details, Prose, Section, Table
from analysis.report.findings import LOSSES, PRIMARY, Findings
from analysis.report.pictures import Picture
from analysis.report.words import BROKEN, HELD, columns, figure

_MOST_CELLS = 20


def section(findings: Findings, pictures: dict[str, Picture]) -> Section:
    """Strata, heat map, heterogeneity."""
    blocks: list[Block] = [Prose(_summary(findings))]
    blocks += figure(pictures.get("strata"))
    blocks += figure(pictures.get("heat-map"))
    blocks.append(_heterogeneity(findings.heterogeneity[PRIMARY]))
    cells = _breaking_cells(findings.strata[PRIMARY])
    if cells is not None:
        blocks.append(cells)
    training = [*figure(pictures.get("training-losses")), *figure(pictures.get("training-strata"))]
    if training:
        tables = [_heterogeneity(findings.heterogeneity[metric]) for metric in LOSSES if metric != PRIMARY]
        blocks.append(Details("The same for the training loss", [*training, *tables]))
    return Section("where", "Where it holds, and where it breaks", blocks)


def _summary(findings: Findings) -> str:
    rows = [row for row in findings.strata[PRIMARY].to_pylist() if row["factor_b"] is None]
    if not rows:
        return "The configurations differ in no factor, so there are no strata."
    held = sum(row["verdict"] in HELD for row in rows)
    broken = [row for row in rows if row["verdict"] in BROKEN]
    text = (
        f"Of {len(rows)} strata by one factor, {held} are inside the margin, {len(broken)} show one architecture ahead "
        f"and not inside it, and {len(rows) - held - len(broken)} are undecided, in {NAMES[PRIMARY]}, after Holm's "
        "correction."
    )
    differing = [
        row["factor_a"].replace("_", " ")
        for row in findings.heterogeneity[PRIMARY].to_pylist()
        if row["factor_b"] is None and row["p_holm"] < ALPHA
    ]
    if differing:
        return text + f" The ratio depends on {', '.join(differing)}."
    return text + " No single factor is shown to change the ratio, which is not to say that none does."


def _heterogeneity(table: pa.Table) -> Table:
    rows = [
        [
            row["factor_a"].replace("_", " ")
            + (f" \N{MULTIPLICATION SIGN} {row['factor_b'].replace('_', ' ')}" if row["factor_b"] else ""),
            number(row["f"], 2),
            f"{row['numerator']:.0f}, {row['denominator']:.0f}" if row["f"] == row["f"] else number(None),
            p_value(row["p"]),
            p_value(row["p_holm"]),
            "depends" if row["p_holm"] < ALPHA else "",
        ]
        for row in table.to_pylist()
        if row["factor_b"] is None or row["f"] == row["f"]
    ]
    return Table(
        columns("factor", "F", "degrees of freedom", "p", "p after Holm", "<the ratio"),
        rows,
        "Does the log ratio depend on a factor, or on one differently over another?",
        "Single factors by Welch's analysis of variance, pairs by a Wald test with HC3 covariance; pairs with a cell "
        "of fewer than two configurations are left out. p is corrected over the single factors, and over the pairs.",
    )


def _breaking_cells(table: pa.Table) -> Details | None:
    """Cells of two factors in which one architecture is ahead, the furthest first."""
    found = [row for row in table.to_pylist() if row["factor_b"] is not None and row["verdict"] in BROKEN]
    if not found:
        return None
    found.sort(key=lambda row: -max(row["ratio"], 1 / row["ratio"]))
    return Details(
        f"Cells of two factors in which one architecture is ahead: {len(found)}",
        [
            Table(
                columns("cell", "configurations", "ratio [90 %]", "p different, after Holm", "<verdict"),
                [_cell_row(row) for row in found[:_MOST_CELLS]],
                note=f"The {min(_MOST_CELLS, len(found))} furthest from 1; all are in `tables/strata.parquet`.",
            )
        ],
    )


def _cell_row(row: dict[str, Any]) -> list[str]:
    return [
        f"{row['factor_a'].replace('_', ' ')} {row['level_a']}, {row['factor_b'].replace('_', ' ')} {row['level_b']}",
        str(row["configurations"]),
        f"{number(row['ratio'])} [{number(row['low'])}, {number(row['high'])}]",
        p_value(row["p_difference_holm"]),
        row["verdict"],
    ]
