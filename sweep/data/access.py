"""Load, fetch, import and verify data sets."""

import contextlib
import os
from functools import lru_cache
from pathlib import Path

from sweep import durable
from sweep.data.cache import cache_file, workspace
from sweep.data.formats.arrow import DamagedFileError, read_arrow, write_arrow
from sweep.data.recipe import Recipe, SourceError
from sweep.data.sets import recipe, spec
from sweep.data.specs import Dataset, DatasetSpec, Log, silent
from sweep.errors import SweepError


def load(name: str, cache: Path | None = None, log: Log = silent) -> Dataset:
    """The data set ``name``, memory-mapped from the folder ``cache`` and fetched first if it is not there.

    ``cache`` is :func:`cache_dir` by default. The first load of a file in a process verifies its digests; later ones
    return the same arrays until the file changes. Raises SweepError for an unknown name, a set that cannot be fetched,
    and a damaged file, which it leaves as it is.
    """
    path = cache_file(name, cache)
    if _stamp(path) is None:
        fetch(name, cache, log=log)
    return _open(path, spec(name))


def cached(name: str, cache: Path | None = None) -> Path | None:
    """The file of the data set ``name`` in the cache, or None if it is not there."""
    path = cache_file(name, cache)
    return path if _stamp(path) is not None else None


def install(name: str, content: bytes | memoryview, cache: Path | None = None) -> None:
    """Write ``content``, another cache's file of the data set ``name``, into this cache unless the set is there.

    Raises SweepError if the content is not the published set, or the cache cannot be written.
    """
    path, facts = cache_file(name, cache), spec(name)
    with workspace(path, silent) as scratch:
        if not _present(path, facts):
            finished = scratch / path.name
            finished.write_bytes(content)
            _publish(finished, path, facts, f"run `sweep data fetch {name}` instead")


def verify(name: str) -> Path:
    """Compare the digests of the data set ``name`` in the cache anew, and return its file.

    Raises SweepError if it is missing or damaged.
    """
    path = cache_file(name)
    _verified.cache_clear()
    _open(path, spec(name))
    return path


def fetch(name: str, cache: Path | None = None, force: bool = False, log: Log = silent) -> Path:
    """Put the data set ``name`` into the cache unless it is there, and return its file.

    Tries each source once, in order, and accepts only the published digests. ``force`` replaces a file that is there,
    once its successor is complete. Processes that fetch at the same time fetch once. Raises SweepError if no source
    has the set, the cache cannot be written, or, without ``force``, the file there is damaged.
    """
    chosen, path = recipe(name), cache_file(name, cache)
    if force or not _present(path, chosen.spec):
        with workspace(path, log) as scratch:
            # Another process may have fetched it while this one waited.
            if force or not _present(path, chosen.spec):
                _write(_from_sources(chosen, scratch, log), path, scratch, log)
                return path
    log(f"{name}: already in {path}")
    return path


def import_folder(name: str, folder: Path | str, log: Log = silent) -> Path:
    """Put the data set ``name`` into the cache from the user's files in ``folder``, and return its file.

    mnist: the four IDX files, also in torchvision's MNIST/raw and gzipped. cifar10: the six batches, Python or binary,
    also in torchvision's cifar-10-batches-py. Replaces a damaged file in the cache. Raises SweepError if the folder
    does not hold the set, a digest is wrong, or the cache cannot be written.
    """
    chosen, path, folder = recipe(name), cache_file(name), Path(folder)
    if chosen.read_folder is None:
        raise SweepError(f"{name} has no files to import; run `sweep data fetch {name}`.")
    try:
        if folder.is_file():
            raise SweepError(f"{folder} is a file; unpack it if it is an archive, and give the folder that comes out.")
        if not folder.is_dir():
            raise SweepError(f"{folder} is not a folder; give the one that holds the files of {name}.")
        dataset = chosen.read_folder(folder)
    except OSError as error:
        raise SweepError(
            f"{error.filename or folder} cannot be read ({error.strerror}); make it readable or give a copy."
        ) from error
    if fault := dataset.fault():
        raise SweepError(f"{folder} does not hold the published {name} ({fault}); get a fresh copy of its files.")
    with workspace(path, log) as scratch:
        # A damaged file counts as none.
        with contextlib.suppress(SweepError):
            if _present(path, chosen.spec):
                log(f"{name}: already in {path}")
                return path
        _write(dataset, path, scratch, log)
    return path


def _stamp(path: Path) -> tuple[int, ...] | None:
    """Numbers that change when the file does, or None if there is no file."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(path, error) from error
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _present(path: Path, facts: DatasetSpec) -> bool:
    return _stamp(path) is not None and bool(_open(path, facts))


def _open(path: Path, facts: DatasetSpec) -> Dataset:
    stamp = _stamp(path)
    if stamp is None:
        raise SweepError(f"{path} does not exist; run `sweep data fetch {facts.name}`.")
    return _verified(path, facts, stamp)


@lru_cache(maxsize=8)
def _verified(path: Path, facts: DatasetSpec, stamp: tuple[int, ...]) -> Dataset:
    """The data set in a file, read again only when its stamp changes."""
    return _read(path, facts, f"{path} is damaged", f"run `sweep data fetch {facts.name} --force` to replace it")


def _read(path: Path, facts: DatasetSpec, complaint: str, remedy: str) -> Dataset:
    try:
        return read_arrow(path, facts)
    except DamagedFileError as error:
        raise SweepError(f"{complaint} ({error}); {remedy}.") from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> SweepError:
    return SweepError(
        f"{path} cannot be read ({os.strerror(error.errno or 0)}); fix that or set SWEEP_DATA to another folder."
    )


def _from_sources(chosen: Recipe, scratch: Path, log: Log) -> Dataset:
    """The verified arrays from the first source that has them. Raises SweepError with all reasons."""
    name = chosen.spec.name
    reasons: list[str] = []
    for source, read in chosen.sources.items():
        log(f"{name}: trying {source}")
        room = scratch / str(len(reasons))
        room.mkdir()
        try:
            dataset = read(room)
            if fault := dataset.fault():
                raise SourceError(f"it is not the published data set: {fault}")
            return dataset
        except (SourceError, SweepError) as error:
            reasons.append(f"{source}: {str(error).rstrip('.')}")
            log(f"{name}: {reasons[-1]}")
    remedy = f"; `sweep data import {name} FOLDER` takes a folder that has it" if chosen.read_folder else ""
    raise SweepError(f"No source gave {name} ({'; '.join(reasons)}){remedy}.")


def _write(dataset: Dataset, path: Path, scratch: Path, log: Log) -> None:
    finished = scratch / path.name
    write_arrow(finished, dataset)
    _publish(finished, path, dataset.spec, "check the disk")
    log(f"{dataset.spec.name}: written to {path}")


def _publish(finished: Path, path: Path, facts: DatasetSpec, remedy: str) -> None:
    """Move a file to its place in the cache once it has been verified."""
    _read(finished, facts, f"The new {path} is damaged", remedy)
    durable.move(finished, path)
