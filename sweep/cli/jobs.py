"""``sweep jobs``, ``logs`` and ``stop``: submitted sweeps."""

import json as json_module
import shlex
import sys
import time
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from sweep.cli.backends import Chosen, on_backend
from sweep.cli.display import duration
from sweep.cli.options import Flag
from sweep.submission import Job

_STOP_SECONDS = 90.0
_MEANING = {0: "done", 1: "done, some trials failed", 2: "wrong input, see its log", 130: "interrupted"}
_FAILED, _INTERRUPTED = 1, 130


@on_backend()
def jobs(*, at: Chosen, json: Flag = False) -> None:
    """List the sweeps that were submitted as jobs, the latest last.

    Parameters
    ----------
    json
        Print JSON.
    """
    found = at.backend.jobs()
    if json:
        print(json_module.dumps([asdict(job) for job in found], indent=1))
        return
    console = Console(highlight=False, markup=False)
    if not found:
        console.print(f"No sweep was submitted to {at.backend.where} yet.")
        return
    console.print(_table(found, at.backend.where))


def _table(found: list[Job], where: str) -> Table:
    table = Table(title=f"sweeps of {where}", title_justify="left")
    # A truncated name would be useless to the other commands.
    table.add_column("job", no_wrap=True, min_width=max(len(job.id) for job in found))
    for name in ("state", "since", "by", "revision", "store"):
        table.add_column(name, overflow="fold")
    for job in found:
        since = f"{duration(time.time() - job.started)} ago" if job.started else ""
        table.add_row(job.id, state(job), since, job.by, job.revision, job.store)
    return table


@on_backend()
def logs(job_id: str, /, *, at: Chosen, follow: Flag = False) -> int:
    """Print what a submitted sweep has printed.

    Exit code: 0, or with --follow that of the sweep.

    Parameters
    ----------
    job_id
        As `sweep submit` and `sweep jobs` name it.
    follow
        Keep printing until it ends; Ctrl-C leaves it running.
    """
    if follow:
        return follow_job(at, job_id)
    print(at.backend.log(job_id), end="")
    return 0


@on_backend()
def stop(job_id: str, /, *, at: Chosen) -> None:
    """Stop a submitted sweep as Ctrl-C would: finished packs and checkpoints are kept; submit it again to resume.

    Parameters
    ----------
    job_id
        As `sweep submit` and `sweep jobs` name it.
    """
    at.backend.stop(job_id)
    print(f"{job_id}: {state(at.backend.wait(job_id, _STOP_SECONDS))}")


def follow_job(at: Chosen, job_id: str) -> int:
    """Show a job's log until it ends; returns its exit code, or without one 130 if it was stopped, else 1."""
    try:
        job = at.backend.follow(job_id, _write)
    except KeyboardInterrupt:
        logs, stop = (
            shlex.join(["sweep", *command, job_id, *at.words]) for command in (["logs", "--follow"], ["stop"])
        )
        print(f"\nsweep: {job_id} goes on; watch it with `{logs}`, end it with `{stop}`", file=sys.stderr)
        return _INTERRUPTED
    if job.exit_code:
        print(f"sweep: {job_id}: {state(job)}", file=sys.stderr)
    if job.exit_code is not None:
        return job.exit_code if job.exit_code in _MEANING else _FAILED
    print(f"sweep: {job_id}: {state(job)}: {job.message}", file=sys.stderr)
    return _INTERRUPTED if job.state == "stopped" else _FAILED


def state(job: Job) -> str:
    """The state of a job in plain words."""
    if job.state != "failed":
        return job.state
    if job.exit_code is None:
        return "failed to start or was lost"
    return _MEANING.get(job.exit_code, f"ended by itself with code {job.exit_code}, see its log")


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
