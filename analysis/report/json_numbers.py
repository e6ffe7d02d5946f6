"""A report's numbers as JSON."""

import json
import math

from analysis.plain import plain
from analysis.report.assemble import Report
from analysis.study import NUMBERS_VERSION


def headline(report: Report) -> dict[str, float]:
    """The few numbers that stand for a report, by name: finite ones only."""
    every = {name: float(value) for part in report.parts for name, value in part.headline.items()}
    return {name: value for name, value in every.items() if math.isfinite(value)}


def as_json(report: Report) -> str:
    """What the report is on, then the numbers of each part under its name. Not-a-number is null."""
    document = {
        "version": NUMBERS_VERSION,
        "results": report.key,
        "study": report.study,
        "stores": report.stores,
        "trials": report.states,
        "trusted": report.trusted,
        "verdicts": report.verdicts,
        "headline": headline(report),
        "parts": {
            part.name: {
                **part.numbers,
                **{table.name: table.records for table in part.tables if table.name and table.bulk is None},
            }
            for part in report.parts
        },
    }
    return json.dumps(plain(document), indent=1, allow_nan=False) + "\n"
