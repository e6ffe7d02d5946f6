"""Where equivalence holds and where it breaks."""

from typing import Any

import numpy as np
import pyarrow as pa
from analysis.report.document import Block, Details, Prose, Section, Table

from analysis.equivalence.statistic import exp
from analysis.formats import number, p_value
from analysis.questions.equivalence.assessment import ALPHA
from analysis.questions.equivalence.findings import LOSSES, PRIMARY, Findings, by_dataset
from analysis.questions.equivalence.pictures import Picture
from analysis.report.words import BROKEN, HELD, columns, dataset_name, factor_name, figure

_MOST_CELLS = 20
_MOST_WORST = 10


def section(findings: Findings, pictures: dict[str, Picture]) -> Section:
    """Strata, heat map, heterogeneity, the worst configurations."""
    blocks: list[Block] = [Prose(_summary(findings))]
    blocks += figure(pictures.get("strata"))
    blocks += figure(pictures.get("heat-map"))
    blocks.append(_heterogeneity(findings.heterogeneity[PRIMARY]))
    blocks.append(_worst(findings))
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
    parts: list[str] = []
    for name in findings.answer.by_dataset:
        own = [row for row in rows if row["dataset"] == name]
        held = sum(row["verdict"] in HELD for row in own)
        broken = sum(row["verdict"] in BROKEN for row in own)
        depends = [
            factor_name(row["factor_a"])
            for row in findings.heterogeneity[PRIMARY].to_pylist()
            if row["dataset"] == name and row["factor_b"] is None and row["p_holm"] < ALPHA
        ]
        on = (
            f"the ratio depends on {', '.join(depends)}" if depends else "no single factor is shown to change the ratio"
        )
        parts.append(
            f"{dataset_name(name)}: of {len(own)} strata by one factor {held} are inside the margin, in {broken} one "
            f"architecture is ahead and not inside it, {len(own) - held - broken} are undecided; {on}."
        )
    return " ".join(parts)


def _worst(findings: Findings) -> Table:
    """The configurations whose ratio is furthest from 1."""
    rows: list[tuple[float, list[str]]] = []
    for name, sample in by_dataset(findings.samples[PRIMARY]).items():
        of = sample.contrasts(sample.contrast("ratio"))
        units = np.unique(sample.configuration[np.isfinite(sample.contrast("ratio"))])
        for code, mean in enumerate(of.means.tolist()):
            place = int(np.flatnonzero(sample.configuration == units[code])[0])
            values = of.values[of.configuration == code]
            factors = [
                f"{factor_name(each)} {_level(sample.columns[each][place])}" for each in sample.strata if each != "Q"
            ]
            spread = f"{number(exp(values.min()))} to {number(exp(values.max()))}"
            row = [dataset_name(name), ", ".join(factors), str(len(values)), number(exp(mean)), spread]
            rows.append((abs(mean), row))
    rows.sort(key=lambda each: -each[0])
    return Table(
        columns("data set", "<configuration", "seeds", "ratio", "over seeds"),
        [row for _, row in rows[:_MOST_WORST]],
        "The configurations furthest from a ratio of 1",
        "Chosen by their outcome, so their ratios are partly noise. All pairs are in `tables/pairs.parquet`.",
    )


def _level(level: object) -> str:
    return f"{level:g}" if isinstance(level, float) else str(level)


def _heterogeneity(table: pa.Table) -> Table:
    rows = [
        [
            dataset_name(row["dataset"]),
            row["factor_a"].replace("_", " ")
            + (f" \N{MULTIPLICATION SIGN} {row['factor_b'].replace('_', ' ')}" if row["factor_b"] else ""),
            number(row["f"], 2),
            f"{row['numerator']:.0f}, {row['denominator']:.0f}" if row["f"] == row["f"] else number(None),
            p_value(row["p"]),
            p_value(row["p_holm"]),
            f"{number(row['effect'], 2)}: {row['lowest']} to {row['highest']}" if row["lowest"] else "",
        ]
        for row in table.to_pylist()
        if row["factor_b"] is None or row["f"] == row["f"]
    ]
    return Table(
        columns("data set", "<factor", "F", "degrees of freedom", "p", "p after Holm", "<effect"),
        rows,
        "Does the log ratio depend on a factor, or on one differently over another?",
        "Single factors by Welch's analysis of variance, pairs by a Wald test with HC3 covariance; pairs with a cell "
        "of fewer than two configurations are left out. p is corrected over the single factors of a data set, and over "
        "its pairs. *Effect* is the highest over the lowest mean ratio among levels, and which these are.",
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
        f"{dataset_name(row['dataset'])}: {factor_name(row['factor_a'])} {row['level_a']}, "
        f"{factor_name(row['factor_b'])} {row['level_b']}",
        str(row["configurations"]),
        f"{number(row['ratio'])} [{number(row['low'])}, {number(row['high'])}]",
        p_value(row["p_difference_holm"]),
        row["verdict"],
    ]
