"""Where a report comes from: its trials, their factors, the devices, when and how long, and the program."""

import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from analysis.formats import DASH
from analysis.report.document import Details, Prose, Section, Table
from analysis.report.words import columns, factor_name
from analysis.results import Results
from sweep.ledger import training_factors

_PROGRAM = "deep-parallel-sweep"
_SHOWN = 12


def section(results: Results, study: str) -> Section:
    """The trials of a study that have a result."""
    trials = results.table("trials", where=pc.field("study") == study)
    levels = {name: _levels(trials[name]) for name in training_factors() if name in trials.schema.names}
    varied = {name: each for name, each in levels.items() if len(each) > 1}
    fixed = {name: each for name, each in levels.items() if len(each) == 1}
    facts = [
        ["stores", ", ".join(results.uris)],
        ["results", _when(trials)],
        ["training time", _duration(sum(trials["seconds"].to_pylist())) + ", summed over trials"],
        ["devices", ", ".join(_levels(trials["device"]))],
        ["this page", f"written by {_PROGRAM} {program_version()}"],
        *([factor_name(name), _listed(each)] for name, each in varied.items()),
    ]
    constant = [[factor_name(name), _listed(each)] for name, each in fixed.items()]
    return Section(
        "provenance",
        "Where this comes from",
        [
            Prose(f"{trials.num_rows} trials of the study {study} have a result. These factors vary among them:"),
            Table(columns("what", "<value"), facts, "Trials, devices, and the factors that vary"),
            Details("Factors that are the same in all trials", [Table(columns("factor", "<value"), constant)]),
        ],
    )


def program_version() -> str:
    """The program's version, with its commit where it runs from a checkout."""
    try:
        name = version(_PROGRAM)
    except PackageNotFoundError:
        name = "of an unknown version"
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return name
    asked = subprocess.run(
        ["git", "-C", str(root), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return f"{name}, commit {asked.stdout.strip()}" if asked.returncode == 0 else name


def _levels(column: pa.ChunkedArray) -> list[Any]:
    return sorted(column.unique().drop_null().to_pylist())


def _listed(levels: Sequence[Any]) -> str:
    words = [f"{level:g}" if isinstance(level, float) else str(level) for level in levels]
    return ", ".join(words) if len(words) <= _SHOWN else f"{len(words)} values from {words[0]} to {words[-1]}"


def _when(trials: pa.Table) -> str:
    times = trials["finished_at"].drop_null().to_pylist()
    if not times:
        return DASH
    first, last = (f"{time:%Y-%m-%d %H:%M}" for time in (min(times), max(times)))
    return f"from {first} to {last} UTC"


def _duration(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
