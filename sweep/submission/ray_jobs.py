"""Sweeps as jobs of a Ray cluster, through the Jobs API of its head."""

import contextlib
import functools
import logging
import os
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweep.errors import SweepError
from sweep.ray_private import limit_answers
from sweep.ray_token import use_token
from sweep.redaction import redacted
from sweep.submission.backend import Backend, Job, State, option
from sweep.submission.batch import Batch
from sweep.submission.working_tree import LOCK, SENT, WorkingTree

if TYPE_CHECKING:
    from ray.job_submission import JobDetails, JobSubmissionClient

# Where `ray dashboard cluster.yaml` forwards a head to.
_DEFAULT_ADDRESS = "http://127.0.0.1:8265"
_PORT = 8265
_KNOCK_SECONDS = 5.0
_ANSWER_SECONDS = 60.0
_STOP_SECONDS = 30
_LOGGERS = ("ray", "ray.dashboard.modules.dashboard_sdk", "ray.dashboard.modules.job.sdk")
_STATES: dict[str, State] = {
    "PENDING": "waiting",
    "RUNNING": "running",
    "SUCCEEDED": "done",
    "FAILED": "failed",
    "STOPPED": "stopped",
}
# What a job's metadata says about it.
_KEPT = ("study", "sweep_id", "store", "revision", "by")
_WORKING_DIR = "${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}"


@dataclass(frozen=True)
class RayOptions:
    """Which cluster, and what it installs."""

    address: str | None = option(
        None,
        f"The head's dashboard; by default $RAY_API_SERVER_ADDRESS, else {_DEFAULT_ADDRESS}, where "
        "`ray dashboard cluster.yaml` forwards it to.",
        address=True,
    )
    install: bool = option(
        False,
        "Have Ray install requirements.lock on every node, for a cluster whose nodes lack the project's packages.",
    )


class RayJobs(Backend):
    """A Ray cluster, which gets the working tree and runs the sweep on its head; a relative --store is in the home
    folder there.

    Raises SweepError for an address that cannot be that of a head's dashboard.
    """

    Options = RayOptions

    def __init__(self, options: RayOptions) -> None:
        self.address = _http_address(options.address)
        self.where = f"the cluster at {self.address}"
        self._install = options.install

    def store(self, given: str) -> str:
        """The store as the head understands it: a relative folder is one in the home folder there."""
        path = Path(given)
        return given if "://" in given or path.is_absolute() or given.startswith("~") else f"~/{path}"

    def submit(self, batch: Batch) -> tuple[Job, bool]:
        """Send the working tree and start the batch; the job's id is the batch's name and the next free number."""
        tree = WorkingTree.of_this_program()
        command = batch.command(SENT)
        asked = Job.waiting(batch, batch.name, tree.revision)
        metadata = {name: getattr(asked, name) for name in _KEPT}
        with tempfile.TemporaryDirectory(prefix="sweep-submit-") as folder:
            tree.stage(Path(folder), batch.own_files())
            while True:
                every = self._list()
                for job in _sweeps(every):
                    if not job.over and (job.sweep_id, job.store) == (asked.sweep_id, asked.store):
                        return job, False
                number = 1 + _last_number(batch.name, [str(details.submission_id) for details in every])
                job_id = f"{batch.name}-{number}"
                if self._start(job_id, command, self._environment(folder, batch), metadata):
                    return self.job(job_id), True

    def jobs(self) -> list[Job]:
        """All jobs that are sweeps, the latest last."""
        return _sweeps(self._list())

    def read(self, job: Job) -> str:
        """All that a job has printed."""
        with self._faults():
            return self._client.get_job_logs(job.id)

    def interrupt(self, job: Job) -> None:
        """Have Ray interrupt a job, and kill it if it has not ended within half a minute."""
        with self._faults():
            self._client.stop_job(job.id)

    @functools.cached_property
    def _client(self) -> "JobSubmissionClient":
        use_token()
        _knock(self.address)
        from ray.job_submission import JobSubmissionClient

        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.ERROR)
        with self._faults():
            client: Any = JobSubmissionClient(self.address)
        limit_answers(client, _ANSWER_SECONDS)
        # What is sent was chosen already; Ray would leave out what a .gitignore among it names.
        os.environ.setdefault("RAY_RUNTIME_ENV_IGNORE_GITIGNORE", "1")
        return client

    def _list(self) -> "list[JobDetails]":
        client = self._client
        with self._faults():
            return client.list_jobs()

    def _environment(self, folder: str, batch: Batch) -> dict[str, Any]:
        variables = batch.environment(SENT) | {"RAY_JOB_STOP_WAIT_TIME_S": str(_STOP_SECONDS)}
        environment: dict[str, Any] = {"working_dir": folder, "env_vars": variables}
        if self._install:
            # Hard links from uv's cache: a tree that has changed is installed again in seconds.
            environment["uv"] = {"packages": [f"-r {_WORKING_DIR}/{LOCK}"], "uv_pip_install_options": []}
        return environment

    def _start(self, job_id: str, command: list[str], environment: dict[str, Any], metadata: dict[str, str]) -> bool:
        """Start a job; False if another submitter has this id, which the head gives to only one."""
        entrypoint = shlex.join(["python", "sweep/submission/start.py", *command])
        with self._faults():
            try:
                self._client.submit_job(
                    entrypoint=entrypoint, submission_id=job_id, runtime_env=environment, metadata=metadata
                )
            except RuntimeError as error:
                if "already exists" not in str(error):
                    raise
                return False
        return True

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        """Turns what Ray and the transport raise into one sentence."""
        from ray.exceptions import AuthenticationError, RayError
        from requests import RequestException

        try:
            yield
        except AuthenticationError:
            with_token = "RAY_AUTH_MODE" in os.environ
            raise SweepError(
                f"the Ray head at {self.address} {'refuses this token' if with_token else 'asks for a token'}; "
                "put the cluster's into RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token"
            ) from None
        except RequestException as error:
            raise SweepError(
                f"the Ray head at {self.address} does not answer any more ({_reason(_cause(error))}); ask again with "
                "`sweep jobs` when it does: what was submitted may go on"
            ) from None
        except (RayError, RuntimeError, ConnectionError, ValueError) as error:
            reason = str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
            raise SweepError(f"the Ray head at {self.address} did not do as asked: {reason}") from None


def _http_address(given: str | None) -> str:
    """The address of the Jobs API. Raises SweepError for one of another kind."""
    address = given or os.environ.get("RAY_API_SERVER_ADDRESS") or _DEFAULT_ADDRESS
    scheme, separator, rest = address.rstrip("/").rpartition("://")
    if separator and scheme not in ("http", "https"):
        raise SweepError(f"--address is {address!r}, but jobs go to the head's dashboard: http://HEAD:{_PORT}")
    if not rest or "@" in rest:
        raise SweepError(f"--address takes http://HEAD:{_PORT}, without user or password; the token needs no option")
    port = "" if scheme or rest.rpartition("]")[2].count(":") else f":{_PORT}"
    return f"{scheme or 'http'}://{rest}{port}"


def _knock(address: str) -> None:
    """Make sure that a head answers, in seconds: Ray's client would wait for minutes."""
    import requests

    proxy = requests.utils.select_proxy(address, requests.utils.get_environ_proxies(address))
    through = f", asked through the proxy {redacted(proxy)}; put the head's name into NO_PROXY" if proxy else ""
    try:
        # Without the token, which may not be meant for whatever answers here.
        answer = requests.get(f"{address}/api/version", timeout=_KNOCK_SECONDS)
        # A proxy may refuse with the same codes.
        ours = (answer.status_code in (401, 403) and not proxy) or "ray_version" in answer.text
    except requests.RequestException as error:
        cause = _cause(error)
        if not isinstance(cause, HTTPException):
            raise SweepError(
                f"no Ray head answers at {address} ({_reason(cause)}){through}; check --address, and that the port can "
                "be reached, for example with `ray dashboard cluster.yaml`"
            ) from None
        ours = False
    if not ours:
        raise SweepError(
            f"what answers at {address} is not a Ray head{through}; give the address of a dashboard, port {_PORT}"
        )


def _cause(error: BaseException) -> BaseException:
    """The innermost reason of a fault of the transport."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error


def _reason(cause: BaseException) -> str:
    return (isinstance(cause, OSError) and cause.strerror) or "no answer in time"


def _last_number(prefix: str, job_ids: Sequence[str]) -> int:
    numbers = [job_id.removeprefix(f"{prefix}-") for job_id in job_ids if job_id.startswith(f"{prefix}-")]
    return max((int(number) for number in numbers if number.isdecimal()), default=0)


def _sweeps(every: "Sequence[JobDetails]") -> list[Job]:
    jobs = [_job(details) for details in every if "sweep_id" in (details.metadata or {})]
    return sorted(jobs, key=lambda job: job.started or 0.0)


def _job(details: "JobDetails") -> Job:
    metadata = details.metadata or {}
    return Job(
        id=str(details.submission_id),
        state=_STATES[details.status.value],
        exit_code=details.driver_exit_code,
        started=details.start_time / 1000 if details.start_time else None,
        ended=details.end_time / 1000 if details.end_time else None,
        message=details.message or "",
        **{name: metadata.get(name, "") for name in _KEPT},
    )
