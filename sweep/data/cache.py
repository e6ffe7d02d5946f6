"""Where data sets are kept, and the lock under which one is put there."""

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

    Raises SweepError when none of them is known.
    """
    try:
        if chosen := os.environ.get("SWEEP_DATA"):
            return Path(chosen).expanduser().absolute()
        base = Path(os.environ.get("XDG_CACHE_HOME", ""))
        # The XDG base directory specification has a relative path ignored.
        return (base if base.is_absolute() else Path.home() / ".cache") / "deep-parallel-sweep"
    except RuntimeError as error:
        raise SweepError("The home folder is unknown; set SWEEP_DATA to a folder for the data sets.") from error


def cache_file(name: str, cache: Path | None) -> Path:
    """The file of the data set ``name`` in the folder ``cache``, by default :func:`cache_dir`."""
    return (cache_dir() if cache is None else Path(cache).absolute()) / f"{name}.arrow"


@contextmanager
def workspace(target: Path, log: Log) -> Generator[Path]:
    """An empty scratch folder beside ``target``, held by one process at a time and gone afterwards.

    Its name is fixed, so that whatever a killed process left in it goes too. Raises SweepError when the cache
    cannot be written, in here or in the body.
    """
    folder = target.parent
    scratch = folder / f".{target.stem}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The lock's file stays: were it removed, two processes could hold the locks of two files.
        with (folder / f".{target.stem}.lock").open("a") as lock:
            _acquire(lock.fileno(), target, log)
            try:
                shutil.rmtree(scratch, ignore_errors=True)
                scratch.mkdir()
                yield scratch
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise SweepError(
            f"The data cache {folder} cannot be written ({reason}); mend that or point SWEEP_DATA elsewhere."
        ) from error


def _acquire(lock: int, target: Path, log: Log) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        log(f"{target.stem}: waiting for another process that is writing {target}")
        fcntl.flock(lock, fcntl.LOCK_EX)


def publish(finished: Path, target: Path) -> None:
    """Move the file ``finished`` to ``target``, whole and durably or not at all; they share a file system."""
    _sync(finished)
    finished.replace(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
