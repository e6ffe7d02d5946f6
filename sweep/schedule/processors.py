"""How many processors this process may use."""

import math
import os
from pathlib import Path


def cpu_count(processes: Path = Path("/proc/self"), groups: Path = Path("/sys/fs/cgroup")) -> int:
    """Number of processors that this process may use: those that it may run on, within a container's quota.

    `processes` is Linux's folder about this process, and `groups` where the control groups are mounted.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(allowed, _quota(processes, groups))))


def _quota(processes: Path, groups: Path) -> float:
    """The processors that control groups of either version allow, or infinity."""
    quota = math.inf
    for line in _words(processes / "cgroup", "\n"):
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        mounted = groups if not controllers else groups / "cpu"
        mounted = mounted if mounted.exists() else groups / controllers
        # A container may see its own group as the top, although its path is another.
        below = [Path(*Path(path).parts[1:end]) for end in range(1, len(Path(path).parts) + 1)]
        quota = min([quota, *(_limit(mounted / part, not controllers) for part in below)])
    return quota


def _limit(group: Path, unified: bool) -> float:
    if unified:
        words = _words(group / "cpu.max")
    else:
        words = [*_words(group / "cpu.cfs_quota_us"), *_words(group / "cpu.cfs_period_us")]
    # No limit is "max" or -1.
    return int(words[0]) / int(words[1]) if len(words) == 2 and words[0].isdecimal() else math.inf


def _words(file: Path, separator: str | None = None) -> list[str]:
    try:
        return [word for word in file.read_text().split(separator) if word]
    except OSError:
        return []
