"""The folder that keeps data sets, and the lock for writing into it."""

import fcntl
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sweep.data.specs import Log
from sweep.errors import SweepError


def cache_dir() -> Path:
    """The folder of the cache: $SWEEP_DATA, else deep-parallel-sweep in $XDG_CACHE_HOME, else in ~/.cache.

    Raises SweepError if none of them is known.
    """
    try:
        chosen = os.environ.get("SWEEP_DATA")
        return Path(chosen).expanduser().absolute() if chosen else cache_base()
    except RuntimeError as error:
        raise SweepError("The home folder is unknown; set SWEEP_DATA to a folder for the data sets.") from error


def cache_base() -> Path:
    """This program's folder in the user's cache. Raises RuntimeError if the home folder is unknown."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG base directory specification says to ignore a relative path.
    return (base if base.is_absolute() else Path.home() / ".cache") / "deep-parallel-sweep"


def cache_file(name: str, cache: Path | None = None) -> Path:
    """The file of the data set ``name`` in the folder ``cache``, by default :func:`cache_dir`."""
    return (cache_dir() if cache is None else Path(cache).absolute()) / f"{name}.arrow"


@contextmanager
def workspace(target: Path, log: Log) -> Generator[Path]:
    """An empty scratch folder beside ``target``, held by one process at a time and removed afterwards.

    Its name is fixed, so the next process also removes what a killed one left. Raises SweepError if the cache cannot
    be written, in here or in the body.
    """
    folder = target.parent
    scratch = folder / f".{target.stem}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The lock's file stays: were it removed, two processes could hold the locks of two files.
        with (folder / f".{target.stem}.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                log(f"{target.stem}: waiting for another process that is writing {target}")
                fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                shutil.rmtree(scratch, ignore_errors=True)
                scratch.mkdir()
                yield scratch
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise SweepError(
            f"The data cache {folder} cannot be written ({reason}); fix that or set SWEEP_DATA to another folder."
        ) from error
