"""How far a sweep is, and when it will end."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sweep.pack import Pack


@dataclass
class SweepProgress:
    """Trials by outcome, packs in training, and work weighed by estimated cost."""

    planned: int
    already: Counter[str]
    total_cost: float
    ended: Counter[str] = field(default_factory=Counter)
    running: dict[int, tuple[Pack, float]] = field(default_factory=dict)
    _done_cost: float = 0.0
    _began: float | None = None
    _clock: Callable[[], float] = time.monotonic

    @classmethod
    def of(cls, planned: int, already: Counter[str], packs: Sequence[Pack]) -> "SweepProgress":
        """Progress of a sweep of which `already` trials had ended before, and `packs` are to be trained."""
        return cls(planned, already, sum(pack.cost for pack in packs))

    @property
    def trials_done(self) -> int:
        """Trials with a row in the store."""
        return self.already.total() + self.ended.total()

    @property
    def share(self) -> float:
        """Share of this run's work that is done, 0 to 1."""
        under_way = sum(pack.cost * share for pack, share in list(self.running.values()))
        return min(1.0, (self._done_cost + under_way) / self.total_cost) if self.total_cost else 1.0

    @property
    def seconds_left(self) -> float | None:
        """Estimated time to the end, from this run's own speed; None before there is any."""
        share = self.share
        if self._began is None or share < 0.01:
            return None
        return (self._clock() - self._began) * (1 - share) / share

    def started(self, number: int, pack: Pack) -> None:
        """A pack is in training."""
        self._began = self._began or self._clock()
        self.running[number] = (pack, 0.0)

    def progressed(self, number: int, share: float) -> None:
        """A pack is done to this share."""
        pack, _ = self.running[number]
        self.running[number] = (pack, share)

    def left(self, number: int, pack: Pack, ended: int) -> None:
        """A pack is in training no more, if it was; the cost of `ended` of its trials is done."""
        self.running.pop(number, None)
        self._done_cost += pack.cost * ended / len(pack)
