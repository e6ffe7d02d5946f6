"""Joins a Ray cluster or starts one on this machine, and counts its devices."""

import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Any

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
from sweep.schedule.work import cpu_count  # noqa: E402

_CONNECT_SECONDS = 5.0


@contextlib.contextmanager
def connected(address: str | None, workers: int | None = None) -> Iterator[None]:
    """Connect to the Ray cluster at an address, or start one on this machine with `workers` CPU slots.

    Raises SweepError if the cluster cannot be reached.
    """
    logging.getLogger("ray").setLevel(logging.ERROR)
    arguments: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if address is None:
        arguments |= {"num_cpus": workers or cpu_count(), "include_dashboard": False, "address": "local"}
    else:
        _check_reachable(address)
        arguments["address"] = address
    handler = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(**arguments)
    except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        where = address or "this machine"
        raise SweepError(
            f"Ray cannot be reached at {where}: {reason}; check the address, or train without Ray",
            "address",
            "executor",
        ) from None
    finally:
        # The handler of `ray.init` exits and drops results on their way to the store.
        if handler is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)
    try:
        yield
    finally:
        ray.shutdown()


def counts() -> tuple[int, int]:
    """The cluster's present number of GPUs and of CPU slots."""
    resources = ray.cluster_resources()
    return int(resources.get("GPU", 0)), int(resources.get("CPU", 0))


def _check_reachable(address: str) -> None:
    """Raise SweepError at once if nothing listens; Ray would try for minutes."""
    host, separator, port = address.removeprefix("ray://").rpartition(":")
    if not separator:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        raise SweepError(
            f"Ray cannot be reached at {address}: {error}; check the address, or leave it out to use this machine",
            "address",
        ) from None
