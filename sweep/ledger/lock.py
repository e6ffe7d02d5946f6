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
        descriptor = _opened(path)
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


def _opened(path: Path) -> int:
    """The lock's file, which everybody may write whom the user's umask and the folder let."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError:
        # Another user's, from a version or under a umask that lets nobody else write: the system locks it all the same.
        return os.open(path, os.O_RDONLY)


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Wait for and hold the lock of a folder itself, where its file system has such locks."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems lock files alone.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
