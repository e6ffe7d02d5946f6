"""What packs ask a cluster for, and how many ask at once."""

import math
from dataclasses import dataclass

from sweep.schedule.book import Attempt, PackBook

_PENDING_FOR_AUTOSCALER = 16


@dataclass
class Demand:
    """Hands out the packs of a book to a cluster, whose size may change at any time.

    Each pack asks for one CPU. With the device "cuda", or without a device while the cluster has GPUs, it also asks for
    `gpus_per_pack`, a share of a GPU above 0 and at most 1. One more pack is out than the cluster has room for, so that
    a free worker has its next pack at once; but not where the book's time is limited, as nobody knows when a pack that
    waits will begin. On an `elastic` cluster more packs wait, since an autoscaler adds nodes for waiting packs. At most
    `most_at_once` are out, whatever the cluster has.
    """

    book: PackBook
    gpus: int
    cpus: int
    device: str | None = None
    gpus_per_pack: float = 1.0
    elastic: bool = False
    most_at_once: float = math.inf

    @property
    def gpu_share(self) -> float:
        """Share of a GPU that a pack asks for now; 0 for none."""
        on_gpu = self.gpus > 0 if self.device is None else self.device == "cuda"
        return self.gpus_per_pack if on_gpu else 0.0

    def next(self) -> Attempt | None:
        """Hand out a pack; None while none is pending, or enough are out."""
        room = self._room()
        most_waiting = max(_PENDING_FOR_AUTOSCALER, room) if self.elastic else int(not self.book.limited)
        if len(self.book.out) >= room and len(self.book.waiting) >= most_waiting:
            return None
        if len(self.book.out) >= self.most_at_once:
            return None
        return self.book.next(self.gpu_share)

    def stranded(self) -> list[Attempt]:
        """Packs that wait for GPUs that are gone, or for CPUs although there are GPUs now."""
        on_gpu = self.gpu_share > 0
        return [attempt for attempt in self.book.waiting if (attempt.gpu_share > 0) != on_gpu]

    def _room(self) -> int:
        """Number of packs that the cluster can train at once."""
        share = self.gpu_share
        return min(self.cpus, self.gpus * int(1 / share)) if share else self.cpus
