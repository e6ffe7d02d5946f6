"""``sweep status`` and ``query``: show what is in a store."""

import json as json_module
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from sweep.cli.options import DEFAULT_STORE, Flag, Store, Stores
from sweep.cli.show_answer import Format, show
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
    format: Format | None = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    outside: Flag = False,
) -> None:
    """Answer an SQL query over the tables trials, curves, measurements, plan and pairs.

    Parameters
    ----------
    sql
        A query in DuckDB's dialect, such as "select architecture, avg(val_loss) from trials group by 1"; "show tables"
        lists the tables, and "describe trials" the columns of one.
    format
        table, csv, json (one array of rows), arrow (an IPC stream) or parquet; by default a table, or what the ending
        of the output's name says. A table that is too wide for the terminal leaves out constants, or prints row by row.
    output
        File to write to, which must not be there yet.
    outside
        Let the query also read files and addresses, and load DuckDB's extensions.
    """
    import analysis

    show(analysis.open(*store).sql(sql, outside), format, output)


def _counts(planned: Collection[str], status: dict[str, str]) -> dict[str, int]:
    ended = Counter(status.get(trial_id, "missing") for trial_id in planned)
    return {"planned": len(planned), **{state: ended[state] for state in _STATES}}
