"""Which pack comes next, and what a failure leads to.

A pack whose worker died is tried again; one that runs out of memory, fails, or keeps killing its worker is halved, so
that a trial that cannot be trained ends alone and its neighbours end well.
"""

import itertools
from collections import deque
from collections.abc import Sequence
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
    """One handing-out of a pack; `number` is unique within the queue."""

    number: int
    pack: Pack
    crashes: int = 0


class PackQueue:
    """Packs to be trained, in the order given; those of a failure go first."""

    def __init__(self, packs: Sequence[Pack], crashes_allowed: int = 2) -> None:
        self._crashes_allowed = crashes_allowed
        self._numbers = itertools.count()
        self._pending = deque(Attempt(next(self._numbers), pack) for pack in packs)
        self._running: dict[int, Attempt] = {}

    @property
    def exhausted(self) -> bool:
        """Whether nothing is pending or running."""
        return not self._pending and not self._running

    def next(self) -> Attempt | None:
        """Hand out the next pack; None while none is pending."""
        if not self._pending:
            return None
        attempt = self._pending.popleft()
        self._running[attempt.number] = attempt
        return attempt

    def finished(self, attempt: Attempt) -> None:
        """Its results are handed over."""
        del self._running[attempt.number]

    def failed(self, attempt: Attempt, failure: Failure) -> list[TrialResult]:
        """Queue what the failure leads to; the results of trials that are given up.

        Raises SweepError for a fault of the environment, which ends the sweep.
        """
        if failure.kind == "environment":
            raise SweepError(failure.message)
        del self._running[attempt.number]
        if failure.kind == "crash" and attempt.crashes < self._crashes_allowed:
            self._again(attempt.pack, attempt.crashes + 1)
            return []
        if len(attempt.pack) > 1:
            for half in reversed(attempt.pack.halves()):
                self._again(half, attempt.crashes)
            return []
        return [TrialResult(trial, "failed", error=failure.message) for trial in attempt.pack.trials]

    def _again(self, pack: Pack, crashes: int) -> None:
        self._pending.appendleft(Attempt(next(self._numbers), pack, crashes))
