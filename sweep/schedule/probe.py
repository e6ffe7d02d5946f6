"""Asks a Ray cluster what it has, and measures how fast a worker of each kind trains the networks of a plan."""

from collections.abc import Sequence
from typing import Any

# First, as it sets what Ray reads from the environment.
from sweep.schedule.cluster import connected, find_devices

# isort: split
import ray
from ray.exceptions import RayError

from sweep.calibration import calibrate, calibrate_gpu
from sweep.cost import CostModel, GPUCostModel
from sweep.errors import SweepError
from sweep.pack import Pack
from sweep.result import Setting
from sweep.schedule.forecast import Survey
from sweep.schedule.placement import KINDS, CostModels, Kind

_CALIBRATION_SECONDS = 180.0


def survey_cluster(
    address: str,
    packs: Sequence[Pack],
    calibrated: bool,
    gpu_memory: float | None = None,
    data_cache: str | None = None,
) -> Survey:
    """Devices of the cluster at an address, and, if `calibrated`, short real trainings on one worker of each kind.

    A kind that cannot be measured within minutes keeps its default model, with a remark. Raises SweepError where the
    cluster cannot be reached, and where it has no processor.
    """
    with connected(address):
        devices = find_devices(gpu_memory)
        if not devices.cpus:
            raise SweepError(
                f"the cluster at {address} has no processor at this moment; plan for what its autoscaler may add with "
                "--gpus and --cpus instead of --address"
            )
        if not calibrated:
            return Survey(devices)
        asked = {
            kind: ray.remote(num_cpus=1, num_gpus=int(kind == "gpu"), max_retries=0)(_measure).remote(
                list(packs), kind, data_cache
            )
            for kind in KINDS
            if devices.count(kind)
        }
        _, late = ray.wait(list(asked.values()), num_returns=len(asked), timeout=_CALIBRATION_SECONDS)
        for task in late:
            ray.cancel(task, force=True)
        remarks: list[str] = []
        found: dict[str, Any] = {}
        for kind, task in asked.items():
            answer = "no worker got free in time" if task in late else _answer(task)
            if isinstance(answer, str):
                remarks.append(f"no {kind.upper()} could be measured: {answer}")
            else:
                found[kind] = answer
        return Survey(devices, CostModels(**found), frozenset(kind for kind in KINDS if kind in found), tuple(remarks))


def _measure(packs: list[Pack], kind: Kind, data_cache: str | None) -> CostModel | GPUCostModel | str:
    try:
        if kind == "gpu":
            return calibrate_gpu(packs, Setting("cuda", data_cache=data_cache))
        return calibrate(packs, Setting(data_cache=data_cache))
    except SweepError as error:
        return str(error)


def _answer(task: Any) -> CostModel | GPUCostModel | str:
    try:
        return ray.get(task)
    except RayError as error:
        return str(error).strip().splitlines()[-1]
