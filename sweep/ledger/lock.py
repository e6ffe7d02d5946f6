"""Locks of a local store: the operating system's, which vanish with their process however it ends."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from sweep.errors import SweepError


class Lock(Protocol):
    """A lock that is held."""

    def check(self) -> None:
        """Raise SweepError if it is no longer held."""
        ...


class _FileLock:
    def check(self) -> None:
        """Nothing to check: the system gives the lock to nobody else."""


@contextlib.contextmanager
def file_lock(store: str, path: Path, wait: bool) -> Iterator[Lock]:
    """Hold the lock of a file; messages call its store `store`.

    Raises SweepError if another process holds it, unless told to wait, and where the file system has no locks.
    """
    try:
        path.parent.mkdir(exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise SweepError(f"the store {store} cannot be written: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise SweepError(
                f"this sweep is already running on the store {store}; wait for it, or end it and run again"
            ) from None
        except OSError as error:
            raise SweepError(f"the store {store} cannot be locked: {error.strerror}; choose another", "store") from None
        yield _FileLock()
    finally:
        os.close(descriptor)
