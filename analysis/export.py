"""Results as files for other programs, each trial once: a store's own files hold copies that a query leaves out."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from analysis.results import TABLES, Results
from sweep.errors import SweepError
from sweep.ledger.meanings import described

EXPORTED = ("trials", "curves", "measurements", "plan", "pairs")


def export(results: Results, target: Path, form: str) -> list[Path]:
    """Write every table of the results; returns the files.

    `form` is ``parquet`` or ``csv``, a file per table in a new folder, or ``duckdb``, one new database. Parquet files
    and the database say what their columns mean. Nothing is left where it fails. Raises SweepError where the target is
    there already, or cannot be written.
    """
    if target.exists() or target.is_symlink():
        raise SweepError(f"{target} is there already; remove it, or give another name")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as beside:
            made = Path(beside) / "made"
            WRITERS[form](results, made)
            # The name was free a moment ago, and a folder that is there is not replaced.
            made.rename(target)
    except (OSError, duckdb.IOException) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise SweepError(f"{target} cannot be written: {reason}") from None
    return sorted(target.iterdir()) if target.is_dir() else [target]


def _table(results: Results, name: str) -> pa.Table:
    return described(name, results.sql(f"select * from {name}"))


def _files(write: Callable[[pa.Table, Path], None], ending: str) -> Callable[[Results, Path], None]:
    def written(results: Results, folder: Path) -> None:
        folder.mkdir()
        for name in EXPORTED:
            write(_table(results, name), folder / f"{name}.{ending}")

    return written


def _database(results: Results, file: Path) -> None:
    with duckdb.connect(str(file)) as database:
        for name in EXPORTED:
            table = _table(results, name)
            database.register("given", table)
            database.execute(f'create table "{name}" as select * from given')
            database.unregister("given")
            database.execute(f'comment on table "{name}" is {_quoted(TABLES[name])}')
            for field in table.schema:
                said = (field.metadata or {}).get(b"description", b"").decode()
                database.execute(f'comment on column "{name}"."{field.name}" is {_quoted(said)}')


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


WRITERS: dict[str, Callable[[Results, Path], None]] = {
    "parquet": _files(lambda table, path: pq.write_table(table, path), "parquet"),
    "csv": _files(lambda table, path: pcsv.write_csv(table, path), "csv"),
    "duckdb": _database,
}
