"""Load, fetch, import and verify data sets."""

import threading
from pathlib import Path

from sweep.data.cache import cache_file, publish, workspace
from sweep.data.formats.arrow import DamagedFileError, read_arrow, write_arrow
from sweep.data.recipe import Recipe, SourceError
from sweep.data.sets import recipe
from sweep.data.specs import Dataset, DatasetSpec, Log
from sweep.errors import SweepError

_Stamp = tuple[int, int, int, int]

_guard = threading.Lock()
_verified: dict[Path, tuple[_Stamp, Dataset]] = {}


def load(name: str, cache: Path | None = None, fetch_missing: bool = True, log: Log | None = None) -> Dataset:
    """The data set ``name``, memory-mapped from the cache.

    ``cache`` is a folder, by default :func:`cache_dir`. A set that is not there is fetched, or with
    ``fetch_missing`` off is an error. Digests are compared the first time that this process loads a file;
    later calls return the same arrays until the file changes. Raises SweepError for an unknown name, a
    missing set and a damaged file, which is left as it is.
    """
    spec = recipe(name).spec
    path = cache_file(name, cache)
    if fetch_missing and _stamp(path) is None:
        fetch(name, cache, log=log)
    return _open(path, spec)


def cached(name: str, cache: Path | None = None) -> Path | None:
    """The file of the data set ``name`` in the cache; None where it is not there."""
    path = cache_file(name, cache)
    return path if _stamp(path) is not None else None


def install(name: str, content: bytes | memoryview, cache: Path | None = None) -> Path:
    """Put the content of another cache's file of the data set ``name`` into this cache and return its file.

    A file that is there stays. Raises SweepError when the content is not the published set, or the cache cannot be
    written.
    """
    chosen = recipe(name)
    path = cache_file(name, cache)
    with workspace(path, _silent) as scratch:
        if not _present(path, chosen.spec):
            finished = scratch / path.name
            finished.write_bytes(content)
            try:
                read_arrow(finished, chosen.spec)
            except DamagedFileError as error:
                raise SweepError(f"What was to be written to {path} is damaged ({error}); fetch it instead.") from error
            publish(finished, path)
    return path


def verify(name: str, cache: Path | None = None) -> Path:
    """Compare the digests of the data set ``name`` in the cache anew and return its file, if all is well.

    Raises SweepError when it is missing or damaged.
    """
    spec = recipe(name).spec
    path = cache_file(name, cache)
    _open(path, spec, anew=True)
    return path


def fetch(name: str, cache: Path | None = None, force: bool = False, log: Log | None = None) -> Path:
    """Put the data set ``name`` into the cache, if it is not there, and return its file.

    Each source is tried once, in order, and none is believed without the right digests. ``force`` replaces a
    file that is there, once its successor is complete. Processes that fetch at once fetch once. Raises
    SweepError when no source has the set, the cache cannot be written, or, without ``force``, the file there
    is damaged.
    """
    chosen = recipe(name)
    path = cache_file(name, cache)
    log = log or _silent
    if not force and _present(path, chosen.spec):
        log(f"{name}: already in {path}")
        return path
    with workspace(path, log) as scratch:
        if not force and _present(path, chosen.spec):
            log(f"{name}: already in {path}")
            return path
        _write(_from_sources(chosen, scratch, log), path, scratch, log)
    return path


def import_folder(name: str, folder: Path, cache: Path | None = None, log: Log | None = None) -> Path:
    """Put the data set ``name`` into the cache from the user's files in ``folder`` and return its file.

    mnist: the four IDX files, also in torchvision's MNIST/raw and gzipped. cifar10: the six batches, Python
    or binary, also in torchvision's cifar-10-batches-py. A damaged file in the cache is replaced. Raises
    SweepError when the folder does not hold the set, a digest is wrong, or the cache cannot be written.
    """
    chosen = recipe(name)
    path = cache_file(name, cache)
    log = log or _silent
    if chosen.read_folder is None:
        raise SweepError(f"{name} has no files to import; run `sweep data fetch {name}`.")
    folder = Path(folder)
    try:
        if not folder.is_dir():
            raise SweepError(f"{folder} is not a folder; give the one that holds the files of {name}.")
        dataset = chosen.read_folder(folder)
    except OSError as error:
        raise SweepError(f"{folder} cannot be read ({error.strerror}); mend that or give a copy.") from error
    if fault := dataset.fault():
        raise SweepError(f"{folder} does not hold the published {name} ({fault}); get a fresh copy of its files.")
    with workspace(path, log) as scratch:
        try:
            present = _present(path, chosen.spec)
        except SweepError:
            present = False
        if present:
            log(f"{name}: already in {path}")
        else:
            _write(dataset, path, scratch, log)
    return path


def _silent(line: str) -> None:
    pass


def _stamp(path: Path) -> _Stamp | None:
    """What changes when the file does; None if there is no file."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SweepError(f"{path} cannot be read ({error.strerror}); mend that or set SWEEP_DATA.") from error
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _present(path: Path, spec: DatasetSpec) -> bool:
    return _stamp(path) is not None and bool(_open(path, spec))


def _open(path: Path, spec: DatasetSpec, anew: bool = False) -> Dataset:
    with _guard:
        stamp = _stamp(path)
        if stamp is None:
            raise SweepError(f"{path} does not exist; run `sweep data fetch {spec.name}`.")
        known = _verified.pop(path, None)
        if known is None or known[0] != stamp or anew:
            try:
                known = stamp, read_arrow(path, spec)
            except DamagedFileError as error:
                raise SweepError(
                    f"{path} is damaged ({error}); run `sweep data fetch {spec.name} --force` to replace it."
                ) from error
        _verified[path] = known
        return known[1]


def _from_sources(chosen: Recipe, scratch: Path, log: Log) -> Dataset:
    """The verified arrays from the first source that has them. Raises SweepError with all reasons."""
    name = chosen.spec.name
    reasons: list[str] = []
    for i, source in enumerate(chosen.sources):
        log(f"{name}: trying {source.name}")
        room = scratch / str(i)
        room.mkdir()
        try:
            dataset = source.read(room)
            if fault := dataset.fault():
                raise SourceError(f"it is not the published data set: {fault}")
            return dataset
        except (SourceError, SweepError) as error:
            reasons.append(f"{source.name}: {str(error).rstrip('.')}")
            log(f"{name}: {reasons[-1]}")
    remedy = f"; `sweep data import {name} FOLDER` takes a folder that has it" if chosen.read_folder else ""
    raise SweepError(f"No source gave {name} ({'; '.join(reasons)}){remedy}.")


def _write(dataset: Dataset, path: Path, scratch: Path, log: Log) -> None:
    finished = scratch / path.name
    write_arrow(finished, dataset)
    try:
        read_arrow(finished, dataset.spec)
    except DamagedFileError as error:
        raise SweepError(f"{path} does not read back as written ({error}); check the disk.") from error
    publish(finished, path)
    log(f"{dataset.spec.name}: written to {path}")
