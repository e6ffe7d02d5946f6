"""Where a store's MLflow runs are."""

from pathlib import Path

from sweep.errors import SweepError
from sweep.ledger import Ledger

_SQLITE = "sqlite:///"


def tracking_uri(ledger: Ledger, given: str | None) -> str:
    """The tracking URI: the one given, else an SQLite file inside a local store.

    Raises SweepError for an object store without one, which has no place for a database.
    """
    if given is not None:
        return given
    folder = ledger.files.local
    if folder is None:
        raise SweepError(
            f"{ledger.uri} is an object store, which cannot hold MLflow's database; give one with "
            "--tracking sqlite:///PATH or a server's address, or turn tracking off with --no-track"
        )
    return f"sqlite:///{folder / 'mlflow.db'}"


def artifact_location(ledger: Ledger, uri: str) -> str | None:
    """Where artifacts of runs in the store's own database go; a server decides for itself."""
    folder = ledger.files.local
    if folder is None or not uri.startswith("sqlite:"):
        return None
    return (folder / "artifacts").as_uri()


def sqlite_path(uri: str) -> Path | None:
    """The database's file, where the tracking URI is an SQLite one."""
    return Path(uri.removeprefix(_SQLITE)) if uri.startswith(_SQLITE) else None
