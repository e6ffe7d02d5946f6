"""The book of a sweep's packs: which are pending, out and in training, how far they are, and what follows a failure.

A pack whose worker died gets another try. A pack that runs out of memory on part of a GPU gets a whole one. A pack that
runs out of memory elsewhere, fails, or keeps killing its worker is halved, until a trial that cannot train is alone and
its neighbours are done. A worker's death on a lost node, such as a spot machine, does not count against the pack; often
the loss of the node is known only seconds after the death.
"""

import itertools
import math
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sweep.errors import SweepError
from sweep.pack import Pack
from sweep.result import TrialResult

FailureKind = Literal["error", "memory", "crash", "environment"]


@dataclass(frozen=True)
class Failure:
    """Why a pack did not finish.

    The engine raised ("error"), memory ran out ("memory"), the worker died ("crash"), or the user must fix something,
    such as data that cannot be fetched ("environment"). `node` is where the worker died, `output` what it said last, if
    known.
    """

    kind: FailureKind
    message: str
    node: str | None = None
    output: str = ""


@dataclass(eq=False)
class Attempt:
    """One try at a pack; `number` is unique within the book."""

    number: int
    pack: Pack
    died_on: tuple[str | None, ...] = ()
    """The node of each worker that died with the pack."""
    whole_gpu: bool = False
    """Whether the pack has run out of memory on part of a GPU."""
    gpu_share: float = field(default=0.0, init=False)
    """Share of a GPU that it was handed out for, 0 to 1; 0 for a CPU."""
    begun: bool = field(default=False, init=False)
    """Whether a worker has begun it."""
    began_at: float = field(default=0.0, init=False)
    """When it was begun, by the book's clock."""
    done: float = field(default=0.0, init=False)
    """Share of the pack, 0 to 1, that is done."""


class PackBook:
    """Packs to train, in order, and the trials of a plan by outcome.

    `already` counts, by status, the trials that had a row before this run. A pack may kill `crashes_allowed` workers on
    living nodes and lose `deaths_allowed` workers in all before it is halved. With `seconds`, packs that would not end
    within that time from now, at the speed seen so far, are not handed out. One thread hands out and settles packs;
    others may read.
    """

    def __init__(
        self,
        packs: Sequence[Pack],
        already: Counter[str] | None = None,
        crashes_allowed: int = 2,
        deaths_allowed: int = 20,
        clock: Callable[[], float] = time.monotonic,
        seconds: float = math.inf,
    ) -> None:
        self._crashes_allowed, self._deaths_allowed, self._clock = crashes_allowed, deaths_allowed, clock
        self._already = Counter(already)
        self._numbers = itertools.count()
        self._pending = deque(Attempt(next(self._numbers), pack) for pack in packs)
        self._total_cost = sum(pack.cost for pack in packs)
        self._done_cost = 0.0
        self._began: float | None = None
        self._ends_at = clock() + seconds
        self._busy_seconds = self._busy_cost = 0.0
        self.planned = self._already.total() + sum(len(pack) for pack in packs)
        """Trials of the plan."""
        self.out: dict[int, Attempt] = {}
        """Attempts that are handed out and have not ended, by number."""
        self.ended: Counter[str] = Counter()
        """Trials of this run with a row in the store, by status."""
        self.lost_nodes: set[str] = set()
        """Nodes that are known to be gone."""
        self.left_out: list[Pack] = []
        """Packs for which there was not enough time."""

    @property
    def limited(self) -> bool:
        """Whether the time is limited."""
        return math.isfinite(self._ends_at)

    @property
    def pending(self) -> tuple[Attempt, ...]:
        """Attempts that can be handed out, in order."""
        return tuple(self._pending)

    @property
    def waiting(self) -> list[Attempt]:
        """Attempts that are handed out but that no worker has begun."""
        return [attempt for attempt in list(self.out.values()) if not attempt.begun]

    @property
    def training(self) -> int:
        """Number of packs that workers have begun."""
        return len(self.out) - len(self.waiting)

    @property
    def exhausted(self) -> bool:
        """Whether nothing is pending or out."""
        return not (self._pending or self.out)

    @property
    def trials_done(self) -> int:
        """Number of trials with a row in the store."""
        return self._already.total() + self.ended.total()

    @property
    def share(self) -> float:
        """Share of this run's work that is done, 0 to 1, by estimated cost."""
        under_way = sum(attempt.pack.cost * attempt.done for attempt in list(self.out.values()))
        return min(1.0, (self._done_cost + under_way) / self._total_cost) if self._total_cost else 1.0

    @property
    def seconds_left(self) -> float | None:
        """Estimated time to the end at this run's own speed; None while too little is done to tell."""
        share = self.share
        if self._began is None or share < 0.01:
            return None
        return min((self._clock() - self._began) * (1 - share) / share, max(0.0, self._ends_at - self._clock()))

    def next(self, gpu_share: float = 0.0) -> Attempt | None:
        """Hand out the next pack for a CPU or a share of a GPU; None while none is pending.

        A pack that has run out of memory on part of a GPU gets a whole one. Packs that do not fit into what is left of
        the time never will, and leave the book.
        """
        attempt = next(filter(self._fits, self._pending), None) or self._better_than_nothing()
        if attempt is None:
            self.left_out += [each.pack for each in self._pending]
            self._pending.clear()
            return None
        self._pending.remove(attempt)
        attempt.gpu_share = 1.0 if attempt.whole_gpu and gpu_share else gpu_share
        self.out[attempt.number] = attempt
        return attempt

    def began(self, attempt: Attempt) -> None:
        """A worker has begun the pack."""
        self._began = self._began or self._clock()
        attempt.begun, attempt.began_at = True, self._clock()

    def finished(self, attempt: Attempt) -> None:
        """The pack has its results."""
        del self.out[attempt.number]
        self._done_cost += attempt.pack.cost
        self._busy_seconds += self._clock() - attempt.began_at
        self._busy_cost += attempt.pack.cost

    def failed(self, attempt: Attempt, failure: Failure) -> list[TrialResult]:
        """Plan what follows the failure, and return the results of trials that are given up.

        Raises SweepError for what the user must fix, which ends the sweep.
        """
        if failure.kind == "environment":
            raise SweepError(failure.message)
        del self.out[attempt.number]
        if failure.kind == "crash":
            attempt = replace(attempt, died_on=(*attempt.died_on, failure.node))
            crashes = sum(node not in self.lost_nodes for node in attempt.died_on)
            if crashes <= self._crashes_allowed and len(attempt.died_on) <= self._deaths_allowed:
                self._try_again(attempt)
                return []
        if failure.kind == "memory" and 0 < attempt.gpu_share < 1:
            self._try_again(attempt, whole_gpu=True)
        elif len(attempt.pack) > 1:
            for half in reversed(attempt.pack.halves()):
                self._try_again(attempt, pack=half)
        else:
            self._done_cost += attempt.pack.cost
            return [TrialResult(trial, "failed", error=failure.message) for trial in attempt.pack.trials]
        return []

    def withdraw(self, attempt: Attempt) -> None:
        """Take back a pack that no worker has begun."""
        del self.out[attempt.number]
        self._try_again(attempt)

    def _fits(self, attempt: Attempt) -> bool:
        return not self.limited or self._clock() + attempt.pack.cost * self._seconds_per_cost() <= self._ends_at

    def _better_than_nothing(self) -> Attempt | None:
        """Where no pack fits: one that can go on from its checkpoints, or the shortest if nothing is known yet."""
        if self._clock() >= self._ends_at:
            return None
        kept = (attempt for attempt in self._pending if attempt.pack.trainings)
        if self._began is not None:
            return next(kept, None)
        return next(kept, min(self._pending, key=lambda each: each.pack.cost, default=None))

    def _seconds_per_cost(self) -> float:
        """How long packs take here against their estimate, by those that have ended and those in training.

        1 until something is known.
        """
        out = [attempt for attempt in self.out.values() if attempt.done]
        seconds = self._busy_seconds + sum(self._clock() - attempt.began_at for attempt in out)
        cost = self._busy_cost + sum(attempt.pack.cost * attempt.done for attempt in out)
        return seconds / cost if cost else 1.0

    def _try_again(self, attempt: Attempt, **changes: Any) -> None:
        again = replace(attempt, number=next(self._numbers), **changes)
        if again.whole_gpu:
            # A whole GPU is free only after the packs that share it.
            self._pending.append(again)
        else:
            self._pending.appendleft(again)
