"""``sweep report``: writes the report of a study."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from sweep.cli.display import say
from sweep.cli.options import DEFAULT_STORE, Stores, Tracking
from sweep.ledger import Ledger
from sweep.ledger.files import StoreFiles
from sweep.redaction import redacted
from sweep.tracking import log_report, tracking_uri

if TYPE_CHECKING:
    from analysis import Results
    from analysis.report.assemble import Report
    from analysis.report.write import Written


def report(
    study: str | None = None,
    /,
    *,
    store: Stores = (DEFAULT_STORE,),
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    tracking: Tracking = None,
    track: bool = True,
) -> int:
    """Write the report of a study: one HTML page, its figures, and all numbers as JSON and Parquet.

    Exit codes: 0 written, 1 written but a control fails, 2 wrong usage or input.

    Parameters
    ----------
    study
        The study, if the stores hold several.
    output
        Folder to write to; by default report/STUDY inside a single local store, else in the working folder.
    track
        Also keep the report with the sweep's parent run in MLflow, if there is one.
    """
    import analysis
    from analysis.report.assemble import make_report

    made = make_report(analysis.open(*store), study)
    folder = output or report_folder(store, made.study)
    written = _write(made, store, folder, tracking_of(store, tracking) if track else None)
    print_written(written)
    return 0 if written.trusted else 1


def _write(report: "Report", stores: Sequence[str], folder: Path, tracking: str | None) -> "Written":
    """Write the report, and keep it in MLflow too if a tracking URI is given; an error of MLflow is only printed."""
    from analysis.report.write import Written, write_report

    page = write_report(report, folder)
    if tracking is not None:
        fault = log_report(Ledger.open(stores[0]), tracking, report.study, folder, report.headline)
        if fault:
            say(f"MLflow at {redacted(tracking)} did not take the report: {fault}")
    return Written(str(page), report.verdicts, report.trusted)


def write_into_store(results: "Results", study: str, store: str, tracking: str | None) -> "Written | None":
    """Write a study's report into its store unless it is there already; None if there is nothing to report."""
    from analysis.report.write import NUMBERS, PAGE, current
    from analysis.study import NothingToReport, results_key

    files, inside = StoreFiles(store), f"report/{study}"
    page = files.address_of(f"{inside}/{PAGE}")
    if PAGE in files.list(inside):
        there = current(page, files.read(f"{inside}/{NUMBERS}"), results_key(results, study))
        if there is not None:
            return there
    from analysis.report.assemble import make_report

    try:
        report = make_report(results, study)
    except NothingToReport:
        return None
    if files.local is not None:
        return _write(report, [store], files.local / inside, tracking)
    with tempfile.TemporaryDirectory(prefix="sweep-report-") as temporary:
        folder = Path(temporary, study)
        written = _write(report, [store], folder, tracking)
        names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
        # The numbers come last, since they say that the report is whole.
        for name in sorted(names, key=lambda name: (name == NUMBERS, name)):
            files.write(f"{inside}/{name}", (folder / name).read_bytes())
    return replace(written, page=page)


def print_written(written: "Written") -> None:
    """Print the answer of each part, and the page."""
    for name, verdict in written.verdicts.items():
        print(verdict_line(name, verdict))
    print(f"Report: {written.page}")
    if not written.trusted:
        say("a control fails: do not trust these results")


def verdict_line(part: str, verdict: str) -> str:
    """The answer of a part as a line that ends with one full stop."""
    return f"{part.capitalize()}: {verdict.rstrip('.')}."


def report_folder(stores: Sequence[str], study: str) -> Path:
    """The default folder of a report: inside a single local store, else in the working folder."""
    inside = Ledger(stores[0]).files.local if len(stores) == 1 else None
    return (inside or Path()) / "report" / study


def tracking_of(stores: Sequence[str], given: str | None) -> str | None:
    """The tracking URI of a single store, or None if it is unknown."""
    if len(stores) > 1:
        return None
    ledger = Ledger(stores[0])
    return tracking_uri(ledger, given) if given is not None or ledger.files.local is not None else None
