"""The interface between a sweep and what runs its packs. A new executor is one module and one line here."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from sweep.errors import SweepError
from sweep.ledger import Tables
from sweep.own_code import OwnModule
from sweep.result import Checkpoint, Progress, Setting
from sweep.schedule.book import Attempt, Failure, PackBook

_ON_RAY = "is for the executor ray; the local one trains one pack at a time"
_SMALLEST_SHARE = 1e-4
"""The smallest share of a GPU that Ray counts."""

Report = Progress | Checkpoint | Tables | Failure
"""What a worker reports of a pack: tables with results or a failure end it."""


class Listener(Protocol):
    """Keeps the book: an executor tells it, on one thread, what happens. It raises to stop the sweep."""

    def note(self, line: str) -> None:
        """Show this line to the user."""

    def started(self, attempt: Attempt) -> None:
        """A worker has begun the pack."""

    def heard(self, attempt: Attempt, report: Report) -> None:
        """The pack's worker has reported this, or failed before it began."""

    def checkpoint(self, training_id: str) -> bytes | None:
        """Content of a training's latest checkpoint in the store, or None."""


@dataclass(frozen=True)
class ExecutorOptions:
    """Which engine trains the packs, and where. `workers` is a number of CPUs. Raises SweepError for an invalid one."""

    engine: str = "torch"
    device: str | None = None
    workers: int | None = None
    address: str | None = None
    data_cache: str | None = None
    save_seconds: float = Setting.save_seconds
    """Time between checkpoints of a training."""
    gpus_per_pack: float = 1.0
    """Share of a GPU that each pack asks Ray for, above 0 and at most 1; CPUs ignore it."""
    kernel: str = Setting.kernel
    """What trains stacks on CPUs; see `Setting`."""
    most_at_once: float = math.inf
    """The most packs that a cluster gets at once."""
    modules: tuple[OwnModule, ...] = ()
    """The user's own modules, which workers may lack."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"cpu|cuda(:[0-9]+)?", self.device or "cpu"):
            raise SweepError(
                f"device is {self.device!r}, but takes cpu, cuda or, with the local executor, cuda:N", "device"
            )
        if not self.save_seconds >= 0:
            raise SweepError(f"save_seconds is {self.save_seconds:g}, but takes a number of at least 0", "save_seconds")
        if not _SMALLEST_SHARE <= self.gpus_per_pack <= 1:
            raise SweepError(
                f"gpus_per_pack is {self.gpus_per_pack:g}, but takes a number above 0 and at most 1, such as 0.25",
                "gpus_per_pack",
            )
        for name, count in (("workers", self.workers), ("max_parallel", self.most_at_once)):
            if count is not None and count < 1:
                raise SweepError(f"{name} is {count:g}, but takes an integer of at least 1", name)

    def check(self, on_ray: bool) -> None:
        """Raise SweepError for options that a sweep on Ray, or in one process, does not take."""
        if on_ray and ":" in (self.device or ""):
            raise SweepError(f"device is {self.device!r}, but Ray chooses among the GPUs; give cuda", "device")
        if not on_ray and self.gpus_per_pack != 1:
            raise SweepError(f"gpus_per_pack {_ON_RAY}", "gpus_per_pack")
        if not on_ray and self.most_at_once < math.inf:
            raise SweepError(f"max_parallel {_ON_RAY}", "max_parallel")


Executor = Callable[[PackBook, Listener, ExecutorOptions], None]
"""Takes packs from the book until it is exhausted, and tells the listener what becomes of them.

It releases everything it holds, however it ends."""

EXECUTORS = {"ray": "sweep.schedule.tune:run", "local": "sweep.schedule.local:run"}
"""Name to ``module:function``, imported on demand."""


def find_executor(name: str) -> Executor:
    """The executor of a registered name."""
    module, _, function = EXECUTORS[name].partition(":")
    return getattr(import_module(module), function)
