"""The small interface between a sweep and what runs its packs. A new executor is one module and one line here."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from sweep.ledger import Tables
from sweep.own_code import OwnModule
from sweep.result import Checkpoint, Setting
from sweep.schedule.book import Attempt, Failure, PackBook


class Listener(Protocol):
    """Keeps the book: an executor tells it what happens, on one thread. It raises to stop the sweep."""

    def note(self, line: str) -> None:
        """Tell a person this line."""
        ...

    def started(self, attempt: Attempt) -> None:
        """A worker has begun the pack."""
        ...

    def progressed(self, attempt: Attempt, share: float) -> None:
        """The worker has done this share, 0 to 1, of the pack."""
        ...

    def checkpointed(self, attempt: Attempt, checkpoint: Checkpoint) -> None:
        """One of its trainings has reached this state."""
        ...

    def checkpoint(self, training_id: str) -> bytes | None:
        """Content of a training's latest checkpoint in the store, or None."""
        ...

    def finished(self, attempt: Attempt, tables: Tables) -> None:
        """The pack has ended with these results."""
        ...

    def failed(self, attempt: Attempt, failure: Failure) -> None:
        """The pack did not finish, and perhaps never began."""
        ...


@dataclass(frozen=True)
class ExecutorOptions:
    """Which engine trains the packs, and where. Paths and addresses are the user's; `workers` is a number of CPUs."""

    engine: str = "torch"
    device: str | None = None
    workers: int | None = None
    address: str | None = None
    data_cache: str | None = None
    save_seconds: float = Setting.save_seconds
    """Time between checkpoints of a training."""
    gpus_per_pack: float = 1.0
    """Share of a GPU that each pack asks Ray for, above 0 and at most 1; of no meaning on CPUs."""
    modules: tuple[OwnModule, ...] = ()
    """Modules of the user's own that workers may lack."""


Executor = Callable[[PackBook, Listener, ExecutorOptions], None]
"""Takes packs from the book until it is exhausted, and tells the listener, which keeps the book, what becomes of them.

It lets go of all it holds however it ends."""

EXECUTORS = {"ray": "sweep.schedule.tune:run", "local": "sweep.schedule.local:run"}
"""Name to ``module:function``, imported when asked for."""


def find_executor(name: str) -> Executor:
    """The executor of a registered name."""
    module, _, function = EXECUTORS[name].partition(":")
    return getattr(import_module(module), function)
