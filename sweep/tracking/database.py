"""MLflow's databases: made whole, refused in one sentence, and kept in the store that they were copied with.

MLflow writes the absolute address of its files into the database. It has no call to change that, so this module alone
knows the tables that hold it, `experiments` and `runs`.
"""

import contextlib
import logging
import sqlite3
from pathlib import Path

from mlflow import MlflowClient
from sqlalchemy import NullPool, create_engine, text

from sweep import durable
from sweep.errors import SweepError
from sweep.ledger.lock import folder_lock
from sweep.tracking.location import database_uri, is_database, sqlite_path

for _logger in ("mlflow", "alembic"):
    # Their errors come with pages of traceback, and are raised as well.
    logging.getLogger(_logger).setLevel(logging.CRITICAL)

_SQLITE = b"SQLite format 3\0"
_SECONDS = 30.0
"""How long to wait for another process that writes to the database."""


def prepare(uri: str) -> None:
    """Make an SQLite database whole or not at all, since MLflow could never open one that lacks some tables.

    Connect once to any database that is there: MLflow would try a damaged one or a silent server for minutes. Raises
    SweepError for a damaged file, and what the driver raises.
    """
    path = sqlite_path(uri)
    if path is None:
        if is_database(uri):
            create_engine(uri, poolclass=NullPool).connect().close()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with folder_lock(path.parent):
        if path.exists():
            _check(path)
        else:
            _create(path)


def _create(path: Path) -> None:
    temporary = durable.beside(path)
    try:
        # SQLite keeps the permissions of a file that is there, and with them the user's umask.
        temporary.touch()
        MlflowClient(tracking_uri=database_uri(temporary)).search_experiments(max_results=1)
        durable.move(temporary, path)
    finally:
        for end in ("", "-journal", "-wal", "-shm"):
            temporary.with_name(f"{temporary.name}{end}").unlink(missing_ok=True)


def _check(path: Path) -> None:
    if path.is_dir():
        raise SweepError(f"{path} is a folder; move it away, and `sweep track` makes MLflow's database there")
    with path.open("rb") as file:
        start = file.read(len(_SQLITE))
    # An empty file is a database without tables.
    fault = None if start in (b"", _SQLITE) else "is not an SQLite database"
    if fault is None and start:
        try:
            with contextlib.closing(sqlite3.connect(path, timeout=_SECONDS)) as connection:
                fault = None if connection.execute("pragma quick_check(1)").fetchone() == ("ok",) else "is damaged"
        except sqlite3.OperationalError as error:
            raise SweepError(f"MLflow's database {path} cannot be opened: {error}") from None
        except sqlite3.DatabaseError:
            fault = "is damaged"
    if fault is not None:
        raise SweepError(f"{path} {fault}; move it away, and `sweep track` makes it anew")


def relocate(uri: str, artifacts: str) -> None:
    """Bring the addresses of files in a store's own database to where the store is now, under `artifacts`.

    A store that was copied or moved would otherwise write into its old place.
    """
    with create_engine(uri, poolclass=NullPool).begin() as connection:
        found = connection.execute(text("select experiment_id, name, artifact_location from experiments")).all()
        for experiment, name, before in found:
            now = f"{artifacts}/{name}"
            if before == now or not before.endswith(f"/artifacts/{name}"):
                continue
            values = {"experiment": experiment, "before": before, "now": now}
            connection.execute(
                text("update experiments set artifact_location = :now where experiment_id = :experiment"), values
            )
            connection.execute(
                text(
                    "update runs set artifact_uri = :now || substr(artifact_uri, length(:before) + 1) "
                    "where experiment_id = :experiment and substr(artifact_uri, 1, length(:before)) = :before"
                ),
                values,
            )


def analyze(uri: str) -> None:
    """Let SQLite learn how full its tables are, without which it sorts thousands of runs ten times more slowly.

    Does nothing to other databases, which learn it by themselves, nor where another process writes.
    """
    path = sqlite_path(uri)
    if path is not None:
        with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("analyze")
            connection.commit()
