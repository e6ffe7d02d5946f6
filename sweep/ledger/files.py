"""The files of a store, on a local folder or an object store, written whole or not at all."""

import contextlib
import errno
import os
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

import pyarrow as pa
from pyarrow import fs

from sweep import durable
from sweep.errors import SweepError
from sweep.redaction import redacted

_S3_ATTEMPTS = 4
# What no URI may hold as it is: blanks, letters like ü, some signs, and a percent sign that begins no escape.
_UNQUOTED = re.compile(r"""[^!-~]|["<>\\^`{|}]|%(?![0-9A-Fa-f]{2})""")
_GCS_SECONDS = 15.0
"""How long Google's storage is tried, unless the URI says (retry_limit_seconds)."""


class StoreFiles:
    """Reads, lists and atomically writes files under one URI. Raises SweepError for every fault of the file system."""

    def __init__(self, uri: str | os.PathLike[str]) -> None:
        text = os.fspath(uri)
        self.address = text
        """The address as given, to open the store again."""
        self.uri = redacted(text)
        """The same without keys, for messages."""
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

    def read(self, name: str) -> bytes | None:
        """The content of a file, or None if there is none."""
        with self._faults("read"):
            try:
                with self._fs.open_input_stream(self._path(name)) as stream:
                    return stream.read()
            except FileNotFoundError:
                return None

    def read_range(self, name: str, start: int, size: int) -> bytes:
        """`size` bytes of a file from `start`; fewer where it ends before, or is gone."""
        with self._faults("read"):
            try:
                with self._fs.open_input_file(self._path(name)) as file:
                    return file.read_at(min(size, max(0, file.size() - start)), start)
            except FileNotFoundError:
                return b""

    def location(self, name: str) -> tuple[fs.FileSystem, str]:
        """Arrow's file system and the file's path on it, for scans."""
        return self._fs, self._path(name)

    def write(self, name: str, content: bytes) -> None:
        """Write a file; a reader sees all of it or nothing, whenever this process or machine dies."""
        with self._faults("written"):
            if self.local is not None:
                durable.write(self.local / name, content)
            else:
                with self._fs.open_output_stream(self._path(name)) as stream:
                    stream.write(content)

    def delete(self, name: str) -> None:
        """Remove a file if it is there."""
        with self._faults("written"), contextlib.suppress(FileNotFoundError):
            self._fs.delete_file(self._path(name))

    def _infos(self, folder: str) -> Sequence[fs.FileInfo]:
        with self._faults("read"):
            infos = self._fs.get_file_info(fs.FileSelector(self._path(folder), allow_not_found=True))
        return [info for info in infos if info.is_file and durable.TEMPORARY not in info.base_name]

    def _path(self, name: str) -> str:
        return f"{self._base.rstrip('/')}/{name}"

    @contextlib.contextmanager
    def _faults(self, verb: str) -> Iterator[None]:
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            code = getattr(error, "errno", None)
            if code in (errno.ENOSPC, errno.EDQUOT):
                raise SweepError(
                    f"the store {self.uri} is full; free some space and run the same command again, "
                    "finished trials are kept"
                ) from error
            raise SweepError(
                f"the store {self.uri} cannot be {verb}: {_reason(error)}; fix that or choose another store", "store"
            ) from error


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
