"""Why a Ray worker died, as far as Ray and the worker's own log tell."""

import re
from collections.abc import Set
from pathlib import Path

from sweep.schedule.book import Failure

_RAISED = "raised in its creation task"
_LAST_LINES, _LINE_LENGTH = 3, 200
# What Ray itself writes into a worker's log.
_RAYS_OWN = re.compile(r":(job_id|actor_name|task_name):|\[\d{4}-\d\d-\d\d |\x1b\[")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def death(error: str, node: str | None, lost: Set[str], logs: Path | None) -> Failure:
    """What a worker's death means for its pack.

    `error` is Ray's text, `node` where the worker ran, if known, `lost` the nodes that are gone, and `logs` the folder
    of this machine's workers' logs.
    """
    if node in lost or "node has died" in error:
        what = "the node that trained it was lost"
    elif "running low on memory" in error:
        used = re.search(r"was (\S+ used / \S+ limit)", error)
        what = f"its worker was killed because the machine ran out of memory{f' ({used[1]})' if used else ''}"
    else:
        what = "the worker process died while training this trial"
    return Failure("crash", what, node, last_words(error, logs))


def last_words(error: str, logs: Path | None) -> str:
    """The last lines that a worker of this machine wrote, on one line; empty where they are unknown."""
    lines = _COLOUR.sub("", error).splitlines()
    if _RAISED not in error:
        pid = re.search(r"^\s*pid: (\d+)$", error, re.MULTILINE)
        files = sorted(logs.glob(f"worker-*-{pid[1]}.err")) if logs and pid and "ip: 127.0.0.1" in error else []
        lines = files[0].read_text(errors="replace").splitlines()[-100:] if files else []
        lines = [line for line in lines if not _RAYS_OWN.match(line)]
    said = [line.strip()[:_LINE_LENGTH] for line in lines if line.strip()]
    return " / ".join(said[-1 if _RAISED in error else -_LAST_LINES :])
