"""Which pack comes next, and what a failure leads to.

A pack whose worker died is tried again; one that runs out of memory on a part of a GPU is tried again on a whole one;
one that runs out of memory elsewhere, fails, or keeps killing its worker is halved, so that a trial that cannot be
trained ends alone and its neighbours end well.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from sweep.engine import TrialResult
from sweep.errors import SweepError
from sweep.pack import Pack

FailureKind = Literal["error", "memory", "crash", "environment"]


@dataclass(frozen=True)
class Failure:
    """Why a pack did not finish.

    An exception of the engine, too little memory, the death of its worker, or something a user must mend, such as data
    that cannot be had, which says nothing of the trials.
    """

    kind: FailureKind
    message: str


@dataclass(frozen=True)
class Attempt:
    """One handing-out of a pack; `number` is unique within the queue.

    `whole_gpu`: it has run out of memory on a part of a GPU.
    """

    number: int
    pack: Pack
    crashes: int = 0
    whole_gpu: bool = False


class PackQueue:
    """Packs to be trained, in the order given; those of a failure go first."""

    def __init__(self, packs: Sequence[Pack], crashes_allowed: int = 2) -> None:
        self._crashes_allowed = crashes_allowed
        self._numbers = itertools.count()
        self._pending = {attempt.number: attempt for attempt in map(self._attempt, packs)}
        self._again: list[Attempt] = []
        self._running: dict[int, Attempt] = {}

    @property
    def exhausted(self) -> bool:
        """Whether nothing is pending or running."""
        return not (self._pending or self._again or self._running)

    @property
    def pending(self) -> Iterable[Attempt]:
        """What can be handed out, in order."""
        return (*reversed(self._again), *self._pending.values())

    def next(self) -> Attempt | None:
        """Hand out the next pack; None while none is pending."""
        first = self._again[-1] if self._again else next(iter(self._pending.values()), None)
        if first is not None:
            self.take(first)
        return first

    def take(self, attempt: Attempt) -> None:
        """Hand out this one of those pending."""
        if attempt.number in self._pending:
            del self._pending[attempt.number]
        else:
            self._again.remove(attempt)
        self._running[attempt.number] = attempt

    def finished(self, attempt: Attempt) -> None:
        """Its results are handed over."""
        del self._running[attempt.number]

    def failed(self, attempt: Attempt, failure: Failure, on_part_of_gpu: bool = False) -> list[TrialResult]:
        """Queue what the failure leads to; the results of trials that are given up.

        Raises SweepError for a fault of the environment, which ends the sweep.
        """
        if failure.kind == "environment":
            raise SweepError(failure.message)
        del self._running[attempt.number]
        pack, crashes, whole_gpu = attempt.pack, attempt.crashes, attempt.whole_gpu
        if failure.kind == "crash" and crashes < self._crashes_allowed:
            self._again.append(self._attempt(pack, crashes + 1, whole_gpu))
        elif failure.kind == "memory" and on_part_of_gpu:
            self._again.append(self._attempt(pack, crashes, whole_gpu=True))
        elif len(pack) > 1:
            self._again += [self._attempt(half, crashes, whole_gpu) for half in reversed(pack.halves())]
        else:
            return [TrialResult(trial, "failed", error=failure.message) for trial in pack.trials]
        return []

    def withdraw(self, attempt: Attempt) -> None:
        """Take back a pack that was handed out and not begun."""
        del self._running[attempt.number]
        self._again.append(self._attempt(attempt.pack, attempt.crashes, attempt.whole_gpu))

    def _attempt(self, pack: Pack, crashes: int = 0, whole_gpu: bool = False) -> Attempt:
        return Attempt(next(self._numbers), pack, crashes, whole_gpu)
