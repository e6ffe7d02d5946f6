"""What an engine reports: progress while it trains, then one result per trial."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sweep.trial import Trial

Status = Literal["finished", "diverged", "failed"]


class OutOfMemory(Exception):
    """The trials do not fit into memory together; fewer might."""


OUT_OF_MEMORY = "out of memory"
"""How the error of a trial that did not fit begins."""


@dataclass(frozen=True)
class Epoch:
    """One trial's measurements of one epoch; `seconds` is its share of the time of all trials trained with it."""

    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    gradient_norm: float
    seconds: float


@dataclass(frozen=True)
class Measurement:
    """One number measured on a trial's network, besides its losses.

    `measurement` says what was done, `subject` to what (block numbers, a layer), and `size` how much of it (blocks
    deleted, path length). `draw` numbers the random draws. An undefined `value` is None. `epoch` is the number of
    epochs that the network had been trained for, None at the end of its training.
    """

    measurement: str
    metric: str
    value: float | None
    subject: str = ""
    size: int = 0
    draw: int = 0
    epoch: int | None = None


@dataclass(frozen=True)
class TrialResult:
    """The end of one trial.

    A `finished` trial has all its epochs; training loss and accuracy of the last one are measured in evaluation mode
    over the training set (earlier epochs have running means). A `diverged` one has the epoch in which a loss or
    gradient ceased to be finite. A `failed` one has the error's message.
    """

    trial: "Trial"
    status: Status
    epochs: tuple[Epoch, ...] = ()
    diverged_epoch: int | None = None
    error: str | None = None
    seconds: float = 0.0
    fused_with: int = 0
    peak_memory_bytes: int = 0
    device: str = ""
    kernel: str = ""
    """What trained the network: the compiled kernel, ``native``, or ``torch``."""
    measurements: tuple[Measurement, ...] = ()

    @property
    def last(self) -> Epoch | None:
        """The final epoch of a finished trial."""
        return self.epochs[-1] if self.status == "finished" and self.epochs else None


@dataclass(frozen=True)
class Progress:
    """The share of the pack's work that is done, 0 to 1."""

    share: float


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training after some epoch, in the engine's own form.

    A `complete` one is of a training that has ended, and serves every trial with the same `training_id`.
    """

    training_id: str
    epoch: int
    complete: bool
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Setting:
    """Where an engine computes, and from which checkpoints it may continue."""

    device: str = "cpu"
    """By its name in torch."""
    threads: int = 1
    """Number of CPU threads it may use."""
    data_cache: str | None = None
    checkpoint: Callable[[str], bytes | None] = lambda training_id: None
    """Returns the content of a training's latest checkpoint, by `training_id`."""
    save_seconds: float = 60.0
    """Time between checkpoints of a training, which are taken at the end of an epoch."""
    gpu_share: float = 1.0
    """Share of a GPU's memory it may use, above 0 and at most 1; a CPU ignores it."""
    kernel: str = "auto"
    """What trains stacks on a CPU: ``native``, ``torch``, or ``auto``, the faster one."""


Event = Progress | Checkpoint | list[TrialResult]

Engine = Callable[[Sequence["Trial"], Setting], Iterator[Event]]
"""Trains the trials of one pack: yields progress and checkpoints any number of times, then one list of results."""
