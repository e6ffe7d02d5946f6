"""Signals that end a sweep as Ctrl-C does."""

import contextlib
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
