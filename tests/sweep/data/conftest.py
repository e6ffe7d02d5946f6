"""The real data sets from the user's cache, fetched once if they are not there."""

import gzip
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sweep.data import Dataset, load
from sweep.errors import SweepError


def _real(name: str) -> Dataset:
    try:
        return load(name)
    except SweepError as error:
        if "No source gave" in str(error):
            pytest.skip(str(error))
        raise


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    return _real("mnist")


@pytest.fixture(scope="session")
def cifar10() -> Dataset:
    return _real("cifar10")


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return _real("digits")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, which the test uses by default."""
    monkeypatch.setenv("SWEEP_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def no_mirrors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that refuses at once, so that no test depends on whether torchvision's mirrors answer."""
    for scheme in ("http", "https"):
        monkeypatch.setenv(f"{scheme}_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)


def _idx_bytes(array: np.ndarray) -> bytes:
    array = array.squeeze(-1) if array.ndim == 4 else array
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def _write_idx(folder: Path, data: Dataset, dotted: bool = False, compressed: bool = False, only: str = "") -> None:
    """Write MNIST's four IDX files, or those whose names begin with ``only``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in (
        ("train-images-idx3-ubyte", data.train_images),
        ("train-labels-idx1-ubyte", data.train_labels),
        ("t10k-images-idx3-ubyte", data.test_images),
        ("t10k-labels-idx1-ubyte", data.test_labels),
    ):
        if name.startswith(only):
            content = _idx_bytes(array)
            path = folder / (name.replace("-idx", ".idx") if dotted else name)
            if compressed:
                path.with_name(path.name + ".gz").write_bytes(gzip.compress(content, 0))
            else:
                path.write_bytes(content)


def _write_batches(folder: Path, data: Dataset, protocol: int | None) -> None:
    """Write CIFAR-10's six batches: pickled with ``protocol``, or binary if it is None."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(6):
        name = f"data_batch_{i + 1}" if i < 5 else "test_batch"
        part = slice(i * 10_000, (i + 1) * 10_000) if i < 5 else slice(None)
        images, labels = (data.train_images, data.train_labels) if i < 5 else (data.test_images, data.test_labels)
        planes = images[part].transpose(0, 3, 1, 2).reshape(10_000, -1)
        if protocol is None:
            (folder / f"{name}.bin").write_bytes(np.concatenate([labels[part, np.newaxis], planes], axis=1).tobytes())
        else:
            batch = {b"batch_label": name.encode(), b"labels": labels[part].tolist(), b"data": planes}
            (folder / name).write_bytes(pickle.dumps(batch, protocol))


@pytest.fixture(scope="session")
def write_idx() -> Callable[..., None]:
    return _write_idx


@pytest.fixture(scope="session")
def write_batches() -> Callable[..., None]:
    return _write_batches
