"""Are sequential and parallel networks equivalent? What matched pairs say (P1)."""

import math
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from analysis.equivalence.statistic import exp
from analysis.pairs import CONTRAST
from analysis.questions.equivalence.assessment import Answer
from analysis.questions.equivalence.findings import PRIMARY, Findings, find
from analysis.questions.equivalence.pictures import draw
from analysis.questions.equivalence.sections.answer import badges, headline, lead
from analysis.report.part import Part
from analysis.report.sections import SECTIONS
from analysis.report.study import NothingToReport
from analysis.results import Results


def make(results: Results, study: str) -> Part | None:
    """The part on a study's matched pairs, None where none deeper than one block has ended on both sides."""
    try:
        findings = find(results, study)
    except NothingToReport:
        return None
    configurations = len(set(findings.samples[PRIMARY].configuration.tolist()))
    measured = any(measure != "none" for measure in findings.trials["measure"].to_pylist())
    if measured and configurations < 2 and not findings.controls.failed:
        # A study of something else, with a single setting of the stacks: there is nothing to generalise from.
        return None
    pictures = draw(findings)
    sections = (section(findings, pictures) for section in SECTIONS)
    return Part(
        name="equivalence",
        title="Can deep networks be made shallow?",
        subtitle="Sequential against parallel residual networks",
        lead=lead(findings, pictures),
        verdict=headline(findings.answer),
        sections=[section for section in sections if section is not None],
        pictures=pictures,
        numbers=_numbers(findings),
        tables=_tables(findings),
        headline=_headline(findings),
        badges=badges(findings),
        trials=2 * findings.pairs[PRIMARY].filter(pc.field("contrast") == CONTRAST).num_rows,
        trusted=not findings.controls.failed,
    )


def _headline(findings: Findings) -> dict[str, float]:
    numbers: dict[str, float] = {"control_failed": float(findings.controls.failed)}
    for metric, answer in findings.answers.items():
        for dataset, each in answer.by_dataset.items():
            name = f"{dataset}_{metric}"
            if each.scale == "ratio":
                numbers[f"{name}_ratio"] = math.exp(each.grid.estimate)
                numbers[f"{name}_ratio_low"] = exp(each.interval.low)
                numbers[f"{name}_ratio_high"] = exp(each.interval.high)
                numbers[f"{name}_p_equivalence"] = each.p_equivalence
            else:
                numbers[f"{name}_difference"] = each.grid.estimate
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def _numbers(findings: Findings) -> dict[str, Any]:
    """All numbers; log ratios are natural logarithms of parallel over sequential."""
    return {
        "verdict": headline(findings.answer),
        "plain": findings.answer.plain,
        "question": findings.question,
        "controls": findings.controls,
        "answers": {metric: _answer(answer) for metric, answer in findings.answers.items()},
        "mixed": {
            name: {metric: _answer(answer) for metric, answer in by_metric.items()}
            for name, by_metric in findings.mixed.items()
        },
        "claims": findings.claims,
        "differences_from_the_paper": findings.differences_in_budget,
        **{name: table.to_pylist() for name, table in _tables(findings).items() if name != "pairs"},
    }


def _answer(answer: Answer) -> dict[str, Any]:
    """Assessments by data set, with the verdict in words and the intervals."""
    return {
        name: {
            **vars(each),
            "verdict": each.words,
            "interval": each.interval,
            "networks_interval": each.networks.interval(1 - 2 * each.alpha),
        }
        for name, each in answer.by_dataset.items()
    }


def _tables(findings: Findings) -> dict[str, pa.Table]:
    return {
        "strata": _stacked(findings.strata),
        "heterogeneity": _stacked(findings.heterogeneity),
        "table_2": findings.table_2,
        "cost": findings.cost,
        "pairs": _stacked(findings.pairs),
    }


def _stacked(by_metric: dict[str, pa.Table]) -> pa.Table:
    return pa.concat_tables(
        table.add_column(0, "metric", pa.array([metric] * table.num_rows, pa.string()))
        for metric, table in by_metric.items()
    )
