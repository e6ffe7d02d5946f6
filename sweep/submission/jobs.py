"""Jobs of a Ray cluster, through the Jobs API of its head: submit, list, follow, stop."""

import asyncio
import contextlib
import functools
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from sweep.errors import SweepError
from sweep.token import use_token

if TYPE_CHECKING:
    from ray.job_submission import JobDetails

DEFAULT_ADDRESS = "http://127.0.0.1:8265"
"""Where ``ray dashboard cluster.yaml`` forwards a head to."""

_PORT = 8265
_KNOCK_SECONDS = 5.0
_ANSWER_SECONDS = 60.0
_STOP_SECONDS = 30
_ENDED = ("SUCCEEDED", "FAILED", "STOPPED")
_LOGGERS = ("ray", "ray.dashboard.modules.dashboard_sdk", "ray.dashboard.modules.job.sdk")


@dataclass(frozen=True)
class Job:
    """A submitted sweep; times are seconds since 1970, `exit_code` is that of ``sweep run``."""

    job_id: str
    study: str
    sweep_id: str
    store: str
    status: str
    message: str
    exit_code: int | None
    started: float | None
    ended: float | None
    revision: str
    by: str

    @property
    def over(self) -> bool:
        """Whether it is neither waiting nor running."""
        return self.status in _ENDED


class Head:
    """The head of a cluster. Every method raises SweepError, within a minute, where it does not answer or refuses."""

    def __init__(self, address: str | None = None) -> None:
        self.address = _http_address(address)
        use_token()
        _knock(self.address)
        from ray.job_submission import JobSubmissionClient

        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.ERROR)
        with self._faults():
            client: Any = JobSubmissionClient(self.address)
        # By itself Ray waits for ever for a head that has taken a request and stalls.
        client._do_request = functools.partial(client._do_request, timeout=_ANSWER_SECONDS)
        self._client: JobSubmissionClient = client

    def submit(
        self, prefix: str, entrypoint: str, runtime_env: dict[str, Any], metadata: Mapping[str, str]
    ) -> tuple[Job, bool]:
        """Start a job, or find the one of the same sweep and store that has not ended yet; whether it is new.

        A job's id is the prefix and the next free number; the head gives each to one submitter alone.
        """
        variables = runtime_env.get("env_vars", {}) | {"RAY_JOB_STOP_WAIT_TIME_S": str(_STOP_SECONDS)}
        runtime_env = runtime_env | {"env_vars": variables}
        while True:
            every = self._list()
            for job in _sweeps(every):
                if not job.over and (job.sweep_id, job.store) == (metadata["sweep_id"], metadata["store"]):
                    return job, False
            job_id = f"{prefix}-{1 + _last_number(prefix, [str(details.submission_id) for details in every])}"
            with self._faults():
                try:
                    self._client.submit_job(
                        entrypoint=entrypoint,
                        submission_id=job_id,
                        runtime_env=runtime_env,
                        metadata=dict(metadata),
                    )
                except RuntimeError as error:
                    if "already exists" in str(error):
                        continue
                    raise
            return self.job(job_id), True

    def jobs(self) -> list[Job]:
        """All jobs that are sweeps, the latest last."""
        return _sweeps(self._list())

    def job(self, job_id: str) -> Job:
        """One of them. Raises SweepError where there is none of this name."""
        for job in self.jobs():
            if job.job_id == job_id:
                return job
        raise SweepError(f"the cluster at {self.address} has no sweep {job_id!r}; `sweep jobs` lists those it has")

    def log(self, job_id: str) -> str:
        """All that a job has printed."""
        self.job(job_id)
        with self._faults():
            return self._client.get_job_logs(job_id)

    def follow(self, job_id: str, write: Callable[[str], None]) -> Job:
        """Write what a job has printed and prints, until it ends."""
        written = 0
        while not (job := self.job(job_id)).over:
            written += self._write_tail(job_id, written, write)
            time.sleep(0.2)
        write(self.log(job_id)[written:])
        return job

    def stop(self, job_id: str) -> None:
        """Have a job stop as Ctrl-C does, with all finished packs kept. Raises SweepError where it has ended."""
        job = self.job(job_id)
        if job.over:
            raise SweepError(f"{job_id} has ended already ({job.status.lower()}); there is nothing to stop")
        with self._faults():
            self._client.stop_job(job_id)

    def wait(self, job_id: str, seconds: float) -> Job:
        """A job once it has ended, or as it is after this time."""
        deadline = time.monotonic() + seconds
        while not (job := self.job(job_id)).over and time.monotonic() < deadline:
            time.sleep(0.5)
        return job

    def _list(self) -> "list[JobDetails]":
        with self._faults():
            return self._client.list_jobs()

    def _write_tail(self, job_id: str, skip: int, write: Callable[[str], None]) -> int:
        """Write a log but for its first `skip` characters until the connection ends; the number written."""
        written = 0
        for chunk in self._tail(job_id):
            new = chunk[max(0, skip) :]
            skip -= len(chunk)
            if new:
                write(new)
                written += len(new)
        return written

    def _tail(self, job_id: str) -> Iterator[str]:
        """What comes over the connection, which may fall silent for ever when the head dies."""
        chunks: queue.SimpleQueue[str | None] = queue.SimpleQueue()

        async def receive() -> None:
            async for chunk in self._client.tail_job_logs(job_id):
                chunks.put(chunk)

        def serve() -> None:
            # The caller asks the head how the job is, which tells any fault.
            with contextlib.suppress(Exception):
                asyncio.run(receive())
            chunks.put(None)

        threading.Thread(target=serve, name="log", daemon=True).start()
        while True:
            try:
                chunk = chunks.get(timeout=_KNOCK_SECONDS)
            except queue.Empty:
                _knock(self.address)
                continue
            if chunk is None:
                return
            yield chunk

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        from ray.exceptions import AuthenticationError, RayError
        from requests import RequestException

        try:
            yield
        except AuthenticationError:
            with_token = "RAY_AUTH_MODE" in os.environ
            raise SweepError(
                f"the Ray head at {self.address} {'refuses this token' if with_token else 'asks for a token'}; "
                "have RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token hold the cluster's"
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
    address = given or os.environ.get("RAY_API_SERVER_ADDRESS") or DEFAULT_ADDRESS
    scheme, separator, rest = address.rstrip("/").rpartition("://")
    if separator and scheme not in ("http", "https"):
        raise SweepError(f"--address is {address!r}, but jobs go to the head's dashboard: http://HEAD:{_PORT}")
    if not rest or "@" in rest:
        raise SweepError(f"--address takes http://HEAD:{_PORT}, without a user or password; a token is found by itself")
    port = "" if scheme or rest.rpartition("]")[2].count(":") else f":{_PORT}"
    return f"{scheme or 'http'}://{rest}{port}"


def _knock(address: str) -> None:
    """Make sure that a head answers, in seconds: Ray's client would wait for minutes."""
    import requests

    try:
        # Without a token, which whoever answers here may not be meant to have.
        answer = requests.get(f"{address}/api/version", timeout=_KNOCK_SECONDS)
        ours = answer.status_code in (401, 403) or "ray_version" in answer.text
    except requests.RequestException as error:
        cause = _cause(error)
        if not isinstance(cause, HTTPException):
            raise SweepError(
                f"no Ray head answers at {address} ({_reason(cause)}); check --address, and that the port can be "
                "reached, for example with `ray dashboard cluster.yaml`"
            ) from None
        ours = False
    if not ours:
        raise SweepError(f"what answers at {address} is no Ray head; give the address of its dashboard, port {_PORT}")


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
        job_id=str(details.submission_id),
        study=metadata.get("study", ""),
        sweep_id=metadata["sweep_id"],
        store=metadata.get("store", ""),
        status=str(details.status.value),
        message=details.message or "",
        exit_code=details.driver_exit_code,
        started=details.start_time / 1000 if details.start_time else None,
        ended=details.end_time / 1000 if details.end_time else None,
        revision=metadata.get("revision", ""),
        by=metadata.get("by", ""),
    )
