"""Where equivalence holds and where it breaks: tables of strata, of heterogeneity and of the worst configurations."""

import math
from collections.abc import Mapping
from dataclasses import replace
from operator import itemgetter
from typing import Any

from analysis.equivalence import AHEAD, ALPHA, INSIDE
from analysis.formats import p_value
from analysis.questions.equivalence.assessment import in_words
from analysis.questions.equivalence.findings import PRIMARY, Findings
from analysis.questions.equivalence.tables import stacked, table
from analysis.report.content import Column, Table
from analysis.report.words import dataset_name, factor_name, plain
from analysis.seeds import Estimate

_HELD, _BROKEN = ({in_words(verdict) for verdict in verdicts} for verdicts in (INSIDE, AHEAD))
"""Verdicts of strata, in words: equivalent, and a side ahead without that."""
_MOST_CELLS, _MOST_WORST = 20, 10


def where_tables(findings: Findings) -> list[Table]:
    """Those that there is something for; of strata, the page shows cells of two factors in which a side is ahead."""
    strata = stacked(findings.strata)
    found = [
        _heterogeneity(findings, "heterogeneity", "val_loss"),
        _heterogeneity(findings, "training_heterogeneity", "train_loss"),
        _worst(findings),
        Table("strata", [Column(name) for name in strata.column_names], strata.to_pylist()),
    ]
    return [*found, *_breaking(findings)]


def summary(findings: Findings) -> list[dict[str, Any]]:
    """By data set, how many strata by one factor are inside the margin or not, and what the ratio depends on."""
    strata, tests = (
        [row for row in of[PRIMARY].to_pylist() if row["factor_b"] is None]
        for of in (findings.strata, findings.heterogeneity)
    )
    found: list[dict[str, Any]] = []
    for name in findings.answer.by_dataset if strata else ():
        verdicts = [row["verdict"] for row in strata if row["dataset"] == name]
        held, broken = (sum(verdict in group for verdict in verdicts) for group in (_HELD, _BROKEN))
        depends = [factor_name(row["factor_a"]) for row in tests if row["dataset"] == name and row["p_holm"] < ALPHA]
        found.append(
            {
                "dataset": dataset_name(name),
                "strata": len(verdicts),
                "held": held,
                "broken": broken,
                "undecided": len(verdicts) - held - broken,
                "depends": ", ".join(depends),
            }
        )
    return found


def _heterogeneity(findings: Findings, name: str, metric: str) -> Table:
    made = table(
        name,
        "Does the log ratio depend on a factor, or on one differently over another?",
        findings.heterogeneity[metric].to_pylist(),
        (Column("metric"), lambda _: metric),
        (Column("dataset", "data set", dataset_name), lambda row: row["dataset"]),
        (Column("factor_a"), lambda row: row["factor_a"]),
        (Column("factor_b"), lambda row: row["factor_b"]),
        (Column("factors", "factor"), _factors),
        *((Column(key, head, form), itemgetter(key)) for key, head, form in _TEST),
    )
    return replace(made, shown=[row for row in made.rows if row["factor_b"] is None or math.isfinite(row["f"])])


def _factors(row: Mapping[str, str]) -> str:
    return " \N{MULTIPLICATION SIGN} ".join(factor_name(row[name]) for name in ("factor_a", "factor_b") if row[name])


def _or_nothing(text: str | None) -> str:
    return text or ""


_TEST = (
    ("f", "F", plain(2)),
    ("numerator", "df", plain(0)),
    ("denominator", "residual df", plain(0)),
    ("p", "p", p_value),
    ("p_holm", "p, Holm", p_value),
    ("effect", "effect", plain(2)),
    ("lowest", "lowest at", _or_nothing),
    ("highest", "highest at", _or_nothing),
)


def _worst(findings: Findings) -> Table:
    """The configurations whose ratio is furthest from 1."""
    every = [(of, code) for of in findings.configurations[PRIMARY] for code in range(len(of.words))]
    every.sort(key=lambda each: -abs(math.log(each[0].ratio[each[1]])))
    return table(
        "worst",
        "The configurations furthest from a ratio of 1",
        every[:_MOST_WORST],
        (Column("dataset", "data set", dataset_name), lambda at: at[0].dataset),
        (Column("configuration", "configuration"), lambda at: at[0].words[at[1]]),
        (Column("seeds", "seeds"), lambda at: int(at[0].seeds[at[1]])),
        (Column("ratio", "ratio [lowest, highest seed]", plain()), lambda at: at[0].at(at[1])),
    )


def _breaking(findings: Findings) -> list[Table]:
    """Cells of two factors in which one architecture is ahead, the furthest first."""
    found = [row for row in findings.strata[PRIMARY].to_pylist() if row["factor_b"] and row["verdict"] in _BROKEN]
    found.sort(key=lambda row: -max(row["ratio"], 1 / row["ratio"]))
    made = table(
        "breaking_cells",
        f"Cells of two factors in which one architecture is ahead: {len(found)}",
        found[:_MOST_CELLS],
        (Column("cell", "cell"), _cell),
        (Column("configurations", "configurations"), itemgetter("configurations")),
        (Column("ratio", "ratio [90 %]", plain()), lambda row: Estimate(row["ratio"], row["low"], row["high"])),
        (Column("p", "p different, after Holm", p_value), itemgetter("p_difference_holm")),
        (Column("verdict", "verdict"), itemgetter("verdict")),
    )
    return [made] if found else []


def _cell(row: Mapping[str, str]) -> str:
    levels = ", ".join(f"{factor_name(row[f'factor_{each}'])} {row[f'level_{each}']}" for each in "ab")
    return f"{dataset_name(row['dataset'])}: {levels}"
