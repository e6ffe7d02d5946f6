"""Are sequential and parallel networks equivalent? What matched pairs say (P1)."""

import math
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from analysis import equivalence as eq
from analysis.assessment import Assessment, as_numbers, in_words
from analysis.pairs import CONTRAST
from analysis.report.findings import PRIMARY, Findings, find
from analysis.report.part import Part
from analysis.report.pictures import draw
from analysis.report.sections import SECTIONS
from analysis.report.sections.answer import badges, lead
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
        verdict=in_words(findings.verdict),
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
    for metric, assessment in findings.overall.items():
        if assessment.ratio is not None:
            interval = assessment.ratio.tost.interval
            numbers[f"{metric}_ratio"] = math.exp(assessment.ratio.tost.estimate)
            numbers[f"{metric}_ratio_low"] = math.exp(interval.low)
            numbers[f"{metric}_ratio_high"] = math.exp(interval.high)
            numbers[f"{metric}_p_equivalence"] = assessment.ratio.tost.p
        else:
            numbers[f"{metric}_difference"] = assessment.difference.tost.estimate
    numbers[f"{PRIMARY}_probability_parallel_better"] = (
        findings.overall[PRIMARY].main[eq.PROBABILITY_BETTER].probability
    )
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def _numbers(findings: Findings) -> dict[str, Any]:
    """All numbers; log ratios are natural logarithms of parallel over sequential."""
    return {
        "verdict": in_words(findings.verdict),
        "margins": findings.declared,
        "controls": findings.controls,
        "overall": _by_metric(findings.overall),
        "by_dataset": {name: _by_metric(each) for name, each in findings.by_dataset.items()},
        "mixed": {name: _by_metric(each) for name, each in findings.mixed.items()},
        "variance_of_log_validation_loss": findings.variance,
        "claims": findings.claims,
        "differences_from_the_paper": findings.differences_in_budget,
        **{name: table.to_pylist() for name, table in _tables(findings).items() if name != "pairs"},
    }


def _by_metric(assessments: dict[str, Assessment]) -> dict[str, dict[str, Any]]:
    return {metric: as_numbers(assessment) for metric, assessment in assessments.items()}


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
