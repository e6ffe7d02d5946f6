"""An object store in memory whose users take turns, one operation each, in an order that a test decides."""

import threading
from collections.abc import Callable, Sequence

from sweep.ledger.lease import Lease, LeaseTimes

TIMES = LeaseTimes(renew=2, expire=6, look=1)


class _Ended(BaseException):
    """The order has ended, and so does whoever still takes part."""


class Turns:
    """A store of one clock, which only moves when told to, and threads that run one at a time."""

    uri = "memory"

    def __init__(self) -> None:
        self.now = 100.0
        self.objects: dict[str, tuple[bytes, float]] = {}
        self._waiting: list[threading.Semaphore | None] = []
        self._turned = threading.Semaphore(0)
        self._place = threading.local()
        self._ended = False
        self._threads: list[threading.Thread] = []

    def begin(self, users: Sequence[Callable[[], None]]) -> None:
        """Start the users; each goes on to before its first operation."""
        for place, user in enumerate(users):
            self._waiting.append(threading.Semaphore(0))
            thread = threading.Thread(target=self._run, args=(place, user), daemon=True)
            self._threads.append(thread)
            thread.start()
            self.step(place)

    @property
    def active(self) -> list[int]:
        """Users that have not ended."""
        return [place for place, waiting in enumerate(self._waiting) if waiting is not None]

    def step(self, place: int) -> None:
        """Let one user do its next operation, and all that it does before the one after."""
        waiting = self._waiting[place]
        assert waiting is not None
        waiting.release()
        self._turned.acquire()

    def end(self) -> None:
        """Let nobody go on."""
        self._ended = True
        for place in self.active:
            self.step(place)
        for thread in self._threads:
            thread.join()

    def read(self, name: str) -> bytes | None:
        self._turn()
        return self.objects.get(name, (None, 0))[0]

    def write(self, name: str, content: bytes) -> None:
        self._turn()
        self.objects[name] = content, float(int(self.now))

    def delete(self, name: str) -> None:
        self._turn()
        self.objects.pop(name, None)

    def times(self, folder: str) -> dict[str, float]:
        self._turn()
        return {
            name.removeprefix(f"{folder}/"): at for name, (_, at) in self.objects.items() if name.startswith(folder)
        }

    def pause(self, seconds: float = 0.0) -> None:
        """A turn without an operation."""
        self._turn()

    def lease(self) -> Lease:
        """One more claimant."""
        return Lease(self, "sweep", TIMES, clock=lambda: self.now, sleep=self.pause)

    def _turn(self) -> None:
        if self._ended:
            raise _Ended
        self._turned.release()
        waiting = self._waiting[self._place.at]
        assert waiting is not None
        waiting.acquire()
        if self._ended:
            raise _Ended

    def _run(self, place: int, user: Callable[[], None]) -> None:
        self._place.at = place
        first = self._waiting[place]
        assert first is not None
        first.acquire()
        try:
            if not self._ended:
                user()
        except _Ended:
            pass
        finally:
            self._waiting[place] = None
            self._turned.release()
