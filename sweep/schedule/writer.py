"""The single writer: one thread of the driver, which publishes all results."""

import itertools
import queue
import threading
from collections import Counter
from collections.abc import Callable

from sweep.ledger import Ledger, Tables, merge_commits
from sweep.result import Checkpoint

_MERGE_AT, _MERGE_AT_END = 64, 8
_RESULTS, _CHECKPOINT, _END = range(3)


class Writer:
    """Publishes tables to the store in order, and merges small commits from time to time.

    It writes results before checkpoints, and only the latest checkpoint of each training. After each commit its thread
    calls `published` with the number of trials by status. The first fault ends the writing; `check` raises it in the
    caller's thread.
    """

    def __init__(self, ledger: Ledger, published: Callable[[Counter[str]], None]) -> None:
        self._ledger = ledger
        self._published = published
        self._numbers = itertools.count()
        self._inbox: queue.PriorityQueue[tuple[int, int, Tables | str | None]] = queue.PriorityQueue()
        self._checkpoints: dict[str, Checkpoint] = {}
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._serve, name="writer", daemon=True)
        self._thread.start()

    def publish(self, tables: Tables) -> None:
        """Queue the results of one pack. Raises the fault of an earlier write."""
        self.check()
        self._put(_RESULTS, tables)

    def keep(self, checkpoint: Checkpoint) -> None:
        """Queue a checkpoint. Raises the fault of an earlier write."""
        self.check()
        self._checkpoints[checkpoint.training_id] = checkpoint
        self._put(_CHECKPOINT, checkpoint.training_id)

    def check(self) -> None:
        """Raise the writer's fault, if there is one."""
        if self._fault is not None:
            raise self._fault

    def close(self) -> None:
        """Write everything queued, and end."""
        self._put(_END, None)
        self._thread.join()

    def _put(self, kind: int, entry: Tables | str | None) -> None:
        self._inbox.put((kind, next(self._numbers), entry))

    def _serve(self) -> None:
        try:
            while (entry := self._inbox.get()[2]) is not None:
                self._write(entry)
            merge_commits(self._ledger, _MERGE_AT_END)
        except Exception as error:  # `check` raises it in the caller's thread
            self._fault = error

    def _write(self, entry: Tables | str) -> None:
        if isinstance(entry, str):
            checkpoint = self._checkpoints.pop(entry, None)
            if checkpoint is not None:
                self._ledger.checkpoints.write(checkpoint)
        elif self._ledger.publish(entry) is not None:
            self._published(Counter(entry["trials"]["status"].to_pylist()))
            merge_commits(self._ledger, _MERGE_AT)
