"""Signals that end a sweep as Ctrl-C does, and a limit of time that does the same."""

import contextlib
import math
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_OUTPUTS = (1, 2)


@contextlib.contextmanager
def as_interrupt() -> Iterator[None]:
    """A context in which SIGTERM, as batch systems send it, and SIGHUP, as a closed terminal does, interrupt.

    It works in the main thread alone. A SIGHUP that is ignored, as under nohup, stays so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    terminals = [output for output in _OUTPUTS if os.isatty(output)]

    def hung_up(number: int, frame: FrameType | None) -> None:
        # Whatever the sweep says from now on would raise.
        nothing = os.open(os.devnull, os.O_WRONLY)
        for output in terminals:
            os.dup2(nothing, output)
        os.close(nothing)
        signal.default_int_handler(number, frame)

    previous = {signal.SIGTERM: signal.signal(signal.SIGTERM, signal.default_int_handler)}
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        previous[signal.SIGHUP] = signal.signal(signal.SIGHUP, hung_up)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class TimeLimit:
    """A context that is interrupted as by Ctrl-C after so many seconds; `reached` says whether it was.

    It works in the main thread alone.
    """

    def __init__(self, seconds: float) -> None:
        self.reached = False
        self._within = False
        self._lock = threading.Lock()
        here = threading.current_thread() is threading.main_thread() and math.isfinite(seconds)
        self._timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), self._interrupt) if here else None

    def __enter__(self) -> "TimeLimit":
        self._within = True
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        # An interrupt on its way arrives no later than here.
        with self._lock:
            self._within = False
        if self._timer is not None:
            self._timer.cancel()

    def _interrupt(self) -> None:
        with self._lock:
            if self._within:
                self.reached = True
                # To the thread itself, so that it also ends a wait.
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
