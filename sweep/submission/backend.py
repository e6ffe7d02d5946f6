"""The interface between the commands and a batch system, and the registry of batch systems."""

import getpass
import os
import time
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, ClassVar, Literal, Protocol

from sweep.errors import SweepError, unknown_name
from sweep.submission.batch import Batch
from sweep.tracking import check_address, sqlite_path

BACKENDS: dict[str, str] = {
    "ray": "sweep.submission.ray_jobs:RayJobs",
    "slurm": "sweep.submission.slurm:Slurm",
}
"""Every backend as module:class, imported when it is first asked for."""

DEFAULT_BACKEND = next(iter(BACKENDS))

State = Literal["waiting", "running", "done", "stopped", "failed"]
_LONG_LOG = 1 << 18


def backend_class(name: str) -> "type[Backend]":
    """The backend of a registered name. Raises SweepError if there is none."""
    if name not in BACKENDS:
        raise unknown_name("backend", name, BACKENDS)
    module, _, attribute = BACKENDS[name].partition(":")
    return getattr(import_module(module), attribute)


def option(default: Any, help: str, *, address: bool = False) -> Any:
    """A field of a backend's options, which is an option of the command line with this help.

    Parameters
    ----------
    default
        Its value where the user gives none.
    help
        One sentence or two. An option that several backends take has the same type and meaning in each.
    address
        Whether it says where the jobs are, so that `sweep jobs`, `logs` and `stop` take it too.
    """
    return field(default=default, metadata={"help": help, "address": address})


@dataclass(frozen=True)
class Job:
    """A submitted sweep on any backend; times are seconds since 1970."""

    id: str
    study: str
    sweep_id: str
    store: str
    state: State
    exit_code: int | None = None
    """Exit code of ``sweep run``; None while it runs, or where it never began or was killed."""

    started: float | None = None
    ended: float | None = None
    revision: str = ""
    """The commit that it runs."""

    by: str = ""
    """The user who submitted it."""

    message: str = ""
    """The job's state in the backend's words."""

    @classmethod
    def waiting(cls, batch: Batch, job_id: str, revision: str) -> "Job":
        """A job that this user submits now."""
        try:
            user = getpass.getuser()
        except (KeyError, OSError):
            # A container may run as a number that has no name.
            user = str(os.getuid())
        plan = batch.plan
        return cls(job_id, plan.study, plan.sweep_id, batch.store, "waiting", revision=revision, by=user)

    @property
    def over(self) -> bool:
        """Whether it is neither waiting nor running."""
        return self.state not in ("waiting", "running")


class Backend(Protocol):
    """A batch system; the help shows the first paragraph of its docstring.

    Every method raises SweepError, within a minute, where the system does not answer or refuses.
    """

    Options: ClassVar[type]
    """Frozen dataclass of its options, each field made by `option`; it raises SweepError for values it cannot take."""

    poll_seconds: ClassVar[float] = 1.0
    """Time between looks at a job that is followed or waited for."""

    listing: ClassVar[str] = "sweep jobs"
    """The command that lists its jobs."""

    where: str
    """The system with the jobs, as messages call it: the cluster at http://head:8265."""

    @abstractmethod
    def __init__(self, options: Any) -> None:
        """Keep the options; no connection yet."""

    @abstractmethod
    def store(self, given: str) -> str:
        """The store as the job will find it. Raises SweepError for a store that a job cannot use."""

    @abstractmethod
    def submit(self, batch: Batch) -> tuple[Job, bool]:
        """Submit a batch, or find the job of its sweep and store that has not ended; the job, and whether it is new."""

    @abstractmethod
    def jobs(self) -> list[Job]:
        """All jobs that are sweeps, the latest last."""

    @abstractmethod
    def read(self, job: Job) -> str:
        """All that a job has printed."""

    @abstractmethod
    def interrupt(self, job: Job) -> None:
        """End a waiting or running job as Ctrl-C would, and return at once."""

    def check_tracking(self, tracking: str | None, store: str) -> None:
        """Raises SweepError for an MLflow address that the job could not find, or that is deleted with its folder."""
        if tracking is None and "://" in store and not store.startswith("file:"):
            raise SweepError(
                f"{store} is an object store, which cannot hold MLflow's database; give --tracking with a server's "
                "address as the job's machine knows it, or turn tracking off with --no-track"
            )
        if tracking is not None:
            check_address(tracking)
        database = sqlite_path(tracking or "")
        if database is not None and not database.is_absolute():
            raise SweepError(
                f"--tracking is {tracking}, which is relative to wherever the job runs; give an absolute path, such as "
                "sqlite:////home/me/mlflow.db"
            )

    def job(self, job_id: str) -> Job:
        """One job as it is now. Raises SweepError for an unknown job."""
        for job in self.jobs():
            if job.id == job_id:
                return job
        raise SweepError(f"{self.where} has no sweep {job_id!r}; `{self.listing}` lists those it has")

    def log(self, job_id: str) -> str:
        """All that a job has printed. Raises SweepError for an unknown job."""
        return self.read(self.job(job_id))

    def stop(self, job_id: str) -> None:
        """Ask a job to stop as Ctrl-C would. Raises SweepError for an unknown job, and for one that has ended."""
        job = self.job(job_id)
        if job.over:
            raise SweepError(f"{job_id} has ended already ({job.state}); there is nothing to stop")
        self.interrupt(job)

    def follow(self, job_id: str, write: Callable[[str], None]) -> Job:
        """Write all that a job prints until it ends; returns the job as it ended."""
        written = 0
        while True:
            job = self.job(job_id)
            text = self.read(job)
            # The last line of a running job may be half written.
            end = len(text) if job.over else text.rfind("\n") + 1
            if end > written:
                write(text[written:end])
                written = end
            if job.over:
                return job
            # Each time the whole log is fetched, so a long one is fetched less often.
            time.sleep(self.poll_seconds * (1 + len(text) / _LONG_LOG))

    def wait(self, job_id: str, seconds: float) -> Job:
        """A job once it has ended, or as it is after this time."""
        deadline = time.monotonic() + seconds
        while not (job := self.job(job_id)).over and time.monotonic() < deadline:
            time.sleep(self.poll_seconds)
        return job
