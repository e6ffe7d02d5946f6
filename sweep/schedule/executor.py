"""The interface between a sweep and what runs its packs. A new executor is one module and one line here."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from sweep.ledger import Tables
from sweep.own_code import OwnModule
from sweep.result import Checkpoint, Progress, Setting
from sweep.schedule.book import Attempt, Failure, PackBook

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
    """Which engine trains the packs, and where. `workers` is a number of CPUs."""

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


Executor = Callable[[PackBook, Listener, ExecutorOptions], None]
"""Takes packs from the book until it is exhausted, and tells the listener what becomes of them.

It releases everything it holds, however it ends."""

EXECUTORS = {"ray": "sweep.schedule.tune:run", "local": "sweep.schedule.local:run"}
"""Name to ``module:function``, imported on demand."""


def find_executor(name: str) -> Executor:
    """The executor of a registered name."""
    module, _, function = EXECUTORS[name].partition(":")
    return getattr(import_module(module), function)
