"""What a sweep would be on given devices: packs by kind of device, and how long it would take."""

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
    """Seconds until the last pack is done, and the kinds of device that there are."""

    seconds: float
    kinds: tuple[KindForecast, ...]


def forecast(packs: Sequence[Pack], survey: Survey) -> Forecast:
    """How the packs would be placed, as a run with the same estimates begins."""
    devices = survey.devices
    jobs = [make_job(pack, devices.gpu_bytes, survey.models) for pack in packs]
    chosen = split(jobs, devices, allowed_kinds(None, devices.gpus))
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
    return Forecast(makespan(jobs, chosen, devices), tuple(kinds))
