"""Which packs go to GPUs and which to CPUs, and what share of a GPU each asks for.

Pure: it knows packs, estimates and what a cluster has, and nothing of what runs them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from sweep.cost import CostModel, GPUCostModel
from sweep.engine.memory import PROCESS_BYTES, fused_width, pack_bytes
from sweep.pack import Pack

Kind = Literal["gpu", "cpu"]
KINDS: tuple[Kind, ...] = ("gpu", "cpu")

SHARES = (1 / 8, 1 / 4, 1 / 2, 1.0)
"""Shares of a GPU that a pack may ask for: few, as a worker is kept for packs that ask for the same."""

CPUS_FILLING_A_GPU = round(1 / SHARES[0])
"""Every pack takes a processor, on a GPU too."""

_LEAST_BYTES = 2 * PROCESS_BYTES
_ROUNDS = 24


@dataclass(frozen=True)
class Devices:
    """What a cluster has. `gpu_bytes` is the memory of its smallest GPU in bytes, None where it is not known."""

    gpus: int
    cpus: int
    gpu_bytes: float | None = None

    def count(self, kind: Kind) -> int:
        """Devices of a kind."""
        return self.gpus if kind == "gpu" else self.cpus


@dataclass(frozen=True)
class CostModels:
    """How long packs take on each kind of device."""

    cpu: CostModel = field(default_factory=CostModel)
    gpu: GPUCostModel = field(default_factory=GPUCostModel)


@dataclass(frozen=True)
class Job:
    """What a pack asks for: seconds on one CPU, or seconds on a share of a GPU."""

    share: float
    gpu_seconds: float
    cpu_seconds: float

    @property
    def gpu_work(self) -> float:
        """Seconds of a whole GPU that it takes up."""
        return self.share * self.gpu_seconds

    @property
    def worth(self) -> float:
        """CPU seconds against the GPU seconds that they can be had for: what is high belongs on a GPU."""
        return self.cpu_seconds / self.gpu_work

    def on(self, kind: Kind) -> float:
        """Seconds on a kind of device."""
        return self.gpu_seconds if kind == "gpu" else self.cpu_seconds

    def scaled(self, gpu: float, cpu: float) -> "Job":
        """With seconds multiplied by what was observed against the estimates."""
        return replace(self, gpu_seconds=gpu * self.gpu_seconds, cpu_seconds=cpu * self.cpu_seconds)


def make_job(pack: Pack, gpu_bytes: float | None, models: CostModels, whole_gpu: bool = False) -> Job:
    """What a pack asks for on GPUs of so many bytes; the whole of one where that is not known, or if `whole_gpu`."""
    share = 1.0 if gpu_bytes is None or whole_gpu else gpu_share(pack, gpu_bytes)
    width = len(pack) if gpu_bytes is None else fused_width(pack.trials[0], share * gpu_bytes)
    return Job(share, models.gpu.seconds(pack.trials, width, share), models.cpu.seconds(pack.trials))


def gpu_share(pack: Pack, gpu_bytes: float) -> float:
    """The smallest share in which the pack is trained with as many networks at once as on a whole GPU, else 1."""
    needed = max(_LEAST_BYTES, pack_bytes(pack.trials))
    return next((share for share in SHARES if share * gpu_bytes >= needed), 1.0)


def allowed_kinds(device: str | None, gpus: int) -> tuple[Kind, ...]:
    """The kinds that a user's device allows: what is named, or whatever the cluster has."""
    if device is not None:
        return ("gpu",) if device.startswith("cuda") else ("cpu",)
    return KINDS if gpus else ("cpu",)


def split(jobs: Sequence[Job], devices: Devices, allowed: Sequence[Kind] = KINDS) -> list[Kind]:
    """The kind of device for each job with which the last is done earliest.

    List scheduling on unrelated machines: by bisection over the end, CPUs take from the jobs that gain least by a GPU
    as many as the GPUs would not be done with by then.
    """
    only = _only_kind(devices, allowed)
    if only is not None:
        return [only] * len(jobs)
    order = sorted(range(len(jobs)), key=lambda index: jobs[index].worth)
    best: list[Kind] = ["gpu"] * len(jobs)
    low, high = 0.0, makespan(jobs, best, devices)
    for _ in range(_ROUNDS):
        end = (low + high) / 2
        placed = _done_by(end, jobs, order, devices)
        if placed is None:
            low = end
        else:
            best, high = placed, min(end, makespan(jobs, placed, devices))
    return best


def makespan(jobs: Iterable[Job], kinds: Iterable[Kind], devices: Devices) -> float:
    """Seconds until the last job is done: at least an equal share of the work of each kind, and the longest job.

    Infinite for work on devices that are not there.
    """
    work: dict[Kind, float] = {"gpu": 0.0, "cpu": 0.0}
    longest = 0.0
    for job, kind in zip(jobs, kinds, strict=True):
        longest = max(longest, job.on(kind))
        work["cpu"] += job.on(kind)
        if kind == "gpu":
            work["gpu"] += job.gpu_work
    shares = (work[kind] / devices.count(kind) if devices.count(kind) else float("inf") for kind in KINDS if work[kind])
    return max(longest, *shares, 0.0)


def _only_kind(devices: Devices, allowed: Sequence[Kind]) -> Kind | None:
    if len(allowed) == 1:
        return allowed[0]
    return None if devices.gpus and devices.cpus else "cpu"


def _done_by(end: float, jobs: Sequence[Job], order: Sequence[int], devices: Devices) -> list[Kind] | None:
    """Kinds with which all jobs are done by `end`, or None; `order` begins with what gains least by a GPU."""
    kinds: list[Kind] = ["gpu"] * len(jobs)
    gpu, cpu = devices.gpus * end, devices.cpus * end
    gpu -= sum(job.gpu_work for job in jobs)
    # A pack on a GPU takes a processor as well.
    cpu -= sum(job.gpu_seconds for job in jobs)
    for index in order:
        job = jobs[index]
        more = job.cpu_seconds - job.gpu_seconds
        too_long = job.gpu_seconds > end
        if gpu >= 0 and more > 0 and not too_long:
            continue
        if job.cpu_seconds > end or (more > 0 and more > cpu):
            if too_long:
                return None
            continue
        kinds[index] = "cpu"
        gpu, cpu = gpu + job.gpu_work, cpu - more
    return kinds if gpu >= 0 and cpu >= 0 else None
