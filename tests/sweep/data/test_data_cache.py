import mmap
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sweep.data import Dataset, cache_dir, fetch, load, verify
from sweep.errors import SweepError


@pytest.fixture
def copy(digits: Dataset, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of digits in a cache of its own."""
    with monkeypatch.context() as outside:
        outside.delenv("SWEEP_DATA")
        original = cache_dir() / "digits.arrow"
    cache.mkdir()
    return Path(shutil.copy(original, cache))


def _is_mapped(array: np.ndarray, path: Path) -> bool:
    address = array.__array_interface__["data"][0]
    for line in Path("/proc/self/maps").read_text().splitlines():
        low, high = (int(end, 16) for end in line.split()[0].split("-"))
        if low <= address < high:
            return line.endswith(str(path))
    return False


def test_cache_dir_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SWEEP_DATA", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_dir() == tmp_path / ".cache/deep-parallel-sweep"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_dir() == tmp_path / ".cache/deep-parallel-sweep"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg/deep-parallel-sweep"
    monkeypatch.setenv("SWEEP_DATA", "~/sets")
    assert cache_dir() == tmp_path / "sets"


def test_arrays_are_read_only_views_of_the_file_and_the_same_each_time(copy: Path) -> None:
    data = load("digits")
    for array in (data.train_images, data.train_labels, data.test_images, data.test_labels):
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
        assert _is_mapped(array, copy)
    assert load("digits", copy.parent) is data
    assert copy.stat().st_size < 2 * mmap.PAGESIZE + sum(a.nbytes for a in (data.train_images, data.test_images))


def test_the_file_is_plain_arrow(copy: Path) -> None:
    with pa.memory_map(str(copy)) as source:
        reader = pa.ipc.open_file(source)
        assert [reader.get_batch(i).num_rows for i in range(reader.num_record_batches)] == [1442, 355]
        assert reader.schema.field("image").type == pa.binary(64)
        assert reader.schema.field("label").type == pa.uint8()
        assert {b"name", b"shape", b"digests"} == set(reader.schema.metadata)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _truncate(path: Path) -> None:
    os.truncate(path, 50_000)


def _empty(path: Path) -> None:
    os.truncate(path, 0)


def _garble(path: Path) -> None:
    path.write_bytes(b"not an Arrow file " * 100)


def _make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _another_set(path: Path) -> None:
    table = pa.table({"image": [b"x" * 64], "label": pa.array([1], pa.uint8())})
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table)


@pytest.mark.parametrize("damage", [_flip, _truncate, _empty, _garble, _make_folder, _another_set])
def test_a_damaged_file_is_named_with_its_remedy_and_left_alone(
    copy: Path, damage: Callable[[Path], None], no_mirrors: None
) -> None:
    load("digits")
    damage(copy)
    for use in (load, verify, fetch):
        with pytest.raises(SweepError, match="--force") as caught:
            use("digits")
        message = str(caught.value)
        assert message.startswith(f"{copy} is damaged (")
        assert message.endswith("); run `sweep data fetch digits --force` to replace it.")
        assert "\n" not in message
        assert ". " not in message
    assert copy.exists()


def test_force_replaces_a_damaged_file(copy: Path) -> None:
    _flip(copy)
    assert fetch("digits", force=True) == copy
    assert verify("digits") == copy
    assert sorted(path.name for path in copy.parent.iterdir()) == [".digits.lock", "digits.arrow"]


def test_verify_looks_anew(copy: Path) -> None:
    load("digits")
    status = copy.stat()
    _flip(copy)
    os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(SweepError, match="is damaged"):
        verify("digits")


def test_a_missing_set_is_fetched_to_load_but_not_to_verify(cache: Path) -> None:
    with pytest.raises(SweepError, match=r"digits\.arrow does not exist; run `sweep data fetch digits`\.$"):
        verify("digits")
    assert not cache.exists()
    assert load("digits").train_images.shape == (1442, 8, 8, 1)


def test_a_cache_below_a_regular_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SweepError, match=r"cannot be written \(Not a directory\); fix that or set SWEEP_DATA"):
        load("digits", tmp_path / "file" / "cache")


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "tiny"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a tiny file system takes root and the permission to mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_reported_and_left_clean(tiny_disk: Path) -> None:
    with pytest.raises(SweepError, match=r"tiny cannot be written \(No space left on device\); fix that"):
        load("digits", tiny_disk)
    assert [path.name for path in tiny_disk.iterdir()] == [".digits.lock"]
