"""Keeps MLflow up to date with a running sweep, on a thread of its own that the sweep never waits for.

The tracker reads finished trials from the ledger and not from the sweep, so it can later find what it missed while
MLflow was down.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence

from sweep.ledger import Ledger
from sweep.tracking.mirror import Mirror, reason
from sweep.trial import Trial

_RETRY_SECONDS = 15.0
_STALLED_SECONDS = 60.0
_INTERRUPTED_SECONDS = 10.0


class Tracker:
    """A thread that mirrors one sweep into MLflow.

    It keeps a fault of MLflow in `fault` and tries again later; the caller never sees one raised. `complete` says that
    MLflow has everything, `written` counts trials.
    """

    def __init__(self, store: str, uri: str, sweep_id: str) -> None:
        self._store, self._uri, self._sweep_id = store, uri, sweep_id
        self._inbox: queue.SimpleQueue[Sequence[Trial] | None] = queue.SimpleQueue()
        self._started: dict[str, Trial] = {}
        self._mirror: Mirror | None = None
        self._retry_at = 0.0
        self._alive_at = time.monotonic()
        self._interrupted = False
        self.fault: str | None = None
        self.complete = False
        self.written = 0
        self._thread = threading.Thread(target=self._serve, name="mlflow", daemon=True)
        self._thread.start()

    def trials_started(self, trials: Sequence[Trial]) -> None:
        """Set the trials' runs RUNNING soon."""
        self._inbox.put(trials)

    def published(self) -> None:
        """Write the ledger's new commit soon."""
        self._inbox.put(())

    def finish(self, interrupted: bool, waiting: Callable[[int], None] = lambda written: None) -> None:
        """Write what is missing, and end.

        Waits while trials are being written and passes their number to `waiting` each second; after an interrupt it
        waits a few seconds at most.
        """
        self._interrupted = interrupted
        self._inbox.put(None)
        began = time.monotonic()
        while self._thread.is_alive():
            self._thread.join(1.0)
            now = time.monotonic()
            idle = now - max(began, self._alive_at)
            if idle > _STALLED_SECONDS or (interrupted and now - began > _INTERRUPTED_SECONDS):
                self.fault = self.fault or "it has not answered for a while"
                return
            if self._thread.is_alive():
                waiting(self.written)

    def _serve(self) -> None:
        finishing = False
        while not finishing:
            new, finishing = self._receive()
            self._started.update({trial.trial_id: trial for trial in new})
            if finishing or time.monotonic() >= self._retry_at:
                self._attempt(new, finishing)

    def _receive(self) -> tuple[list[Trial], bool]:
        """The trials newly started, and whether to finish; waits for a message until the next retry is due."""
        new: list[Trial] = []
        finishing = False
        try:
            message = self._inbox.get(timeout=_RETRY_SECONDS)
            while True:
                finishing = finishing or message is None
                new.extend(message or ())
                message = self._inbox.get_nowait()
        except queue.Empty:
            return new, finishing

    def _attempt(self, new: Sequence[Trial], finishing: bool) -> None:
        try:
            mirror = self._connected()
            mirror.start(new, self._sweep_id)
            if finishing and self._interrupted:
                mirror.projection.interrupt(self._started.values())
                mirror.close(self._sweep_id, "KILLED")
                return
            mirror.write_new(self._wrote, self._sweep_id)
            if finishing:
                mirror.close(self._sweep_id, "FINISHED")
                self.complete = True
            self.fault = None
        except _Stop:
            self._attempt((), finishing=True)
        except Exception as error:  # MLflow's and its transport's faults have no common base, and none stops a sweep
            self.fault = reason(error)
            self._mirror = None
            self._retry_at = time.monotonic() + _RETRY_SECONDS

    def _connected(self) -> Mirror:
        if self._mirror is None:
            # Damage to another sweep's plan does not concern this one.
            mirror = Mirror(Ledger.open(self._store), self._uri, readable_plans_only=True)
            mirror.open(self._sweep_id)
            mirror.start(self._started.values(), self._sweep_id)
            self._mirror = mirror
        return self._mirror

    def _wrote(self) -> None:
        self.written += 1
        self._alive_at = time.monotonic()
        if self._interrupted:
            raise _Stop


class _Stop(Exception):
    """An interrupt came while the tracker was writing a backlog."""
