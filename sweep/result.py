"""What an engine reports: progress while it trains, then one result for each trial."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sweep.trial import Trial

Status = Literal["finished", "diverged", "failed"]


class OutOfMemory(Exception):
    """The trials do not fit in memory together; fewer of them may."""


@dataclass(frozen=True)
class Epoch:
    """One trial's measurements over one epoch; `seconds` is the trial's share of the time of all trained with it."""

    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    gradient_norm: float
    seconds: float


@dataclass(frozen=True)
class Measurement:
    """One number measured on a trial's network beside its losses.

    `measurement` says what was done, `subject` to what (block numbers, a layer), `size` how much of it (blocks deleted,
    path length), `draw` is the number of the random draw, and `value` is None where it is not defined.
    """

    measurement: str
    metric: str
    value: float | None
    subject: str = ""
    size: int = 0
    draw: int = 0


@dataclass(frozen=True)
class TrialResult:
    """The end of one trial.

    `finished` has the final measurements of its last epoch, in which the training figures are measured in evaluation
    mode over the training set (running means before). `diverged` has the epoch in which a loss or gradient ceased to
    be finite. `failed` has the error's message.
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
    measurements: tuple[Measurement, ...] = ()

    @property
    def last(self) -> Epoch | None:
        """The final epoch of a finished trial."""
        return self.epochs[-1] if self.status == "finished" and self.epochs else None


@dataclass(frozen=True)
class Progress:
    """Share of the pack's work that is done, 0 to 1."""

    share: float


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training after some epoch; `content` is its engine's own.

    A complete one is of a training that has ended, and serves every trial of the same `training_id`.
    """

    training_id: str
    epoch: int
    complete: bool
    content: bytes = field(repr=False)


def no_checkpoint(training_id: str) -> bytes | None:
    """Where no checkpoints are kept."""
    return None


@dataclass(frozen=True)
class Setting:
    """Where an engine computes, and where it may go on from."""

    device: str = "cpu"
    """torch's name of it"""
    threads: int = 1
    """CPU threads that it may use"""
    data_cache: str | None = None
    checkpoint: Callable[[str], bytes | None] = no_checkpoint
    """Content of the latest checkpoint of a training, by `training_id`."""
    save_seconds: float = 60.0
    """Time between checkpoints of a training, taken at the end of an epoch."""
    gpu_share: float = 1.0
    """Share of a GPU's memory that it may use, above 0 to 1; of no meaning on a CPU."""


Event = Progress | Checkpoint | list[TrialResult]

Engine = Callable[[Sequence["Trial"], Setting], Iterator[Event]]
"""Trains the trials of one pack: yields progress and checkpoints any number of times, then the list of results once."""
