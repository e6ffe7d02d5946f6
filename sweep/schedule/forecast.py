"""What a sweep would be on given devices: packs by kind of device, and how long it would take."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from sweep.pack import Pack
from sweep.schedule.placement import KINDS, CostModels, Devices, Kind, allowed_kinds, make_job, makespan, split


@dataclass(frozen=True)
class Survey:
    """The devices of a machine or a cluster, and how long packs take on them.

    `measured` names the kinds whose times were measured on such a device; those of others are by a rule. `remarks` say
    what could not be found out.
    """

    devices: Devices
    models: CostModels = field(default_factory=CostModels)
    measured: frozenset[Kind] = frozenset()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class KindForecast:
    """One kind of device: how many, their packs and trials, packs by share of a GPU, and seconds until all are done."""

    kind: Kind
    devices: int
    packs: int
    trials: int
    shares: dict[str, int]
    estimated_seconds: float
    measured: bool


@dataclass(frozen=True)
class Forecast:
    """Seconds until the last pack is done, the kinds of device that there are, and the CPUs that keep all GPUs busy."""

    seconds: float
    kinds: tuple[KindForecast, ...]
    cpus_for_gpus: int


def forecast(packs: Sequence[Pack], survey: Survey) -> Forecast:
    """How the packs would be placed, as a run with the same estimates begins."""
    devices = survey.devices
    jobs = [make_job(pack, devices.gpu_bytes, survey.models) for pack in packs]
    chosen = split(jobs, devices, allowed_kinds(None, devices.gpus))
    on_gpus = [job for job, kind in zip(jobs, chosen, strict=True) if kind == "gpu"]
    # Each pack on a GPU takes a processor.
    at_once = sum(job.gpu_seconds for job in on_gpus) / sum(job.gpu_work for job in on_gpus) if on_gpus else 0.0
    kinds = []
    for kind in KINDS:
        if not devices.count(kind):
            continue
        places = [place for place, each in enumerate(chosen) if each == kind]
        there = [jobs[place] for place in places]
        shares = Counter(job.share for job in there) if kind == "gpu" else {}
        kinds.append(
            KindForecast(
                kind=kind,
                devices=devices.count(kind),
                packs=len(places),
                trials=sum(len(packs[place]) for place in places),
                shares={str(Fraction(share)): count for share, count in sorted(shares.items(), reverse=True)},
                estimated_seconds=makespan(there, [chosen[place] for place in places], devices),
                measured=kind in survey.measured,
            )
        )
    cpus_for_gpus = min(len(on_gpus), math.ceil(devices.gpus * at_once - 1e-9))
    return Forecast(makespan(jobs, chosen, devices), tuple(kinds), cpus_for_gpus)
