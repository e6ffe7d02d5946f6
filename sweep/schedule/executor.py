"""The small interface between a sweep and what runs its packs. A new backend is one module and one line here."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from sweep.ledger import Tables
from sweep.result import Checkpoint, Setting, TrialResult
from sweep.schedule.queue import Attempt, PackQueue


class Listener(Protocol):
    """Told by an executor what happens, on one thread; raises to stop the sweep."""

    def note(self, line: str) -> None:
        """Something a person should know."""
        ...

    def started(self, attempt: Attempt) -> None:
        """A worker has begun the pack."""
        ...

    def progressed(self, attempt: Attempt, share: float) -> None:
        """The worker has done this share, 0 to 1, of the pack."""
        ...

    def checkpointed(self, attempt: Attempt, checkpoint: Checkpoint) -> None:
        """The state of one of its trainings."""
        ...

    def checkpoint(self, training_id: str) -> bytes | None:
        """Content of the latest checkpoint that the store has of a training."""
        ...

    def finished(self, attempt: Attempt, tables: Tables) -> None:
        """The pack's results."""
        ...

    def failed(self, attempt: Attempt, reason: str, given_up: list[TrialResult]) -> None:
        """The pack did not finish, and perhaps never began; results of the trials that are not tried again."""
        ...


@dataclass(frozen=True)
class ExecutorOptions:
    """What a user may say about where packs run."""

    engine: str = "torch"
    device: str | None = None
    workers: int | None = None
    address: str | None = None
    data_cache: str | None = None
    save_seconds: float = Setting.save_seconds
    """Time between checkpoints of a training."""
    gpu_memory: float | None = None
    """Gigabytes of the cluster's smallest GPU; by default a node is asked."""


Executor = Callable[[PackQueue, Listener, ExecutorOptions], None]
"""Runs packs until the queue is exhausted, and lets go of all it holds however it ends."""

EXECUTORS = {"ray": "sweep.schedule.tune:run", "local": "sweep.schedule.local:run"}
"""Name to ``module:function``, imported when asked for."""


def find_executor(name: str) -> Executor:
    """The executor of a registered name."""
    module, _, function = EXECUTORS[name].partition(":")
    return getattr(import_module(module), function)
