"""Shows the answer to a query: as a table that fits the terminal, or in a format for other programs."""

import io
import json
import sys
from pathlib import Path
from typing import Literal, get_args

import pyarrow as pa
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sweep import durable
from sweep.errors import SweepError

Format = Literal["table", "csv", "json", "arrow", "parquet"]
_BINARY = ("arrow", "parquet")
_UNLIMITED = 100_000


def show(answer: pa.Table, chosen: Format | None, output: Path | None) -> None:
    """Print an answer, or write it to a file that is not there yet; its name chooses the format unless one is given.

    Raises SweepError where the format cannot hold a value, and for a file that is there.
    """
    form = chosen or (_of_suffix(output) if output is not None else "table")
    if output is None and form in _BINARY and sys.stdout.isatty():
        raise SweepError(f"{form} is binary; redirect it to a file, or choose another --format")
    content = b""
    try:
        # At once, so that a value that a format cannot hold leaves no half of an answer.
        if form == "table" and output is None:
            _print_table(answer, Console(highlight=False, markup=False), fit=sys.stdout.isatty())
        else:
            content = encoded(answer, form)
    except (OverflowError, pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        # Such as DuckDB's infinite dates, and its bits.
        reason = str(error).partition("\n")[0]
        raise SweepError(f"--format {form} cannot hold a value of the answer ({reason}); cast it to varchar") from None
    if output is None:
        sys.stdout.buffer.write(content)
    else:
        _write(output, content)


def encoded(answer: pa.Table, form: Format) -> bytes:
    """An answer in a format. Raises SweepError for a column that it cannot hold."""
    sink = pa.BufferOutputStream()
    if form == "table":
        text = io.StringIO()
        _print_table(answer, Console(file=text, highlight=False, markup=False), fit=False)
        return text.getvalue().encode()
    if form == "json":
        from analysis.plain import plain

        _refuse_twins(answer)
        return (json.dumps(plain(answer.to_pylist()), default=str, indent=1, allow_nan=False) + "\n").encode()
    if form == "csv":
        import pyarrow.csv as pcsv

        nested = [field.name for field in answer.schema if field.type.num_fields]
        if nested:
            raise SweepError(f"{nested[0]!r} holds lists or structures, which CSV cannot hold; choose another --format")
        pcsv.write_csv(answer, sink)
    elif form == "parquet":
        import pyarrow.parquet as pq

        _refuse_twins(answer)
        pq.write_table(answer, sink)
    else:
        with pa.ipc.new_stream(sink, answer.schema) as writer:
            writer.write_table(answer)
    return sink.getvalue().to_pybytes()


def _write(path: Path, content: bytes) -> None:
    try:
        durable.write_new(path, content)
    except FileExistsError:
        raise SweepError(f"{path} is there already; remove it, or give another name", "output") from None
    except OSError as error:
        raise SweepError(f"{path} cannot be written: {error.strerror or error}", "output") from None


def _of_suffix(path: Path) -> Format:
    known: dict[str, Format] = {f".{form}": form for form in get_args(Format)}
    if path.suffix.lower() not in known:
        raise SweepError(f"{path} has no ending that says its format ({', '.join(known)}); give --format", "output")
    return known[path.suffix.lower()]


def _refuse_twins(answer: pa.Table) -> None:
    names = answer.schema.names
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise SweepError(f"two columns are named {twice[0]!r}; rename one with 'as'")


def _print_table(answer: pa.Table, console: Console, fit: bool) -> None:
    """A table; to fit a narrow terminal without what is constant, or else row by row."""
    # Two columns may have the same name, so a row is not a mapping.
    names, columns = answer.schema.names, [[_cell(value) for value in of.to_pylist()] for of in answer.columns]
    needed = _width(console, names, columns)
    if not fit:
        # Into a file or a pipe, whatever the terminal's width: rich would leave nothing of many columns.
        console.width = max(console.width, needed)
    if needed <= console.width:
        console.print(_table(names, columns))
        return
    same = [place for place, of in enumerate(columns) if len(of) > 1 and len(set(of)) == 1]
    rest = [place for place in range(len(names)) if place not in same]
    kept = [names[place] for place in rest], [columns[place] for place in rest]
    if rest and _width(console, *kept) <= console.width:
        console.print(_table(*kept))
    else:
        _print_rows(*kept, console)
    if same:
        said = ", ".join(f"{names[place]} {columns[place][0] or 'null'}" for place in same)
        console.print(f"constant: {said}", soft_wrap=True)
    if not answer.num_rows:
        console.print(f"no rows, of {', '.join(names)}", soft_wrap=True)


def _print_rows(names: list[str], columns: list[list[str]], console: Console) -> None:
    """One row after another, a line per column."""
    wide = max(map(len, names), default=0)
    for number, row in enumerate(zip(*columns, strict=True), 1):
        console.rule(f"row {number}", align="left", style="", characters="-")
        for name, value in zip(names, row, strict=True):
            console.print(f"{name:<{wide}}  {value}", soft_wrap=True)


def _table(names: list[str], columns: list[list[str]]) -> Table:
    table = Table(*names)
    for row in zip(*columns, strict=True):
        table.add_row(*map(Text, row))
    return table


def _width(console: Console, names: list[str], columns: list[list[str]]) -> int:
    return console.measure(_table(names, columns), options=console.options.update(width=_UNLIMITED)).maximum


def _cell(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else str(value)
