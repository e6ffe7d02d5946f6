"""Joins a Ray cluster or starts one on this machine, and counts its devices."""

import contextlib
import logging
import os
import signal
import socket
import sysconfig
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sweep
from sweep.ray_token import use_token

_ENVIRONMENT = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    # `demand.py` decides how many wait.
    "TUNE_MAX_PENDING_TRIALS_PG": "1000000",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}
os.environ.update({name: value for name, value in _ENVIRONMENT.items() if name not in os.environ})
use_token()

import ray  # noqa: E402

from sweep.errors import SweepError  # noqa: E402
from sweep.ray_private import job_of, mute_servers  # noqa: E402
from sweep.schedule.own_ray import Head, first_line, own_fault, start, watched  # noqa: E402
from sweep.schedule.processors import cpu_count  # noqa: E402

_CONNECT_SECONDS = 5.0
_CLIENT = "ray://"
_JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""Ray sets it in the driver of a submitted job."""


@contextlib.contextmanager
def connected(address: str | None, workers: int | None = None) -> Iterator[None]:
    """Connect to the Ray cluster at an address, or start one on this machine with `workers` CPU slots.

    Raises SweepError if the cluster cannot be reached.
    """
    logging.getLogger("ray").setLevel(logging.ERROR)
    arguments: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False, "job_config": job_of(_code())}
    mute_servers()
    handler = signal.getsignal(signal.SIGTERM)
    try:
        if address is None:
            start(num_cpus=workers or cpu_count(), include_dashboard=False, **arguments)
        else:
            _join(address, arguments)
    finally:
        # The handler of `ray.init` exits and drops results on their way to the store.
        if handler is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)
    try:
        with watched(own_fault if address is None else _head(address).fault):
            yield
    finally:
        ray.shutdown()


def _join(address: str, arguments: dict[str, Any]) -> None:
    _check_reachable(address)
    try:
        ray.init(address=address, **arguments)
    except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
        raise SweepError(
            f"Ray cannot be reached at {address}: {first_line(error)}; check the address, or train without Ray",
            "address",
            "executor",
        ) from None


def _head(address: str) -> Head:
    """The cluster's head. A client of Ray's may reach it at this address alone."""
    through = address.removeprefix(_CLIENT)
    return Head(ray.get_runtime_context().gcs_address if through == address else through)


def _code() -> list[str]:
    """The folder of this program where workers would not find it: a checkout that is not installed.

    A submitted job's workers have their own copy of it.
    """
    root = Path(sweep.__file__).parents[1]
    installed = [Path(sysconfig.get_path(which)) for which in ("purelib", "platlib")]
    return [] if _JOB in os.environ or root in installed else [str(root)]


def counts() -> tuple[int, int]:
    """The cluster's present number of GPUs and of CPU slots."""
    resources = ray.cluster_resources()
    return int(resources.get("GPU", 0)), int(resources.get("CPU", 0))


def _check_reachable(address: str) -> None:
    """Raise SweepError at once if nothing listens; Ray would try for minutes."""
    host, separator, port = address.removeprefix(_CLIENT).rpartition(":")
    if not separator:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        raise SweepError(
            f"Ray cannot be reached at {address}: {error}; check the address, or leave it out to use this machine",
            "address",
        ) from None
