"""The report on a study: all its numbers, its figures, and one page that opens anywhere."""

from analysis.report.findings import Findings, NothingToReport, find, results_key
from analysis.report.numbers import headline
from analysis.report.write import PAGE, is_current, write_report

__all__ = ["PAGE", "Findings", "NothingToReport", "find", "headline", "is_current", "results_key", "write_report"]
