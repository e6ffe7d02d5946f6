"""Sweeps as jobs of Slurm: one batch job, one Ray node on each of its nodes, the sweep on the first."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import time
from dataclasses import asdict, replace
from pathlib import Path

from sweep import durable
from sweep.errors import SweepError
from sweep.submission.backend import Backend, Job
from sweep.submission.batch import Batch
from sweep.submission.slurm_script import Allocation, batch_script
from sweep.submission.working_tree import WorkingTree

_ANSWER_SECONDS = 15.0
_WAITING = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT")
_RUNNING = ("RUNNING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING")
# What to do where one of Slurm's programs refuses; the others refuse only if Slurm is not there.
_REMEDIES = {
    "sbatch": "change what the job asks for and submit again",
    "scancel": "check the job with `sweep jobs --backend slurm`",
}


class Slurm(Backend):
    """Slurm, from a login node: a job runs this checkout itself, and --store is a folder that all nodes share.

    Script and log lie in that folder too. A job's id is its name and Slurm's number. A record in the user's state
    folder says what the job is, and its script notes beside the log when it began and ended, and its exit code. So a
    job is still known after Slurm has forgotten it.
    """

    Options = Allocation
    where = "Slurm"
    listing = "sweep jobs --backend slurm"
    poll_seconds = 3.0

    def __init__(self, options: Allocation) -> None:
        self._allocation = options

    def store(self, given: str) -> str:
        """The store's absolute path. Raises SweepError for an object store."""
        if "://" in given:
            raise SweepError(
                "in Slurm the store, script and log lie in one folder that all nodes share; give that folder as --store"
            )
        return str(Path(given).expanduser().absolute())

    def submit(self, batch: Batch) -> tuple[Job, bool]:
        """Write the script beside the results and submit it, unless a job of its name waits or runs."""
        tree = WorkingTree.of_this_program()
        command = ["python", "-m", "sweep", *batch.command()]
        # One job at a time per sweep and store.
        name = f"{batch.name}-{hashlib.sha256(batch.store.encode()).hexdigest()[:4]}"
        folder = _folder(batch.store)
        path = folder / f"{name}.sh"
        script = batch_script(command, name, folder, tree.root, self._allocation, batch.environment())
        _write(path, script, "take a store in a folder that all nodes share")
        there = _unfinished(name)
        # With several Slurm clusters their name follows the number.
        job_id = there or f"{name}-{_slurm('sbatch', '--parsable', str(path)).partition(';')[0]}"
        record = _records() / f"{job_id}.json"
        if not record.exists():
            job = Job.waiting(batch, job_id, "unknown" if there else tree.revision)
            remedy = f"Slurm has {job_id}; make that folder writable and submit again: it is listed, not run twice"
            _write(record, json.dumps(asdict(job)), remedy)
        return self.job(job_id), there is None

    def jobs(self) -> list[Job]:
        """All sweeps that this user has submitted, the latest last."""
        listed = _listed()
        records = sorted(_records().glob("*.json"), key=lambda path: path.stat().st_mtime)
        return [_as_it_is(_recorded(path), *listed.get(path.stem, ("", ""))) for path in records]

    def read(self, job: Job) -> str:
        """All that a job has printed; nothing if it has not begun."""
        path = _folder(job.store) / f"{job.id}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def interrupt(self, job: Job) -> None:
        """Send SIGTERM to the script, which hands it to the sweep; a job that waits is cancelled."""
        number = job.id.rpartition("-")[2]
        if job.state == "waiting":
            # It may begin at this moment: Slurm cancels it only if it does wait.
            _slurm("scancel", "--state=PENDING", number)
            if self.job(job.id).over:
                # As the script would have noted.
                _write(_note(job), f"ended {time.time():.0f}\ncode 130\n", "make room there")
                return
        _slurm("scancel", "--batch", "--signal=TERM", number)


def _folder(store: str) -> Path:
    """Where a store has what its jobs write."""
    return Path(store) / "slurm"


def _note(job: Job) -> Path:
    return _folder(job.store) / f"{job.id}.state"


def _records() -> Path:
    """The folder of this user's records: deep-parallel-sweep/slurm in $XDG_STATE_HOME, else in ~/.local/state."""
    base = Path(os.environ.get("XDG_STATE_HOME", ""))
    # The XDG base directory specification says to ignore a relative path.
    return (base if base.is_absolute() else Path.home() / ".local" / "state") / "deep-parallel-sweep" / "slurm"


def _recorded(path: Path) -> Job:
    try:
        return Job(**json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise SweepError(f"{path} is not a job record ({error}); delete it") from None


def _listed() -> dict[str, tuple[str, str]]:
    """State and reason of each of this user's jobs that Slurm remembers, by id."""
    lines = _slurm("squeue", "--noheader", "--me", "--states=all", "--format=%j-%A|%T|%r").splitlines()
    return {job_id: (state, reason) for job_id, state, reason in (line.rsplit("|", 2) for line in lines)}


def _unfinished(name: str) -> str | None:
    """The id of this user's running job of that name, or else of the waiting one; None if there is neither."""
    found = [
        (state not in _RUNNING, int(job_id.rpartition("-")[2]), job_id)
        for job_id, (state, _) in _listed().items()
        if job_id.rpartition("-")[0] == name and state in (*_RUNNING, *_WAITING)
    ]
    return min(found)[2] if found else None


def _as_it_is(job: Job, state: str, reason: str) -> Job:
    """A recorded job as Slurm and the job's note tell it now; the state is empty once Slurm has forgotten the job."""
    path = _note(job)
    words = path.read_text().split() if path.exists() else []
    note = dict(zip(words[::2], map(int, words[1::2]), strict=True))
    code = note.get("code")
    if state in _WAITING:
        return replace(job, message=reason)
    if state in _RUNNING or (state == "COMPLETING" and code is None):
        return replace(job, state="running", started=note.get("began"))
    if code is None and state in ("COMPLETED", "FAILED"):
        # A shared folder may show the note late.
        code = _exit_code(job)
    ended = replace(job, started=note.get("began"), ended=note.get("ended"), exit_code=code)
    if code is not None:
        return replace(ended, state="failed" if code else "done")
    if state == "CANCELLED":
        return replace(ended, state="stopped", message="cancelled in Slurm")
    message = f"Slurm says {state}" if state else "Slurm has forgotten it, and it left no exit code"
    return replace(ended, state="failed", message=message)


def _exit_code(job: Job) -> int | None:
    """The exit code of a job that Slurm remembers; None where a signal ended it."""
    shown = _slurm("scontrol", "show", "job", job.id.rpartition("-")[2])
    code, signal = re.findall(r"\bExitCode=(\d+):(\d+)", shown)[0]
    return int(code) if signal == "0" else None


def _slurm(program: str, *arguments: str) -> str:
    """What one of Slurm's programs prints. Raises SweepError where it is not there, refuses, or does not answer."""
    if shutil.which(program) is None:
        raise SweepError(f"{program} is not on this machine; go to a login node of the Slurm cluster")
    try:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=_ANSWER_SECONDS)
    except subprocess.TimeoutExpired:
        raise SweepError(
            f"Slurm does not answer {program} within {_ANSWER_SECONDS:.0f} seconds; check with `scontrol ping` whether "
            "it is up, and try again: submitting again adds no second job"
        ) from None
    if done.returncode == 0:
        return done.stdout.strip()
    said = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[0].strip()
    if program in _REMEDIES:
        raise SweepError(f"Slurm refuses: {said}; {_REMEDIES[program]}")
    raise SweepError(
        f"Slurm does not answer: {said}; go to a login node, and check with `scontrol ping` whether Slurm is up"
    )


def _write(path: Path, text: str, remedy: str) -> None:
    try:
        durable.write(path, text.encode())
    except OSError as error:
        raise SweepError(f"{path.parent} cannot be written: {error}; {remedy}") from None
