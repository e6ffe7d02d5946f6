"""Which pack comes next, and what a failure leads to.

A pack whose worker died is tried again; one that runs out of memory on a part of a GPU is tried again on a whole one;
one that runs out of memory elsewhere, fails, or keeps killing its worker is halved, so that a trial that cannot be
trained ends alone and its neighbours end well. A death on a node that is lost, as spot machines are, is not held
against a pack once it is known that the node is lost: often seconds after the death of the worker.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sweep.errors import SweepError
from sweep.pack import Pack
from sweep.result import TrialResult

FailureKind = Literal["error", "memory", "crash", "environment"]


@dataclass(frozen=True)
class Failure:
    """Why a pack did not finish.

    An exception of the engine, too little memory, the death of its worker, or something a user must mend, such as data
    that cannot be had, which says nothing of the trials. `node` is where the worker died, if that is known.
    """

    kind: FailureKind
    message: str
    node: str | None = None


@dataclass(frozen=True)
class Attempt:
    """One handing-out of a pack; `number` is unique within the queue.

    `died_on`: the node of each worker that died with it. `whole_gpu`: it has run out of memory on a part of a GPU.
    """

    number: int
    pack: Pack
    died_on: tuple[str | None, ...] = ()
    whole_gpu: bool = False


class PackQueue:
    """Packs to be trained, in the order given; those of a failure go first.

    A pack may kill `crashes_allowed` workers, and lose its node until `deaths_allowed` workers have died in all.
    """

    def __init__(self, packs: Sequence[Pack], crashes_allowed: int = 2, deaths_allowed: int = 20) -> None:
        self._crashes_allowed, self._deaths_allowed = crashes_allowed, deaths_allowed
        self.lost_nodes: set[str] = set()
        """Nodes that are known to be gone."""
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
        if failure.kind == "crash":
            attempt = replace(attempt, died_on=(*attempt.died_on, failure.node))
        if failure.kind == "crash" and self._is_excused(attempt):
            self._try_again(attempt)
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

    def _is_excused(self, attempt: Attempt) -> bool:
        crashes = sum(node not in self.lost_nodes for node in attempt.died_on)
        return crashes <= self._crashes_allowed and len(attempt.died_on) <= self._deaths_allowed

    def _try_again(self, attempt: Attempt) -> None:
        self._again.append(replace(attempt, number=next(self._numbers)))
