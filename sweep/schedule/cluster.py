"""A Ray cluster: joining it or starting one on this machine, and what devices it has."""

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
    # How many wait is the dispatcher's business.
    "TUNE_MAX_PENDING_TRIALS_PG": "1000000",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}
os.environ.update({name: value for name, value in _ENVIRONMENT.items() if name not in os.environ})
use_token()

import ray  # noqa: E402
from ray.exceptions import RayError  # noqa: E402
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy  # noqa: E402

from sweep.errors import SweepError  # noqa: E402
from sweep.schedule.placement import Devices  # noqa: E402
from sweep.schedule.work import cpu_count  # noqa: E402

_CONNECT_SECONDS = 5.0
_MEMORY_SECONDS = 60.0
_SLIVER = 0.01
"""Of a GPU: enough for Ray to show it to a task."""


@contextlib.contextmanager
def connected(address: str | None, workers: int | None = None) -> Iterator[None]:
    """Within, Ray is connected to the cluster at an address, or to one on this machine with so many CPU slots.

    Raises SweepError where the cluster cannot be reached.
    """
    logging.getLogger("ray").setLevel(logging.ERROR)
    arguments: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if address is None:
        arguments |= {"num_cpus": workers or cpu_count(), "include_dashboard": False, "address": "local"}
    else:
        _check_reachable(address)
        arguments["address"] = address
    try:
        with _own_terminate():
            ray.init(**arguments)
    except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        where = address or "this machine"
        raise SweepError(
            f"Ray cannot be reached at {where}: {reason}; check --address, or use --executor local"
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


@contextlib.contextmanager
def _own_terminate() -> Iterator[None]:
    """Keep what SIGTERM does: `ray.init` takes it over, with an exit that drops results on their way to the store."""
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if handler is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)


def counts() -> tuple[int, int]:
    """GPUs and CPU slots of the cluster at this moment."""
    resources = ray.cluster_resources()
    return int(resources.get("GPU", 0)), int(resources.get("CPU", 0))


def find_devices(gpu_memory: float | None = None) -> Devices:
    """What the cluster has at this moment; the GPUs' memory is asked of its nodes unless given, in gigabytes."""
    gpus, cpus = counts()
    if gpu_memory is not None:
        return Devices(gpus, cpus, 1e9 * gpu_memory)
    return Devices(gpus, cpus, _smallest_gpu_bytes() if gpus else None)


def _smallest_gpu_bytes() -> float | None:
    """Memory of the smallest GPU of the nodes that answer in time; None where one has no CUDA, or none answers."""
    nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"] and node["Resources"].get("GPU", 0) > 0]
    ask = ray.remote(num_cpus=0, num_gpus=_SLIVER, max_retries=0)(_gpu_bytes)
    asked = [
        ask.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote() for node in nodes
    ]
    answered, late = ray.wait(asked, num_returns=len(asked), timeout=_MEMORY_SECONDS)
    for task in late:
        ray.cancel(task, force=True)
    try:
        sizes = ray.get(answered)
    except RayError:
        return None
    known = [size for size in sizes if size is not None]
    return min(known) if known and len(known) == len(sizes) else None


def _gpu_bytes() -> int | None:
    import torch

    return torch.cuda.mem_get_info()[1] if torch.cuda.is_available() else None


def _check_reachable(address: str) -> None:
    """Knock before Ray does, which tries for minutes."""
    host, separator, port = address.removeprefix("ray://").rpartition(":")
    if not separator:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        raise SweepError(
            f"Ray cannot be reached at {address}: {error}; check --address, or leave it out to use this machine"
        ) from None
