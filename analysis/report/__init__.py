"""The report on a study: all its numbers, its figures, and one page that opens anywhere."""

from analysis.report.assemble import Report, make_report
from analysis.report.write import NUMBERS, PAGE, Written, current, write_report
from analysis.study import NothingToReport, results_key

__all__ = [
    "NUMBERS",
    "PAGE",
    "NothingToReport",
    "Report",
    "Written",
    "current",
    "make_report",
    "results_key",
    "write_report",
]
