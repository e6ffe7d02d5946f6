"""The sections of a report, in order. A new one is a function from findings and figures, and one line here."""

from collections.abc import Callable

from analysis.report.document import Section
from analysis.report.findings import Findings
from analysis.report.pictures import Picture
from analysis.report.sections import answer, assay, method, missing, published, robustness, training, where

SECTIONS: tuple[Callable[[Findings, dict[str, Picture]], Section | None], ...] = (
    answer.section,
    assay.section,
    where.section,
    published.section,
    training.curves,
    training.cost,
    robustness.section,
    missing.section,
    missing.control,
    method.section,
)

__all__ = ["SECTIONS"]
