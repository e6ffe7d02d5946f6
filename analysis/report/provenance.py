"""Where a report comes from: its trials, their factors, the devices, when and how long, and the program."""

import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from analysis.formats import DASH, factor_name, level_name, listed
from analysis.report.content import Column, Table
from analysis.results import Results
from sweep.ledger import training_factors

_PROGRAM = "deep-parallel-sweep"
_SHOWN = 12


def provenance(results: Results, study: str) -> tuple[Table, Table]:
    """Where the results of a study come from: what varies among its trials, and what does not."""
    trials = results.table("trials", where=pc.field("study") == study)
    levels = {name: _levels(trials[name]) for name in training_factors() if name in trials.schema.names}
    facts = [
        ("stores", ", ".join(results.uris)),
        ("results", _when(trials)),
        ("training time", _duration(sum(trials["seconds"].to_pylist())) + ", summed over trials"),
        ("devices", ", ".join(_levels(trials["device"]))),
        ("this page", f"written by {_PROGRAM} {program_version()}"),
        *((factor_name(name), _listed(each)) for name, each in levels.items() if len(each) > 1),
    ]
    constant = [(factor_name(name), _listed(each)) for name, each in levels.items() if len(each) == 1]
    return (
        _facts("trials_and_devices", facts, "Trials, devices, and the factors that vary"),
        _facts("constant_factors", constant, "The others"),
    )


def _facts(name: str, facts: Sequence[tuple[str, str]], caption: str) -> Table:
    rows = [{"what": what, "value": value} for what, value in facts]
    return Table(name, (Column("what", "what"), Column("value", "value")), rows, caption)


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
    if len(levels) <= _SHOWN:
        return listed(levels)
    return f"{len(levels)} values from {level_name(levels[0])} to {level_name(levels[-1])}"


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
