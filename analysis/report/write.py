"""Writes a report: one folder, whole or not at all."""

import contextlib
import io
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.plain import plain
from analysis.report.page import page_html
from analysis.study import NUMBERS_VERSION
from sweep.durable import beside
from sweep.errors import SweepError

if TYPE_CHECKING:
    from analysis.report.assemble import Report

PAGE, NUMBERS = "report.html", "numbers.json"
_FIGURES, _TABLES = "figures", "tables"
_OURS = re.compile(rf"{PAGE}|{NUMBERS}|{_FIGURES}(/[\w-]+\.(svg|png))?|{_TABLES}(/\w+\.parquet)?")
"""The files and folders of a report."""


def write_report(report: "Report", folder: Path) -> Path:
    """Write page, figures, JSON and Parquet into a folder of their own, replacing an earlier report; the page's path.

    Raises SweepError where it cannot be written, and for a folder that holds something else.
    """
    files: dict[str, bytes] = {PAGE: page_html(report).encode()}
    for picture in report.pictures:
        files[f"{_FIGURES}/{picture.name}.svg"] = picture.drawn.svg.encode()
        files[f"{_FIGURES}/{picture.name}.png"] = picture.drawn.png
    for table in report.tables:
        if table.name:
            files[f"{_TABLES}/{table.name}.parquet"] = _parquet(table.arrow)
    files[NUMBERS] = as_json(report).encode()
    _replace(folder, files)
    return folder / PAGE


def as_json(report: "Report") -> str:
    """What the report is on, then the numbers of each part under its name. Not-a-number is null."""
    document = {
        "version": NUMBERS_VERSION,
        "results": report.key,
        "study": report.study,
        "stores": report.stores,
        "trials": report.states,
        "trusted": report.trusted,
        "verdicts": report.verdicts,
        "headline": report.headline,
        "parts": {
            part.name: {
                "claims": part.claims,
                **part.numbers,
                **{table.name: table.records for table in part.tables if table.name and table.bulk is None},
            }
            for part in report.parts
        },
    }
    return json.dumps(plain(document), indent=1, allow_nan=False) + "\n"


@dataclass(frozen=True)
class Written:
    """A report in its place: the page's path or address, the answer of each part, and whether all may be trusted."""

    page: str
    verdicts: dict[str, str]
    trusted: bool


def current(page: str, numbers: bytes | None, key: str) -> Written | None:
    """The report of a page and the content of its `NUMBERS`, if these are of the results with this key."""
    try:
        found = json.loads(numbers or b"")
        if found["results"] == key:
            return Written(page, dict(found["verdicts"]), bool(found["trusted"]))
    except (ValueError, KeyError, TypeError):
        pass
    return None


def _parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def _replace(folder: Path, files: dict[str, bytes]) -> None:
    """Write beside the folder and rename, so that a reader finds the old report or the new one."""
    try:
        # What is written is renamed, which a link or a folder named "." does not survive.
        folder = folder.resolve()
        _check_place(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh, old = beside(folder), beside(folder)
        try:
            for name, content in files.items():
                (fresh / name).parent.mkdir(parents=True, exist_ok=True)
                (fresh / name).write_bytes(content)
            if folder.exists():
                folder.rename(old)
            fresh.rename(folder)
        finally:
            if old.exists() and not folder.exists():
                old.rename(folder)
            for leftover in (fresh, old):
                with contextlib.suppress(OSError):
                    shutil.rmtree(leftover)
    except OSError as error:
        raise SweepError(
            f"the report cannot be written to {folder}: {error.strerror}; choose another with -o"
        ) from None


def _check_place(folder: Path) -> None:
    """Raise SweepError unless all that a new report would replace is a report."""
    if Path.cwd().is_relative_to(folder):
        raise SweepError(f"{folder} is the working folder, and a report takes one of its own; choose another with -o")
    if not folder.exists():
        return
    held = {str(path.relative_to(folder)) for path in folder.rglob("*")} if folder.is_dir() else {folder.name}
    if held and (NUMBERS not in held or not all(map(_OURS.fullmatch, held))):
        raise SweepError(f"{folder} holds something other than a report; choose another place with -o")
