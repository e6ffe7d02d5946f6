"""Data sets by way of torchvision's own downloaders, run in a process of their own.

torchvision has no time-out: it would hang where packets vanish. In a child process the time-outs and Ctrl-C
can be ours, and neither torch's import time nor its progress bars reach the caller.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from sweep.data import torchvision_child
from sweep.data.recipe import SourceError

_TIMEOUT = 1800  # seconds: 170 MB at 100 kB/s


def torchvision_folder(kind: str, urls: Sequence[str], scratch: Path) -> Path:
    """``scratch``, with ``torchvision.datasets.<kind>`` downloaded into it if one of ``urls`` answers.

    ``urls`` names one file on each mirror. Raises SourceError.
    """
    script = torchvision_child.__file__
    command = [sys.executable, "-P", script, kind, str(scratch), *urls]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, errors="replace", timeout=_TIMEOUT
        )
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"the download took longer than {_TIMEOUT} s") from error
    if done.returncode != 0:
        lines = done.stderr.split("\n")
        raise SourceError(next((line for line in reversed(lines) if line.strip()), "no reason given")[:200])
    return scratch
