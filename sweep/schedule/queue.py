"""Which pack comes next, and what a failure leads to.

A pack that lost its node is tried again, as spot nodes come and go, and so is one whose worker died; one that runs out
of memory on a part of a GPU is tried again on a whole one. One that runs out of memory elsewhere, fails, or keeps
killing its worker is halved, so that a trial that cannot be trained ends alone and its neighbours end well.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sweep.engine import TrialResult
from sweep.errors import SweepError
from sweep.pack import Pack

FailureKind = Literal["error", "memory", "crash", "node", "environment"]


@dataclass(frozen=True)
class Failure:
    """Why a pack did not finish.

    An exception of the engine, too little memory, the death of its worker, the loss of the node that it was on, or
    something a user must mend, such as data that cannot be had, which says nothing of the trials.
    """

    kind: FailureKind
    message: str


@dataclass(frozen=True)
class Attempt:
    """One handing-out of a pack; `number` is unique within the queue.

    `crashes`, `nodes_lost`: workers that died of it, and nodes that were lost with it. `whole_gpu`: it has run out of
    memory on a part of a GPU.
    """

    number: int
    pack: Pack
    crashes: int = 0
    nodes_lost: int = 0
    whole_gpu: bool = False


class PackQueue:
    """Packs to be trained, in the order given; those of a failure go first.

    More than `losses_allowed` nodes lost with one pack are held to be its doing.
    """

    def __init__(self, packs: Sequence[Pack], crashes_allowed: int = 2, losses_allowed: int = 20) -> None:
        self._crashes_allowed, self._losses_allowed = crashes_allowed, losses_allowed
        self._numbers = itertools.count()
        attempts = [Attempt(next(self._numbers), pack) for pack in packs]
        self._pending = {attempt.number: attempt for attempt in attempts}
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
        if failure.kind == "node" and attempt.nodes_lost < self._losses_allowed:
            self._try_again(replace(attempt, nodes_lost=attempt.nodes_lost + 1))
        elif failure.kind in ("crash", "node") and attempt.crashes < self._crashes_allowed:
            self._try_again(replace(attempt, crashes=attempt.crashes + 1))
        elif failure.kind == "memory" and on_part_of_gpu:
            self._try_again(replace(attempt, whole_gpu=True))
        elif len(attempt.pack) > 1:
            for half in reversed(attempt.pack.halves()):
                self._try_again(replace(attempt, pack=half))
        else:
            return [TrialResult(trial, "failed", error=failure.message) for trial in attempt.pack.trials]
        return []

    def withdraw(self, attempt: Attempt) -> None:
        """Take back a pack that was handed out and not begun."""
        del self._running[attempt.number]
        self._try_again(attempt)

    def _try_again(self, attempt: Attempt) -> None:
        self._again.append(replace(attempt, number=next(self._numbers)))
