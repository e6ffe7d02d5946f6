"""Which pack is handed out next, to which kind of device, while a sweep runs.

The packs are split between GPUs and CPUs by estimates, which are corrected by what is observed. Of each kind as many
packs are out as it has room for, and a few more, so that a worker that gets free has the next one at once. A kind that
has run dry takes from the other where that pays.
"""

import itertools
import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from sweep.result import TrialResult
from sweep.schedule.placement import KINDS, CostModels, Devices, Job, Kind, allowed_kinds, make_job, split
from sweep.schedule.queue import Attempt, Failure, PackQueue

_OBSERVED, _FEWEST_OBSERVED = 33, 3
_NEW_SPLIT_AT = 1.25
_PENDING_FOR_AUTOSCALER = 16


@dataclass
class Placed:
    """An attempt that is out: its kind of device, and its share of one, which is 0 on a CPU."""

    attempt: Attempt
    kind: Kind
    share: float
    seconds: float
    """Estimated, as corrected when it was handed out."""
    correction: float
    """What the estimate was multiplied by."""
    resumed: bool = False
    """Whether it goes on from a checkpoint, so that its time says nothing of the device."""
    began: float | None = None


class Dispatcher:
    """Hands out the packs of a queue by kind of device.

    `device` is the user's, if any. `elastic` says that an autoscaler may add nodes, which it does for packs that wait.
    """

    def __init__(
        self,
        queue: PackQueue,
        devices: Devices,
        device: str | None = None,
        elastic: bool = False,
        models: CostModels | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.queue, self.devices = queue, devices
        self._device, self._elastic, self._clock = device, elastic, clock
        self._models = models or CostModels()
        self._out: dict[int, Placed] = {}
        self._estimates: dict[int, Job] = {}
        """By number of the attempt."""
        self._jobs: dict[int, Job] = {}
        """Of what is pending, as corrected by what was observed until the last split."""
        self._waiting: dict[Kind, list[Attempt]] = {kind: [] for kind in KINDS}
        self._observed: dict[Kind, deque[float]] = {kind: deque(maxlen=_OBSERVED) for kind in KINDS}
        self._factors: dict[Kind, float] = dict.fromkeys(KINDS, 1.0)
        self._stale = True

    def resize(self, gpus: int, cpus: int) -> None:
        """The cluster has grown or shrunk."""
        devices = replace(self.devices, gpus=gpus, cpus=cpus)
        if devices != self.devices:
            self.devices, self._stale = devices, True

    def next(self) -> Placed | None:
        """Hand out a pack; None while none is pending or there is room for none."""
        if self._stale:
            self._split()
        self._hand_over()
        for kind in KINDS:
            if self._waiting[kind]:
                first = self._waiting[kind][0]
                if self._may_be_out(first, kind):
                    return self._hand_out(first, kind, kind)
            elif (taken := self._to_take(kind)) is not None:
                return self._hand_out(taken, kind, _other(kind))
        return None

    def started(self, attempt: Attempt) -> None:
        """A worker has begun the pack."""
        self._out[attempt.number].began = self._clock()

    def finished(self, attempt: Attempt) -> None:
        """Its results are handed over."""
        self._observe(self._out.pop(attempt.number))
        self.queue.finished(attempt)

    def failed(self, attempt: Attempt, failure: Failure) -> list[TrialResult]:
        """Queue what the failure leads to; the results of trials that are given up.

        Raises SweepError for a fault of the environment, which ends the sweep.
        """
        placed = self._out.pop(attempt.number)
        self._stale = True
        return self.queue.failed(attempt, failure, on_part_of_gpu=0 < placed.share < 1)

    def stranded(self) -> list[Attempt]:
        """Packs that wait for devices that are gone, or for CPUs since there were no GPUs, and could go elsewhere."""
        waiting = [placed for placed in self._out.values() if placed.began is None]
        gone = [placed.attempt for placed in waiting if placed.kind not in self._allowed]
        on_cpus = [placed.attempt for placed in waiting if placed.kind == "cpu"]
        if "gpu" not in self._allowed or not on_cpus:
            return gone
        out = sum(placed.kind == "cpu" for placed in self._out.values())
        surplus = out - self.devices.cpus - self._most_waiting("cpu")
        return gone + (on_cpus[-surplus:] if surplus > 0 else [])

    @property
    def stalled(self) -> bool:
        """Whether packs wait for devices and none is in training."""
        return bool(self._out) and all(placed.began is None for placed in self._out.values())

    def withdraw(self, attempt: Attempt) -> None:
        """Take back a stranded pack."""
        del self._out[attempt.number]
        self._stale = True
        self.queue.withdraw(attempt)

    @property
    def _allowed(self) -> tuple[Kind, ...]:
        return allowed_kinds(self._device, self.devices.gpus)

    def _split(self) -> None:
        """Deal what is pending to the kinds, by the estimates as they now stand."""
        self._stale = False
        self._factors = {kind: self._factor(kind) for kind in KINDS}
        pending = list(self.queue.pending)
        self._jobs = {attempt.number: self._corrected(attempt) for attempt in pending}
        kinds = split(list(self._jobs.values()), self.devices, self._allowed)
        for kind in KINDS:
            self._waiting[kind] = [attempt for attempt, chosen in zip(pending, kinds, strict=True) if chosen == kind]
        # Equal shares follow each other, so that workers are kept; a whole GPU gets free only after parts of it.
        self._waiting["gpu"].sort(key=lambda attempt: (attempt.whole_gpu, -self._jobs[attempt.number].share))

    def _corrected(self, attempt: Attempt) -> Job:
        if attempt.number not in self._estimates:
            job = make_job(attempt.pack, self.devices.gpu_bytes, self._models, attempt.whole_gpu)
            self._estimates[attempt.number] = job
        return self._estimates[attempt.number].scaled(self._factors["gpu"], self._factors["cpu"])

    def _hand_out(self, attempt: Attempt, kind: Kind, waiting: Kind) -> Placed:
        self._waiting[waiting].remove(attempt)
        self.queue.take(attempt)
        job = self._jobs[attempt.number]
        placed = Placed(attempt, kind, job.share if kind == "gpu" else 0.0, job.on(kind), self._factors[kind])
        self._out[attempt.number] = placed
        return placed

    def _may_be_out(self, attempt: Attempt, kind: Kind) -> bool:
        return self._jobs[attempt.number].share <= self._room(kind) or self._may_wait(kind)

    def _room(self, kind: Kind) -> float:
        """The largest share that the cluster could begin now; any on a CPU."""
        shares = [placed.share for placed in self._out.values() if placed.kind == "gpu"]
        if kind == "gpu":
            return self.devices.gpus - sum(shares) if len(shares) < self.devices.cpus else 0.0
        on_cpus = len(self._out) - len(shares)
        return float(on_cpus + len(self._fitting()) < self.devices.cpus)

    def _fitting(self) -> list[Placed]:
        """The packs out for GPUs that these have room for: those that have begun, and the next of the others."""
        out = sorted(
            (placed for placed in self._out.values() if placed.kind == "gpu"), key=lambda placed: placed.began is None
        )
        ends = itertools.accumulate(placed.share for placed in out)
        return [placed for placed, end in zip(out, ends, strict=True) if end <= self.devices.gpus]

    def _may_wait(self, kind: Kind) -> bool:
        """Whether a pack may be out for which there is no room yet."""
        if kind == "cpu" and any(placed.began is None for placed in self._fitting()):
            # What waits for a GPU that is free lacks a processor: the next that gets free is for it.
            return False
        waiting = sum(placed.kind == kind and placed.began is None for placed in self._out.values())
        return waiting < self._most_waiting(kind)

    def _most_waiting(self, kind: Kind) -> int:
        """Packs of a kind that may be out without room for them."""
        slots = self.devices.count(kind)
        if not self._elastic:
            return 1
        return max(_PENDING_FOR_AUTOSCALER, slots) if len(self._allowed) == 1 else 1 + slots // 8

    def _hand_over(self) -> None:
        """Leave to the GPUs what a CPU would begin next and they would do sooner, after all that they have."""
        cpu = self._waiting["cpu"]
        if "gpu" not in self._allowed or not self.devices.gpus:
            return
        while cpu and self._may_be_out(cpu[0], "cpu") and self._sooner_on_gpu(cpu[0]):
            self._waiting["gpu"].append(cpu.pop(0))

    def _sooner_on_gpu(self, attempt: Attempt) -> bool:
        wait = 0.0
        if not self._room("cpu"):
            wait = min((self._remaining(placed) for placed in self._out.values() if placed.kind == "cpu"), default=0.0)
        job = self._jobs[attempt.number]
        return wait + job.cpu_seconds > self._left("gpu") + job.gpu_seconds

    def _to_take(self, kind: Kind) -> Attempt | None:
        """The pack of the other kind that is best done by this one, which has nothing left and room for more.

        It is taken if it is done before the other kind would have worked off all it has; by a GPU if that is faster
        than the processor which it takes as well, or if it is yet to be seen how fast GPUs are.
        """
        other = _other(kind)
        room = self._room(kind)
        if kind not in self._allowed or not self._waiting[other] or not room:
            return None
        left = self._left(other)
        unseen = len(self._observed["gpu"]) + sum(each.kind == "gpu" for each in self._out.values()) < _FEWEST_OBSERVED
        jobs = ((self._jobs[attempt.number], attempt) for attempt in self._waiting[other])
        candidates = [
            (job.worth, attempt)
            for job, attempt in jobs
            if job.share <= room
            and job.on(kind) < left
            and (kind == "cpu" or unseen or job.gpu_seconds < job.cpu_seconds)
        ]
        best = max if kind == "gpu" else min
        return best(candidates, key=lambda each: each[0])[1] if candidates else None

    def _left(self, kind: Kind) -> float:
        """Seconds in which a kind would work off all that it has."""
        jobs = [self._jobs[attempt.number] for attempt in self._waiting[kind]]
        work = sum(job.gpu_work if kind == "gpu" else job.cpu_seconds for job in jobs)
        work += sum((each.share or 1.0) * self._remaining(each) for each in self._out.values() if each.kind == kind)
        return work / max(1, self.devices.count(kind))

    def _remaining(self, placed: Placed) -> float:
        done = 0.0 if placed.began is None else self._clock() - placed.began
        return max(0.0, placed.seconds - done)

    def _observe(self, placed: Placed) -> None:
        if placed.began is None or placed.resumed:
            return
        kind = placed.kind
        self._observed[kind].append((self._clock() - placed.began) / placed.seconds * placed.correction)
        drift = self._factor(kind) / self._factors[kind]
        self._stale |= not 1 / _NEW_SPLIT_AT <= drift <= _NEW_SPLIT_AT

    def _factor(self, kind: Kind) -> float:
        """Seconds observed against those estimated."""
        observed = self._observed[kind]
        return statistics.median(observed) if len(observed) >= _FEWEST_OBSERVED else self._factors[kind]


def _other(kind: Kind) -> Kind:
    return "cpu" if kind == "gpu" else "gpu"
