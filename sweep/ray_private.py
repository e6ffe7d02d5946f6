"""Every use of Ray's private attributes, where Ray has no public way; pyproject.toml caps Ray to tested versions.

Each function raises SweepError, with the attribute's name, if the installed Ray lacks the attribute.
"""

import contextlib
import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweep.errors import SweepError

if TYPE_CHECKING:
    from ray.job_config import JobConfig


def is_resetting(tune_controller: Any, trial: Any) -> bool:
    """Whether Tune is giving a reused worker to this trial, although the trial's status is still pending."""
    return trial in _private(tune_controller, "_resetting_trials")


def release_ended_trials(tune_controller: Any) -> None:
    """Keep Tune from holding idle workers for trials that ended before they began; others need their devices."""
    for trial in [each for each in _private(tune_controller, "_staged_trials") if each.is_finished()]:
        _private(tune_controller, "_unstage_trial_with_resources")(trial)


def limit_answers(client: Any, seconds: float) -> None:
    """Limit how long a `JobSubmissionClient` waits for an answer; by default it waits forever for a stalled head."""
    client._do_request = functools.partial(_private(client, "_do_request"), timeout=seconds)


def job_of(folders: Sequence[str]) -> "JobConfig":
    """A job whose workers look for modules in these folders first.

    By default Ray puts the driver's working folder there, with whatever packages it holds.
    """
    from ray.job_config import JobConfig

    job: Any = JobConfig(_py_driver_sys_path=list(folders))
    _private(job, "_runtime_env_has_working_dir")
    # Ray leaves its own two folders out for a job that is said to bring its code along.
    job._runtime_env_has_working_dir = functools.partial(bool, True)
    return job


@contextlib.contextmanager
def on_loopback() -> Iterator[None]:
    """A context in which a Ray that is started listens on loopback alone; by default it does so on macOS only."""
    from ray._private import ray_constants

    before = _private(ray_constants, "ENABLE_RAY_CLUSTER")
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


def mute_servers() -> None:
    """Keep Ray's servers from printing here, where a worker's or server's death is told in the sweep's own words."""
    from ray._private import worker

    _private(worker, "print_to_stdstream")
    worker.print_to_stdstream = lambda data, ignore_prefix: None


def ended_servers() -> list[str]:
    """Which servers of the Ray that this process started have ended by themselves; Ray cannot do without any."""
    from ray._private import worker

    node = _private(worker, "_global_node")
    ended = {kind for kind, _ in _private(node, "dead_processes")()} if node is not None else set()
    return sorted(ended & {"raylet", "gcs_server"})


def worker_logs() -> Path | None:
    """The folder with the logs of the workers on this machine, or None if Ray is not connected."""
    from ray._private import worker

    node = _private(worker, "_global_node")
    return None if node is None else Path(_private(node, "get_logs_dir_path")())


def _private(owner: Any, name: str) -> Any:
    try:
        return getattr(owner, name)
    except AttributeError:
        import ray

        raise SweepError(
            f"Ray {ray.__version__} lacks {name}, which the service needs; install the version in requirements.lock"
        ) from None
