"""The place of a store's MLflow runs."""

from pathlib import Path

from sweep.errors import SweepError
from sweep.ledger import Ledger

_SQLITE = "sqlite:///"
_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")


def tracking_uri(ledger: Ledger, given: str | None) -> str:
    """The given tracking URI, or by default that of an SQLite file inside a local store.

    Raises SweepError for an object store by default, since it cannot hold a database.
    """
    if given is not None:
        return given
    folder = ledger.files.local
    if folder is None:
        raise SweepError(
            f"{ledger.uri} is an object store, which cannot hold MLflow's database; give the address of a server or "
            "sqlite:///PATH, or turn tracking off",
            "tracking",
            "no_track",
        )
    return f"{_SQLITE}{folder / 'mlflow.db'}"


def artifact_location(ledger: Ledger, uri: str) -> str | None:
    """The URI for artifacts of runs in a database: inside a local store, or beside an SQLite file.

    None leaves the choice to MLflow; a server makes it itself.
    """
    if not is_database(uri):
        return None
    path = sqlite_path(uri)
    folder = ledger.files.local or (path.absolute().parent if path is not None else None)
    return (folder / "artifacts").as_uri() if folder is not None else None


def is_database(uri: str) -> bool:
    """Whether a tracking URI is that of a database and not of an MLflow server."""
    return uri.partition(":")[0].partition("+")[0] in _DATABASES


def sqlite_path(uri: str) -> Path | None:
    """The database's file if the tracking URI is one of SQLite, else None."""
    return Path(uri.removeprefix(_SQLITE)) if uri.startswith(_SQLITE) else None
