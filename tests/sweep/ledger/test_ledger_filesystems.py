"""The ledger on file systems that are full, read-only or without locks."""

import errno
import fcntl
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sweep.errors import SweepError
from sweep.ledger import Ledger

Mount = Callable[..., None]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """An empty file system of 2 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a file system takes root")
    options = ["-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    mounted = subprocess.run(["mount", *options], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def remount(disk: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", str(disk)], check=True)


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def fill(disk: Path, leave: int) -> Path:
    """Take all free space but about `leave` bytes."""
    ballast = disk / "ballast"
    status = os.statvfs(disk)
    ballast.write_bytes(b"x" * (status.f_bavail * status.f_frsize - leave))
    return ballast


@pytest.mark.parametrize("leave", [0, 8192, 16384, 24576])
def test_a_full_disk_is_one_sentence_and_costs_no_earlier_result(disk: Path, results, leave: int) -> None:
    ledger = Ledger.create(disk / "store")
    ledger.publish(results(range(3)))
    ballast = fill(disk, leave)
    before = files(disk)

    def publish_until_refused() -> None:
        for seed in range(3, 200):
            ledger.publish(results([seed]))
            before.update(files(disk))

    with pytest.raises(SweepError) as error:
        publish_until_refused()
    assert str(error.value) == (
        f"the store {disk}/store is full; free some space and run the same command again, finished trials are kept"
    )
    assert files(disk) == before
    reader = Ledger.open(disk / "store")
    reader.require_whole()
    kept = reader.read("trials").num_rows
    assert kept == len(ledger.contents.status) >= 3

    ballast.unlink()
    for again in (ledger, Ledger.create(disk / "store")):
        assert again.publish(results([1000 + kept]))
        kept += 1
        assert again.read("trials").num_rows == kept
    assert Ledger.open(disk / "store").read("curves").num_rows == 2 * kept


def test_a_full_disk_has_no_room_for_a_new_store(disk: Path) -> None:
    fill(disk, 0)
    with pytest.raises(SweepError, match=f"^the store {disk}/store is full; free some space"):
        Ledger.create(disk / "store")
    assert files(disk / "store") == {}


def test_a_read_only_store_can_be_read_and_says_that_it_cannot_be_written(disk: Path, results) -> None:
    Ledger.create(disk / "store").publish(results(range(3)))
    remount(disk, "ro")
    before = files(disk)
    ledger = Ledger.create(disk / "store")
    assert ledger.read("trials").num_rows == 3
    sentence = f"^the store {disk}/store cannot be written: Read-only file system"
    with pytest.raises(SweepError, match=sentence + "; fix that or choose another store$"):
        ledger.publish(results([3]))
    with pytest.raises(SweepError, match=sentence):
        ledger.record_sweep("a", "s", [])
    with pytest.raises(SweepError, match=sentence), ledger.lock("a"):
        pass
    with pytest.raises(SweepError, match=f"^the store {disk}/new cannot be written: Read-only file system"):
        Ledger.create(disk / "new")
    assert files(disk) == before
    remount(disk, "rw")
    assert ledger.publish(results([3]))


def test_a_file_system_without_locks_is_named(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with (
        pytest.raises(SweepError, match=f"^the store {re.escape(ledger.uri)} cannot be locked: No locks available"),
        ledger.lock("a"),
    ):
        pass
