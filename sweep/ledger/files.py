"""The files of a store, on a local folder or an object store, written whole or not at all."""

import contextlib
import errno
import os
import re
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, urlsplit

import pyarrow as pa
from pyarrow import fs

from sweep import durable
from sweep.errors import SweepError
from sweep.redaction import redacted

_S3_ATTEMPTS = 4
_PATIENCE = 8.0
_PAUSES = 0.5, 4.0
"""Seconds before the first further attempt, and at most before any."""
_PASSING = re.compile(
    r"HTTP status (5\d\d|408|429)|NETWORK_CONNECTION|SLOW_DOWN|SERVICE_UNAVAILABLE|INTERNAL_FAILURE|REQUEST_TIMEOUT|"
    r"curlCode|could not connect|couldn't connect|timeout was reached|timed out|UNAVAILABLE",
    re.IGNORECASE,
)
"""What errors say where an object store may answer a little later."""
# What no URI may hold as it is: blanks, letters like ü, some signs, and a percent sign that begins no escape.
_UNQUOTED = re.compile(r"""[^!-~]|["<>\\^`{|}]|%(?![0-9A-Fa-f]{2})""")
_GCS_SECONDS = 15.0
"""How long Google's storage is tried, unless the URI says (retry_limit_seconds)."""


T = TypeVar("T")


class StoreFiles:
    """Reads, lists and atomically writes files under one URI. Raises SweepError for every fault of the file system.

    An object store that does not answer is asked again for a while; see `be_patient`.
    """

    def __init__(self, uri: str | os.PathLike[str]) -> None:
        text = os.fspath(uri)
        self.address = text
        """The address as given, to open the store again."""
        self.uri = redacted(text)
        """The same without keys, for messages."""
        self._patience = _PATIENCE
        self._note: Callable[[str], None] = lambda line: None
        self._silent = False
        try:
            if "://" in text:
                self._fs, self._base = _from_uri(text)
            else:
                self._fs, self._base = fs.LocalFileSystem(), str(Path(text).expanduser().absolute())
        except (pa.ArrowException, OSError, ValueError) as error:
            raise SweepError(f"the store {self.uri!r} cannot be opened: {_reason(error)}") from None

    @property
    def local(self) -> Path | None:
        """The folder, where the store is a local one."""
        return Path(self._base) if isinstance(self._fs, fs.LocalFileSystem) else None

    def address_of(self, name: str) -> str:
        """Path or URI of a file, without keys, for people."""
        if self.local is not None:
            return str(self.local / name)
        store = urlsplit(self.uri)
        return store._replace(path=f"{store.path.rstrip('/')}/{name}").geturl()

    def list(self, folder: str) -> dict[str, int]:
        """File name to size in bytes, of the files directly in `folder`; empty if there is none."""
        return {info.base_name: info.size for info in self._infos(folder)}

    def times(self, folder: str) -> dict[str, float]:
        """File name to the time it was written, of the files directly in `folder`, in seconds by the store's clock."""
        return {info.base_name: (info.mtime_ns or 0) / 1e9 for info in self._infos(folder)}

    def be_patient(self, seconds: float, note: Callable[[str], None]) -> None:
        """Wait up to `seconds` for an object store that does not answer, and tell `note` about it."""
        self._patience, self._note = seconds, note

    def read(self, name: str) -> bytes | None:
        """The content of a file, or None if there is none."""

        def read() -> bytes | None:
            try:
                with self._fs.open_input_stream(self._path(name)) as stream:
                    return stream.read()
            except FileNotFoundError:
                return None

        return self._try("read", read)

    def read_range(self, name: str, start: int, size: int) -> bytes:
        """`size` bytes of a file from `start`; fewer where it ends before, or is gone."""

        def read() -> bytes:
            try:
                with self._fs.open_input_file(self._path(name)) as file:
                    return file.read_at(min(size, max(0, file.size() - start)), start)
            except FileNotFoundError:
                return b""

        return self._try("read", read)

    def location(self, name: str) -> tuple[fs.FileSystem, str]:
        """Arrow's file system and the file's path on it, for scans."""
        return self._fs, self._path(name)

    def write(self, name: str, content: bytes) -> None:
        """Write a file; a reader sees all of it or nothing, whenever this process or machine dies."""

        def write() -> None:
            if self.local is not None:
                durable.write(self.local / name, content)
            else:
                with self._fs.open_output_stream(self._path(name)) as stream:
                    stream.write(content)

        self._try("written", write)

    def delete(self, name: str) -> None:
        """Remove a file if it is there."""

        def delete() -> None:
            with contextlib.suppress(FileNotFoundError):
                self._fs.delete_file(self._path(name))

        self._try("written", delete)

    def _infos(self, folder: str) -> Sequence[fs.FileInfo]:
        selector = fs.FileSelector(self._path(folder), allow_not_found=True)
        infos = self._try("read", lambda: self._fs.get_file_info(selector))
        return [info for info in infos if info.is_file and durable.TEMPORARY not in info.base_name]

    def _path(self, name: str) -> str:
        return f"{self._base.rstrip('/')}/{name}"

    def _try(self, verb: str, operation: Callable[[], T]) -> T:
        """What the operation returns, once an object store answers. Raises SweepError for a fault that stays."""
        began, pause = time.monotonic(), _PAUSES[0]
        while True:
            try:
                found = operation()
            except (OSError, pa.ArrowException) as error:
                waited = time.monotonic() - began
                if self.local is not None or waited >= self._patience or not _PASSING.search(str(error)):
                    raise self._fault(verb, error) from error
                if not self._silent and waited >= _PAUSES[0]:
                    self._silent = True
                    self._note(
                        f"the store {self.uri} does not answer ({_reason(error)}); waiting for up to "
                        f"{self._patience:g} s"
                    )
                time.sleep(pause)
                pause = min(2 * pause, _PAUSES[1])
            else:
                if self._silent:
                    self._silent = False
                    self._note(f"the store {self.uri} answers again")
                return found

    def _fault(self, verb: str, error: BaseException) -> SweepError:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            return SweepError(
                f"the store {self.uri} is full; free some space and run the same command again, finished trials are "
                "kept"
            )
        return SweepError(
            f"the store {self.uri} cannot be {verb}: {_reason(error)}; fix that or choose another store", "store"
        )


def _from_uri(uri: str) -> tuple[fs.FileSystem, str]:
    system, base = fs.FileSystem.from_uri(_UNQUOTED.sub(lambda found: quote(found[0]), uri))
    # By default Arrow tries for minutes an endpoint that does not answer; its options are found by way of pickling.
    if system.type_name == "gcs":
        _, (options,) = system.__reduce__()
        limit = options["retry_time_limit"] or timedelta(seconds=_GCS_SECONDS)
        system = fs.GcsFileSystem(**options | {"retry_time_limit": limit})
    if isinstance(system, fs.S3FileSystem):
        _, (options,) = system.__reduce__()
        # Then a small file is put at once and has the time of the put, as leases need it.
        options["allow_delayed_open"] = True
        system = fs.S3FileSystem(**options, retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_S3_ATTEMPTS))
    return system, base


def _reason(error: BaseException) -> str:
    code = getattr(error, "errno", None)
    # The messages of AWS and Google begin with the fault; the rest says how often they were asked.
    text = os.strerror(code) if code else str(error) or type(error).__name__
    return redacted(text.splitlines()[0].partition(" error_info=")[0].rstrip("."))
