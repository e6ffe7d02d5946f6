"""A report's numbers as JSON and as Parquet tables."""

import json
import math
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import numpy as np
import pyarrow as pa

from analysis.assessment import Assessment
from analysis.report.findings import NUMBERS_VERSION, PRIMARY, Findings


def headline(findings: Findings) -> dict[str, float]:
    """The few numbers that stand for a report, by name: finite ones only."""
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
    numbers[f"{PRIMARY}_probability_parallel_better"] = findings.overall[PRIMARY].main.probability_better.probability
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def as_json(findings: Findings) -> str:
    """All numbers; log ratios are natural logarithms of parallel over sequential. Not-a-number is null."""
    document = {
        "version": NUMBERS_VERSION,
        "results": findings.key,
        "study": findings.study,
        "stores": list(findings.stores),
        "verdict": findings.verdict.value,
        "headline": headline(findings),
        "margins": findings.declared,
        "trials": findings.states,
        "controls": findings.controls,
        "overall": _assessments(findings.overall),
        "by_dataset": {dataset: _assessments(each) for dataset, each in findings.by_dataset.items()},
        "mixed": {contrast: _assessments(each) for contrast, each in findings.mixed.items()},
        "variance_of_log_validation_loss": findings.variance,
        "claims": findings.claims,
        "differences_from_the_paper": findings.differences_in_budget,
        **{name: table.to_pylist() for name, table in tables(findings).items() if name != "pairs"},
    }
    return json.dumps(_plain(document), indent=1, allow_nan=False) + "\n"


def tables(findings: Findings) -> dict[str, pa.Table]:
    """The tables of a report by name."""
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


def _assessments(by_metric: dict[str, Assessment]) -> dict[str, Any]:
    return {metric: _plain(assessment) for metric, assessment in by_metric.items()}


def _plain(value: Any) -> Any:
    """Dataclasses as mappings, arrays as lists, and what JSON cannot hold as null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
