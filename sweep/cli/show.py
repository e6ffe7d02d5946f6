"""``sweep status`` and ``query``: show what is in a store."""

import json as json_module
import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

import pyarrow as pa
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sweep.cli.options import DEFAULT_STORE, Flag, Store, Stores
from sweep.errors import SweepError
from sweep.ledger import Ledger, unmarked_note

_UNLIMITED = 1000
_STATES = ("finished", "diverged", "failed", "missing")


def status(*, store: Store = DEFAULT_STORE, json: Flag = False) -> None:
    """Show how many trials of each sweep in a store are finished, diverged, failed or missing.

    Parameters
    ----------
    json
        Print JSON.
    """
    ledger = Ledger.open(store)
    sweeps = ledger.sweeps()
    rows = [
        {"sweep_id": sweep_id, "study": sweep.study, **_counts(sweep.trial_ids, ledger.contents.status)}
        for sweep_id, sweep in sweeps.items()
    ]
    every = {trial_id for sweep in sweeps.values() for trial_id in sweep.trial_ids}
    total = _counts(every, ledger.contents.status)
    damaged, unmarked = sorted(ledger.hiding().values()), unmarked_note(ledger) if ledger.files.local else None
    if json:
        print(
            json_module.dumps(
                {"store": ledger.uri, "sweeps": rows, "total": total, "damaged": damaged, "unmarked": unmarked},
                indent=1,
            )
        )
        return
    console = Console(highlight=False)
    _print_status(rows, total, ledger.uri, console)
    for fault in damaged:
        console.print(f"damaged: {fault}; run its sweep again to train these trials anew", markup=False)
    if unmarked is not None:
        console.print(unmarked, markup=False)


def _print_status(rows: Sequence[Mapping[str, Any]], total: Mapping[str, int], uri: str, console: Console) -> None:
    """A table of sweeps and their states, or a line per sweep where the terminal is too narrow for it."""
    table = Table("study", "sweep", *total, title=f"store {uri}", title_justify="left")
    for row in rows:
        table.add_row(row["study"], row["sweep_id"][:8], *(str(row[state]) for state in total))
    table.add_section()
    table.add_row("all", "", *map(str, total.values()))
    if console.measure(table, options=console.options.update(width=_UNLIMITED)).minimum <= console.width:
        console.print(table)
        return
    console.print(f"store {uri}", markup=False, soft_wrap=True)
    for row in (*rows, {"study": "all", "sweep_id": "", **total}):
        states = ", ".join(f"{row[state]} {state}" for state in total if row[state])
        console.print(f"{row['study']} {row['sweep_id'][:8]}".strip() + f": {states}", markup=False, soft_wrap=True)


def query(
    sql: str,
    /,
    *,
    store: Stores = (DEFAULT_STORE,),
    format: Literal["table", "csv", "json", "arrow"] = "table",
    outside: Flag = False,
) -> None:
    """Answer an SQL query over the tables trials, curves, measurements, plan and pairs.

    Parameters
    ----------
    sql
        A query in DuckDB's dialect, such as "select architecture, avg(val_loss) from trials group by 1".
    format
        table, csv, json (one array of rows) or arrow (an IPC stream to redirect).
    outside
        Let the query also read files and addresses, and load DuckDB's extensions.
    """
    import analysis

    answer = analysis.open(*store).sql(sql, outside)
    try:
        _print_answer(answer, format)
    except (OverflowError, pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        # Such as DuckDB's infinite dates, and its bits.
        reason = str(error).partition("\n")[0]
        raise SweepError(
            f"--format {format} cannot hold a value of the answer ({reason}); cast it to varchar"
        ) from None


def _print_answer(answer: pa.Table, format: str) -> None:
    if format == "arrow":
        if sys.stdout.isatty():
            raise SweepError("Arrow is binary; redirect it to a file, or choose another --format")
        with pa.ipc.new_stream(sys.stdout.buffer, answer.schema) as writer:
            writer.write_table(answer)
    elif format == "csv":
        import pyarrow.csv as pcsv

        nested = [field.name for field in answer.schema if field.type.num_fields]
        if nested:
            raise SweepError(f"{nested[0]!r} holds lists or structures, which CSV cannot hold; choose another --format")
        # At once, so that a value that CSV cannot hold leaves no half of an answer.
        sink = pa.BufferOutputStream()
        pcsv.write_csv(answer, sink)
        sys.stdout.buffer.write(sink.getvalue())
    elif format == "json":
        names = answer.schema.names
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise SweepError(f"two columns are named {twice[0]!r}; rename one with 'as'")
        from analysis.plain import plain

        print(json_module.dumps(plain(answer.to_pylist()), default=str, indent=1, allow_nan=False))
    else:
        console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
        table = Table(*answer.schema.names)
        # Two columns may have the same name, so a row is not a mapping.
        for row in zip(*(column.to_pylist() for column in answer.columns), strict=True):
            table.add_row(*(Text(_cell(value)) for value in row))
        console.print(table)


def _counts(planned: Collection[str], status: dict[str, str]) -> dict[str, int]:
    ended = Counter(status.get(trial_id, "missing") for trial_id in planned)
    return {"planned": len(planned), **{state: ended[state] for state in _STATES}}


def _cell(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else str(value)
