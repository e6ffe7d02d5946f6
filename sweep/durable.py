"""Files that exist whole or not at all, whenever this process or machine dies."""

import contextlib
import os
import uuid
from pathlib import Path

TEMPORARY = ".tmp-"
"""Prefix of the name of a file that is being written."""


def write(path: Path, content: bytes) -> None:
    """Write a file and the folders it needs. Raises OSError, and then leaves nothing behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = beside(path)
    try:
        temporary.write_bytes(content)
        move(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def write_new(path: Path, content: bytes) -> None:
    """Write a file in a folder where none has its name. Raises OSError, and then leaves nothing behind."""
    temporary = beside(path)
    try:
        temporary.write_bytes(content)
        _sync(temporary)
        # Unlike a rename, a link never replaces a file.
        os.link(temporary, path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def beside(path: Path) -> Path:
    """A new name in the same folder for a file that is being written."""
    return path.with_name(f"{TEMPORARY}{uuid.uuid4().hex}")


def move(finished: Path, path: Path) -> None:
    """Move a file to its place on the same file system. Raises OSError."""
    _sync(finished)
    finished.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
