"""How the kernel is compiled and kept, and what becomes of trials where it cannot be."""

import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sweep.engine.native.library import tried
from sweep.engine.training import train
from sweep.result import Setting
from sweep.trial import Trial

ASK = """
import sys
from sweep.engine.kernels import chosen
from sweep.errors import SweepError
from sweep.trial import Trial
try:
    print(chosen(Trial("test", kernel_size=1), "cpu", sys.argv[1]))
except SweepError as error:
    print(error)
"""
QUICK = 'exec c++ "$@" -O0'


def start(cache: Path, kernel: str = "auto", limit: int | None = None, **env: str) -> subprocess.Popen[str]:
    def few_bytes() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen(
        [sys.executable, "-c", ASK, kernel],
        env={**os.environ, "XDG_CACHE_HOME": str(cache), **env},
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=few_bytes,
    )


def said(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0
    return output.strip()


def compiler(folder: Path, script: str) -> str:
    path = folder / "compiler"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def kept(cache: Path) -> list[Path]:
    return sorted((cache / "deep-parallel-sweep" / "kernels").glob("*.so"))


def test_two_processes_compile_once_and_a_third_finds_it(tmp_path: Path) -> None:
    (tmp_path / "calls").mkdir()
    counting = compiler(tmp_path, f'case "$*" in *-o*) touch {tmp_path}/calls/$$;; esac\n{QUICK}')
    both = [start(tmp_path, CXX=counting) for _ in range(2)]
    assert [said(process) for process in both] == ["native"] * 2
    assert said(start(tmp_path, CXX=counting)) == "native"
    assert len(list((tmp_path / "calls").iterdir())) == 1
    (library,) = kept(tmp_path)
    assert [path for path in library.parent.iterdir() if path.suffix not in (".so", ".lock")] == []
    # What a full disk or a killed process may have left is made anew.
    library.write_bytes(library.read_bytes()[:3000])
    assert said(start(tmp_path, CXX=counting)) == "native"
    assert len(list((tmp_path / "calls").iterdir())) == 2


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (None, "there is no C++ compiler named /nowhere/c++"),
        ("exit 1", "does not compile the kernel: no reason given"),
        ('case "$*" in *-o*) echo "x.cpp:1: error: too old" >&2; exit 1;; esac', "the kernel: x.cpp:1: error: too old"),
        (
            'while [ $# -gt 1 ]; do [ "$1" = -o ] && echo rubbish > "$2"; shift; done',
            "the compiled kernel cannot be loaded",
        ),
    ],
    ids=["none", "silent", "old", "wrong"],
)
def test_without_a_compiler_that_works_torch_trains_unless_the_kernel_is_asked_for(
    tmp_path: Path, script: str | None, reason: str
) -> None:
    broken = "/nowhere/c++" if script is None else compiler(tmp_path, script)
    assert said(start(tmp_path, CXX=broken)) == "torch"
    answer = said(start(tmp_path, "native", CXX=broken))
    assert answer.startswith("there is no compiled kernel: ")
    assert reason in answer
    assert "\n" not in answer


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert said(start(tmp_path / "file", "native", CXX=compiler(tmp_path, QUICK))) == "native"


def test_a_full_disk_leaves_nothing_behind_and_torch_trains(tmp_path: Path) -> None:
    # Every file is cut off, that of the linker included.
    assert said(start(tmp_path, limit=20_000, CXX=compiler(tmp_path, QUICK))) == "torch"
    assert kept(tmp_path) == []


def test_a_pack_is_trained_by_torch_where_there_is_no_compiler(base: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "/nowhere/c++")
    monkeypatch.setattr("sweep.engine.native.library.tried", tried.__wrapped__)
    monkeypatch.setattr("sweep.engine.native.library._faults", [])
    *_, results = train([base, base.but(seed=1)], Setting())
    assert isinstance(results, list)
    assert {(result.kernel, result.fused_with, result.status) for result in results} == {("torch", 2, "finished")}
