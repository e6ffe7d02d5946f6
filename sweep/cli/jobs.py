"""``sweep jobs``, ``logs`` and ``stop``: submitted sweeps."""

import json as json_module
import shlex
import sys
import time
from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from sweep.cli.display import duration
from sweep.cli.options import Flag
from sweep.submission import DEFAULT_ADDRESS, Head, Job

Address = Annotated[
    str | None,
    Parameter(
        name="--address",
        help=f"The head's dashboard; by default $RAY_API_SERVER_ADDRESS, else {DEFAULT_ADDRESS}, where "
        "`ray dashboard cluster.yaml` forwards it to.",
    ),
]

_STOP_SECONDS = 45.0
_MEANING = {0: "done", 1: "done, some trials failed", 2: "wrong input, see its log", 130: "interrupted"}
_FAILED, _INTERRUPTED = 1, 130


def jobs(*, address: Address = None, json: Flag = False) -> None:
    """List the sweeps that were submitted to a cluster, the latest last.

    Parameters
    ----------
    json
        Print JSON.
    """
    head = Head(address)
    found = head.jobs()
    if json:
        print(json_module.dumps([asdict(job) for job in found], indent=1))
        return
    console = Console(highlight=False, markup=False)
    if not found:
        console.print(f"No sweep was submitted to {head.address} yet.")
        return
    console.print(_table(found, head.address))


def _table(found: list[Job], address: str) -> Table:
    table = Table(title=f"sweeps at {address}", title_justify="left")
    # A name that is cut off could not be asked for.
    table.add_column("job", no_wrap=True, min_width=max(len(job.job_id) for job in found))
    for name in ("state", "since", "by", "revision", "store"):
        table.add_column(name, overflow="fold")
    for job in found:
        since = f"{duration(time.time() - job.started)} ago" if job.started else ""
        table.add_row(job.job_id, state(job), since, job.by, job.revision, job.store)
    return table


def logs(job_id: str, /, *, address: Address = None, follow: Flag = False) -> int:
    """Print what a submitted sweep has printed.

    Exit code: 0, or with --follow that of the sweep.

    Parameters
    ----------
    job_id
        As `sweep submit` and `sweep jobs` name it.
    follow
        Go on until it ends; Ctrl-C leaves it running.
    """
    head = Head(address)
    if follow:
        return follow_job(head, job_id, address)
    print(head.log(job_id), end="")
    return 0


def stop(job_id: str, /, *, address: Address = None) -> None:
    """Stop a submitted sweep as Ctrl-C would: finished packs and checkpoints are kept; submit it again to go on.

    Parameters
    ----------
    job_id
        As `sweep submit` and `sweep jobs` name it.
    """
    head = Head(address)
    head.stop(job_id)
    print(f"{job_id}: {state(head.wait(job_id, _STOP_SECONDS))}")


def follow_job(head: Head, job_id: str, address: str | None) -> int:
    """Show a job's log until it ends; the exit code of its sweep."""
    try:
        job = head.follow(job_id, _write)
    except KeyboardInterrupt:
        more = [job_id, *(["--address", address] if address else [])]
        print(
            f"\nsweep: {job_id} goes on; watch it with `{shlex.join(['sweep', 'logs', '--follow', *more])}`, "
            f"end it with `{shlex.join(['sweep', 'stop', *more])}`",
            file=sys.stderr,
        )
        return _INTERRUPTED
    if job.exit_code:
        print(f"sweep: {job_id}: {state(job)}", file=sys.stderr)
    if job.exit_code is not None:
        return job.exit_code if job.exit_code in _MEANING else _FAILED
    print(f"sweep: {job_id}: {state(job)}: {job.message}", file=sys.stderr)
    return _INTERRUPTED if job.status == "STOPPED" else _FAILED


def state(job: Job) -> str:
    """How a job is, in words."""
    if job.status == "FAILED" and job.exit_code is not None:
        return _MEANING.get(job.exit_code, f"ended by itself with code {job.exit_code}, see its log")
    words = {"SUCCEEDED": "done", "STOPPED": "stopped", "FAILED": "failed to start or was lost", "PENDING": "waiting"}
    return words.get(job.status, job.status.lower())


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
