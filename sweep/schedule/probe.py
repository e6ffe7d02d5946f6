"""Asks a Ray cluster for its number of processors, and measures how fast a worker trains a plan's networks."""

from collections.abc import Sequence
from typing import Any

# First, as it sets what Ray reads from the environment.
from sweep.schedule.cluster import connected, counts

# isort: split
import ray
from ray.exceptions import RayError

from sweep.calibration import Workers, calibrate
from sweep.cost import CostModel
from sweep.errors import SweepError
from sweep.own_code import OwnModule, loaded, restore
from sweep.pack import Pack
from sweep.result import Setting
from sweep.trial import Trial

_CALIBRATION_SECONDS = 180.0


def survey_cluster(address: str, packs: Sequence[Pack], calibrated: bool, data_cache: str | None = None) -> Workers:
    """The processors of the cluster at an address; with `calibrated`, one of them trains a few networks briefly.

    If that fails or takes minutes, the default model stays, and `fault` says why. Raises SweepError if the cluster
    cannot be reached or has no processor.
    """
    with connected(address):
        _, cpus = counts()
        if not cpus:
            raise SweepError(
                f"the cluster at {address} has no processor at the moment; plan for a number of processors that its "
                "autoscaler may add",
                "cpus",
            )
        if not calibrated:
            return Workers(cpus)
        plain = [[trial.identity() for trial in pack.trials] for pack in packs]
        task = ray.remote(num_cpus=1, max_retries=0)(_measure).remote(plain, data_cache, loaded())
        in_time, _ = ray.wait([task], timeout=_CALIBRATION_SECONDS)
        if not in_time:
            ray.cancel(task, force=True)
            return Workers(cpus, fault="no worker got free in time")
        try:
            answer = ray.get(task)
        except RayError as error:
            answer = str(error).strip().splitlines()[-1]
        return Workers(cpus, fault=answer) if isinstance(answer, str) else Workers(cpus, answer, calibrated=True)


def _measure(plain: list[list[dict[str, Any]]], data_cache: str | None, own: Sequence[OwnModule]) -> CostModel | str:
    try:
        restore(own)
        packs = [Pack(tuple(map(Trial.from_dict, trials))) for trials in plain]
        return calibrate(packs, Setting(data_cache=data_cache))
    except SweepError as error:
        return str(error)
