"""What a Ray that the sweep starts for itself needs: a token of the user's alone, and someone who sees it die."""

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import ray

from sweep.errors import SweepError
from sweep.ray_private import ended_servers, on_loopback
from sweep.ray_token import make_token

_LOOK_SECONDS = 1.0
_KNOCK_SECONDS = 5.0
_PATIENCE_SECONDS = 45.0
"""Ray ends the process, in words of its own, a minute after its head has gone."""
_INSTEAD = (
    "Ray keeps its files in the folder ray of $RAY_TMPDIR, else of $TMPDIR, else of /tmp; name a folder with a short "
    "path, room and write access there, or train without Ray (--executor local)"
)


def start(**arguments: Any) -> None:
    """Start Ray on this machine, reachable from it alone. Raises SweepError if it does not start."""
    try:
        make_token()
        with on_loopback():
            ray.init(address="local", **arguments)
    except Exception as error:  # Ray raises even bare exceptions
        with contextlib.suppress(Exception):
            ray.shutdown()
        raise SweepError(f"Ray cannot start on this machine: {first_line(error)}. {_INSTEAD}") from None


def first_line(error: Exception) -> str:
    """What an error says first, without a full stop."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".:") if lines else type(error).__name__


@contextlib.contextmanager
def watched(fault: Callable[[], str | None], every: float = _LOOK_SECONDS) -> Iterator[None]:
    """A context that ends with SweepError soon after `fault`, which is asked every few seconds, names one.

    Without its servers Ray would wait for them forever, or end the process. In the main thread alone; elsewhere the
    fault is only asked for when something else has failed.
    """
    found: list[str] = []
    over, one_at_a_time = threading.Event(), threading.Lock()
    main = threading.current_thread() is threading.main_thread()

    def look() -> None:
        while not over.wait(every):
            said = fault()
            with one_at_a_time:
                if said and not over.is_set():
                    found.append(said)
                    # Whatever the main thread waits for. A process in the background may ignore SIGINT.
                    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR2)
                    return

    watcher = threading.Thread(target=look, name="watcher of Ray", daemon=True)
    handler = signal.signal(signal.SIGUSR2, signal.default_int_handler) if main else None
    if main:
        watcher.start()
    try:
        yield
    except SweepError:
        raise
    except (Exception, KeyboardInterrupt) as error:
        # A user's own Ctrl-C is no fault.
        said = found[0] if found else None if isinstance(error, KeyboardInterrupt) else fault()
        if said:
            raise SweepError(said) from None
        raise
    finally:
        with one_at_a_time:
            over.set()
        if main:
            signal.signal(signal.SIGUSR2, handler)


def own_fault() -> str | None:
    """Why a Ray that `start` started cannot go on, or None."""
    ended = ended_servers()
    if not ended:
        return None
    return (
        f"{' and '.join(ended)}, a process of the Ray that this sweep started, has ended, perhaps killed for memory; "
        "what is committed stays: run the same command again to go on"
    )


class Head:
    """The head of a cluster that the sweep joined, at HOST:PORT."""

    def __init__(self, address: str, patience: float = _PATIENCE_SECONDS) -> None:
        host, _, port = address.rpartition(":")
        self._place, self._patience = (host.strip("[]"), int(port)), patience
        self._answered = time.monotonic()

    def fault(self) -> str | None:
        """Why the sweep cannot go on, or None while the head is there or has not been away for long."""
        try:
            socket.create_connection(self._place, _KNOCK_SECONDS).close()
        except OSError as error:
            if time.monotonic() - self._answered < self._patience:
                return None
            return (
                f"the Ray head at {':'.join(map(str, self._place))} does not answer any more "
                f"({error.strerror or error}); what is committed stays: run the same command again when it does"
            )
        self._answered = time.monotonic()
        return None
