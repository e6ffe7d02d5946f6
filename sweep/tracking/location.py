"""The place of a store's MLflow runs."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from sweep.errors import SweepError
from sweep.ledger import Ledger
from sweep.redaction import redacted

_SQLITE, _WITH_DRIVER = "sqlite:///", "sqlite+pysqlite:///"
_SERVED = ("postgresql", "mysql", "mssql")
_DATABASES = ("sqlite", *_SERVED)
_NAME = "mlflow.db"


def tracking_uri(ledger: Ledger, given: str | None) -> str:
    """The given tracking URI, or by default that of an SQLite file inside a local store.

    Raises SweepError for what is no address, and for an object store by default, since it cannot hold a database.
    """
    if given is not None:
        check_address(given)
        return given
    folder = ledger.files.local
    if folder is None:
        raise SweepError(
            f"{ledger.uri} is an object store, which cannot hold MLflow's database; give the address of a server or "
            "sqlite:///PATH, or turn tracking off",
            "tracking",
            "no_track",
        )
    return database_uri(folder / _NAME)


def check_address(uri: str) -> None:
    """Raise SweepError for a tracking URI that MLflow could not use, or would take for something else."""
    scheme, separator, rest = uri.partition("://")
    kind = scheme.partition("+")[0] if separator else ""
    if kind == "sqlite":
        path = rest[1:]
        # A database in memory would end with the process.
        right = (
            rest[:1] == "/" and path not in ("", ":memory:") and "?" not in path and not Path(unquote(path)).is_dir()
        )
    else:
        right = bool(_host(uri)) if kind in ("http", "https") else kind in _DATABASES and bool(rest)
    if right:
        if kind in _SERVED:
            _check_driver(uri)
        return
    file, hint = rest if kind == "sqlite" else uri, ""
    if "?" in file and kind == "sqlite":
        hint = "; write a ? in a path as %3F"
    elif file.endswith(".db") and ":" not in file:
        hint = f"; did you mean {_SQLITE}{file}?"
    raise SweepError(
        f"tracking is {redacted(uri)!r}, but takes a server such as http://HOST:5000, or a database such as "
        f"{_SQLITE}PATH/mlflow.db or postgresql://USER@HOST/NAME{hint}",
        "tracking",
    )


def _check_driver(uri: str) -> None:
    """Raise SweepError for a database whose driver is not installed, or an address that the driver cannot read."""
    # It takes a while to import, and most runs are in SQLite.
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError

    try:
        create_engine(uri)
    except ModuleNotFoundError as error:
        raise SweepError(
            f"tracking needs the package {error.name} for {redacted(uri)}; for PostgreSQL, "
            "run pip install 'deep-parallel-sweep[postgresql]'",
            "tracking",
        ) from None
    except SQLAlchemyError as error:
        raise SweepError(f"tracking is {redacted(uri)!r}, which cannot be read: {error}", "tracking") from None


def _host(uri: str) -> str | None:
    try:
        return urlsplit(uri).hostname
    except ValueError:
        return None


def database_uri(path: Path) -> str:
    """The tracking URI of an SQLite file."""
    quoted = str(path).replace("%", "%25").replace("?", "%3F")
    # Given the short form, MLflow makes the folder of the quoted path beside the one that is meant.
    return f"{_SQLITE if quoted == str(path) else _WITH_DRIVER}{quoted}"


def own_database(ledger: Ledger, uri: str) -> bool:
    """Whether a tracking URI is of the database that a store keeps itself."""
    folder, path = ledger.files.local, sqlite_path(uri)
    return folder is not None and path is not None and path.absolute() == folder / _NAME


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
    driver, separator, path = uri.partition(":///")
    return Path(unquote(path.partition("?")[0])) if separator and driver.partition("+")[0] == "sqlite" else None
