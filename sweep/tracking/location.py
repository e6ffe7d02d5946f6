"""Where a store's MLflow runs are."""

from pathlib import Path

from sweep.errors import SweepError
from sweep.ledger import Ledger

_SQLITE = "sqlite:///"
_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")


def tracking_uri(ledger: Ledger, given: str | None) -> str:
    """The tracking URI: the one given, else an SQLite file inside a local store.

    Raises SweepError for an object store without one, which has no place for a database.
    """
    if given is not None:
        return given
    folder = ledger.files.local
    if folder is None:
        raise SweepError(
            f"{ledger.uri} is an object store, which cannot hold MLflow's database; give the address of one, as "
            "sqlite:///PATH or a server's, or turn tracking off",
            "tracking",
            "no_track",
        )
    return f"sqlite:///{folder / 'mlflow.db'}"


def artifact_location(ledger: Ledger, uri: str) -> str | None:
    """Where artifacts of runs in a database go: into a local store, or beside an SQLite file.

    None where MLflow is to decide: a server does so for itself.
    """
    if not is_database(uri):
        return None
    path = sqlite_path(uri)
    folder = ledger.files.local or (path.absolute().parent if path is not None else None)
    return (folder / "artifacts").as_uri() if folder is not None else None


def is_database(uri: str) -> bool:
    """Whether runs are written to a database without a server of MLflow's in between."""
    return uri.partition(":")[0].partition("+")[0] in _DATABASES


def sqlite_path(uri: str) -> Path | None:
    """The database's file, where the tracking URI is an SQLite one."""
    return Path(uri.removeprefix(_SQLITE)) if uri.startswith(_SQLITE) else None
