"""Tables of where equivalence holds and where it breaks: heterogeneity, and what is furthest from a ratio of 1."""

import math
from collections.abc import Mapping
from operator import itemgetter

from analysis.equivalence import AHEAD, INSIDE
from analysis.formats import dataset_name, factor_name, p_value
from analysis.questions.equivalence.assessment import in_words
from analysis.questions.equivalence.findings import PRIMARY, Findings
from analysis.report.content import Column, Table
from analysis.report.words import plain
from analysis.seeds import Estimate

HELD, BROKEN = ({in_words(verdict) for verdict in verdicts} for verdicts in (INSIDE, AHEAD))
"""Verdicts of strata, in words: equivalent, and a side ahead without that."""
_MOST_CELLS, _MOST_WORST = 20, 10


def where_tables(findings: Findings) -> list[Table]:
    """Heterogeneity, the worst configurations, and the cells of two factors in which a side is ahead."""
    breaking = _breaking(findings)
    return [
        _heterogeneity(findings, "heterogeneity", "val_loss"),
        _heterogeneity(findings, "training_heterogeneity", "train_loss"),
        _worst(findings),
        *([breaking] if breaking.rows else []),
    ]


def _worst(findings: Findings) -> Table:
    """The configurations whose ratio is furthest from 1."""
    columns = (
        Column("dataset", "data set", dataset_name, lambda at: at[0].dataset),
        Column("configuration", "configuration", of=lambda at: at[0].words[at[1]]),
        Column("seeds", "seeds", of=lambda at: int(at[0].seeds[at[1]])),
        Column("ratio", "ratio [lowest, highest seed]", plain(), lambda at: at[0].at(at[1])),
    )
    every = [(of, code) for of in findings.configurations[PRIMARY] for code in range(len(of.words))]
    every.sort(key=lambda each: -abs(math.log(each[0].ratio[each[1]])))
    return Table("worst", columns, every[:_MOST_WORST], "The configurations furthest from a ratio of 1")


def _heterogeneity(findings: Findings, name: str, metric: str) -> Table:
    def factors(row: Mapping[str, str]) -> str:
        names = (row[each] for each in ("factor_a", "factor_b") if row[each])
        return " \N{MULTIPLICATION SIGN} ".join(map(factor_name, names))

    columns = (
        Column("metric", of=lambda _: metric),
        Column("dataset", "data set", dataset_name),
        Column("factor_a"),
        Column("factor_b"),
        Column("factors", "factor", of=factors),
        Column("f", "F", plain(2)),
        Column("numerator", "df", plain(0)),
        Column("denominator", "residual df", plain(0)),
        Column("p", "p", p_value),
        Column("p_holm", "p, Holm", p_value),
        Column("effect", "effect", plain(2)),
        *(Column(end, f"{end} at", lambda level: level or "") for end in ("lowest", "highest")),
    )
    rows = findings.heterogeneity[metric]
    shown = [row for row in rows if row["factor_b"] is None or math.isfinite(row["f"])]
    caption = "Does the log ratio depend on a factor, or on one differently over another?"
    return Table(name, columns, rows, caption, shown=shown)


def _breaking(findings: Findings) -> Table:
    """Cells of two factors in which one architecture is ahead, the furthest first."""
    found = [row for row in findings.strata[PRIMARY] if row["factor_b"] and row["verdict"] in BROKEN]
    found.sort(key=lambda row: -max(row["ratio"], 1 / row["ratio"]))

    def cell(row: Mapping[str, str]) -> str:
        levels = ", ".join(f"{factor_name(row[f'factor_{each}'])} {row[f'level_{each}']}" for each in "ab")
        return f"{dataset_name(row['dataset'])}: {levels}"

    columns = (
        Column("cell", "cell", of=cell),
        Column("configurations", "configurations"),
        Column("ratio", "ratio [90 %]", plain(), lambda row: Estimate(row["ratio"], row["low"], row["high"])),
        Column("p", "p different, after Holm", p_value, itemgetter("p_difference_holm")),
        Column("verdict", "verdict"),
    )
    caption = f"Cells of two factors in which one architecture is ahead: {len(found)}"
    return Table("breaking_cells", columns, found[:_MOST_CELLS], caption)
