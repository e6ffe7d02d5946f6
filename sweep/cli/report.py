"""``sweep report``: the equivalence report of a study."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from sweep.cli.options import DEFAULT_STORES, Stores, Tracking
from sweep.ledger import Ledger
from sweep.tracking import log_report, redacted, tracking_uri

if TYPE_CHECKING:
    from analysis import Results
    from analysis.report import Findings


def report(
    study: str | None = None,
    /,
    *,
    store: Stores = DEFAULT_STORES,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    tracking: Tracking = None,
    track: bool = True,
) -> int:
    """Write the equivalence report of a study: one HTML page, figures, and all numbers as JSON and Parquet.

    Exit codes: 0 written, 1 written but the control fails, 2 wrong usage or input.

    Parameters
    ----------
    study
        The study, where the stores hold several.
    output
        Folder to write to; by default report/STUDY inside a single local store, else in the working folder.
    track
        Also keep the report with the sweep's parent run in MLflow, where there is one.
    """
    import analysis
    from analysis.report import find

    findings = find(analysis.open(*store), study)
    page = write(findings, store, output, tracking_of(store, tracking) if track else None)
    print(f"{findings.verdict.value}: {page}")
    if findings.controls.failed:
        print("the control fails: depth-1 pairs differ, do not trust these results", file=sys.stderr)
        return 1
    return 0


def write(findings: "Findings", stores: Sequence[str], output: Path | None, tracking: str | None) -> Path:
    """Write the report, and keep it in MLflow if a tracking URI is given; the page's path.

    A fault of MLflow is said, and costs nothing but its copy.
    """
    from analysis.report import headline, write_report

    page = write_report(findings, output or report_folder(stores, findings.study))
    if tracking is not None:
        fault = log_report(Ledger.open(stores[0]), tracking, findings.study, page.parent, headline(findings))
        if fault:
            print(f"MLflow at {redacted(tracking)} did not take the report: {fault}", file=sys.stderr)
    return page


def write_if_new(results: "Results", study: str, store: str, tracking: str | None) -> Path | None:
    """Write a study's report unless it is there, or there is nothing to report; the page's path."""
    from analysis.report import PAGE, NothingToReport, find, is_current, results_key

    folder = report_folder([store], study)
    if is_current(folder, results_key(results, study)):
        return folder / PAGE
    try:
        findings = find(results, study)
    except NothingToReport:
        return None
    return write(findings, [store], None, tracking)


def report_folder(stores: Sequence[str], study: str) -> Path:
    """Where a report goes unless told: inside a single local store, else in the working folder."""
    inside = Ledger(stores[0]).files.local if len(stores) == 1 else None
    return (inside or Path()) / "report" / study


def tracking_of(stores: Sequence[str], given: str | None) -> str | None:
    """Where the runs of a single store are, None where that cannot be known."""
    if len(stores) > 1:
        return None
    ledger = Ledger(stores[0])
    return tracking_uri(ledger, given) if given is not None or ledger.files.local is not None else None
