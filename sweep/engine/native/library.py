"""Compiles the kernel, once per machine, source and kernel size, and keeps it in the user's cache."""

import contextlib
import ctypes
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Literal

from sweep import durable
from sweep.data.cache import cache_base

Real = Literal["float", "double"]

SOURCE = Path(__file__).with_name("source")
_COMPILERS = ("c++", "g++", "clang++")
_OPTIONS = ("-std=c++17", "-O3", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-shared", "-Wno-psabi")
_SECONDS = 300


class Unavailable(Exception):
    """Why this machine has no kernel."""


def library(kernel_size: int, real: Real = "float") -> ctypes.CDLL:
    """The compiled kernel for convolutions of one size. Raises Unavailable where it cannot be made.

    A process that waits for another to compile it finds it made. Without a folder to keep it in, each process makes its
    own. A process tries each only once.
    """
    found = tried(kernel_size, real)
    if isinstance(found, Unavailable):
        raise Unavailable(str(found))
    return found


_faults: list[str] = []
"""What kept this process from compiling."""


@cache
def tried(kernel_size: int, real: Real) -> ctypes.CDLL | Unavailable:
    """The library, or why there is none."""
    try:
        return _made(kernel_size, real)
    except Unavailable as error:
        _faults.append(str(error))
        return error


def _made(kernel_size: int, real: Real) -> ctypes.CDLL:
    compiler = _compiler()
    command = (compiler, *_OPTIONS, _processor_option(), f"-DKERNEL={kernel_size}", f"-DREAL={real}")
    key = _key(command)
    try:
        folder = cache_base() / "kernels"
        with _locked(folder / f".{key}.lock"):
            return _kept(folder, key) or _compiled(command, folder, key)
    except (OSError, RuntimeError):
        with tempfile.TemporaryDirectory(prefix="sweep-kernel-") as folder:
            return _compiled(command, Path(folder), key)


def build_soon(kernel_sizes: Collection[int], failed: Callable[[str], None]) -> None:
    """Compile on another thread, so that the first workers need not wait long; tell `failed` a fault, once."""

    def build() -> None:
        for size in sorted(kernel_sizes):
            try:
                library(size)
            except Unavailable as error:
                failed(str(error))
                return

    threading.Thread(target=build, name="kernel", daemon=True).start()


def fault() -> str | None:
    """Why this machine cannot compile the kernel, or None; a compiler that fails is known once it was tried."""
    if _faults:
        return _faults[0]
    try:
        _compiler()
    except Unavailable as error:
        return str(error)
    return None


def _compiler() -> str:
    named = os.environ.get("CXX")
    found = next(filter(None, map(shutil.which, [named] if named else _COMPILERS)), None)
    if found is None:
        raise Unavailable(f"there is no C++ compiler named {named or ', '.join(_COMPILERS)}")
    return found


def _processor_option() -> str:
    return "-mcpu=native" if platform.machine() in ("aarch64", "arm64") else "-march=native"


@cache
def _processor() -> str:
    """What tells processors apart for which the compiler makes different code."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("flags", "Features")):
                return line
    return platform.processor()


@cache
def _version(compiler: str) -> str:
    try:
        return subprocess.run([compiler, "--version"], capture_output=True, text=True, timeout=30, check=False).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"the compiler {compiler} does not answer: {error}") from None


def _key(command: tuple[str, ...]) -> str:
    source = (path.read_text() for path in sorted(SOURCE.iterdir()) if path.suffix in (".h", ".cpp"))
    parts = (*source, *command, _version(command[0]), platform.machine(), _processor())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]


def _kept(folder: Path, key: str) -> ctypes.CDLL | None:
    """The library of an earlier process. Its name has its digest, since one cut short would end this process."""
    for path in folder.glob(f"{key}-*.so"):
        if path.stem == f"{key}-{_digest(path)}":
            with contextlib.suppress(Unavailable):
                return _loaded(path)
    return None


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:20]


def _compiled(command: tuple[str, ...], folder: Path, key: str) -> ctypes.CDLL:
    # What a killed process has left is written over.
    fresh = folder / f".{key}.tmp"
    try:
        done = subprocess.run(
            [*command, str(SOURCE / "kernel.cpp"), "-o", str(fresh)],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode:
            raise Unavailable(f"{command[0]} does not compile the kernel: {_first_error(done.stderr)}")
        path = folder / f"{key}-{_digest(fresh)}.so"
        durable.move(fresh, path)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{command[0]} does not end within {_SECONDS} s") from None
    finally:
        fresh.unlink(missing_ok=True)
    return _loaded(path)


def _loaded(path: Path) -> ctypes.CDLL:
    try:
        found = ctypes.CDLL(str(path))
        for name in ("steps", "evaluate", "gradient"):
            getattr(found, name).restype = ctypes.c_int
    except (OSError, AttributeError) as error:
        raise Unavailable(f"the compiled kernel cannot be loaded: {error}") from None
    return found


def _first_error(text: str) -> str:
    lines = [line for line in text.splitlines() if "error" in line.lower()] or text.splitlines() or ["no reason given"]
    return lines[0].strip()[:300]


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
