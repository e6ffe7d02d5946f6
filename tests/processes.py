"""Process trees, as Linux lists them in /proc."""

import os
import signal
from pathlib import Path


def tree(root: int) -> list[int]:
    """A process and all its descendants."""
    found: list[int] = []
    frontier = [root]
    while frontier:
        found += frontier
        frontier = [child for parent in frontier for child in _children(parent) if child not in found]
    return found


def kill_tree(root: int) -> int:
    """Kill a process and all its descendants at once; how many there were."""
    os.kill(root, signal.SIGSTOP)
    found = tree(root)
    for pid in found:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return len(found)


def _children(pid: int) -> list[int]:
    try:
        return [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return []
