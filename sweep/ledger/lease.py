"""Locks for an object store, which has none of its own: a claim that its holder renews as long as it lives.

A claim is an object ``locks/NAME/CLAIM``. A claimant first writes its claim and then looks for others, so that of any
two at least one sees the other; one that sees another withdraws and tries again later. The store only has to show every
finished write to every later reader, as S3 does.

A claim that was not renewed for `expire` seconds is dead, and others ignore it. They measure its age by the store's
clock, from the time of the claim to that of one they have just written. A holder that renews too late finds out in the
same way, from the times of its own two writes. By its own clock it trusts its claim one renewal less long.
"""

import contextlib
import datetime as dt
import json
import os
import random
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from sweep.errors import SweepError
from sweep.ledger.lock import Lock

_WATCH = "watch-"
_CLAIM = re.compile(rf"({_WATCH})?[0-9a-f]{{16}}")
_WATCHING, _CHOOSING, _HELD = "watching", "choosing", "held"


@dataclass(frozen=True)
class LeaseTimes:
    """Seconds between renewals, until a claim without renewal is dead, and between two looks at others' claims.

    Stores keep times in whole seconds, so `renew` must be at least one.
    """

    renew: float = 10.0
    expire: float = 60.0
    look: float = 1.0

    @property
    def trust(self) -> float:
        """How long a holder believes in a claim that it could not renew."""
        return self.expire - self.renew


TIMES = LeaseTimes()


class _Look(NamedTuple):
    """The other claims of a lease, just after its own was written: when each live one was written, and the dead."""

    live: dict[str, float]
    dead: list[str]


class ClaimFiles(Protocol):
    """What a lease needs of a store."""

    @property
    def uri(self) -> str: ...
    def read(self, name: str) -> bytes | None: ...
    def write(self, name: str, content: bytes) -> None: ...
    def delete(self, name: str) -> None: ...
    def times(self, folder: str) -> dict[str, float]: ...


def _elapsed() -> float:
    """A clock in seconds that also counts while the machine is suspended, where the system has one."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)


class Lease:
    """One claimant. Methods raise SweepError where the store cannot be used.

    Between `acquire` and `release`, `renew` must be called every `times.renew` seconds, as `hold` does.
    """

    def __init__(
        self,
        files: ClaimFiles,
        name: str,
        times: LeaseTimes,
        clock: Callable[[], float] = _elapsed,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._files, self._folder, self._times = files, f"locks/{name}", times
        self._clock, self._sleep = clock, sleep
        self._claim = ""
        self._since = ""
        self._written: float | None = None
        self._trusted_from = 0.0
        self._lost: str | None = "it was never taken"

    def acquire(self, wait: bool = False, note: Callable[[str], None] = lambda line: None) -> None:
        """Take the lease, also from a holder that has certainly died.

        Raises SweepError if a living process holds it, unless told to wait.
        """
        while not self.attempt():
            self._watch(wait, note)

    def attempt(self) -> bool:
        """Try once to take the lease; returns whether it is taken. A failed attempt leaves nothing behind."""
        # A name is never used again, so a dead or withdrawn claim stays so, and anyone can delete it.
        self._claim, self._written = secrets.token_hex(8), None
        self._since = dt.datetime.now(dt.UTC).isoformat(sep=" ", timespec="seconds")
        taken = False
        try:
            look = self._put(_CHOOSING)
            taken = look is not None and not look.live and self._put(_HELD) is not None
        finally:
            if not taken:
                self.release()
        if taken:
            self._lost = None
            for claim in look.dead if look else ():
                self._delete(claim)
        return taken

    def renew(self) -> None:
        """Renew the claim, or find that it is lost."""
        if self._claim not in self._files.times(self._folder):
            self._lost = "its claim was deleted"
        elif self._put(_HELD) is None:
            self._lost = self._overdue

    def check(self) -> None:
        """Raise SweepError if another may hold the lease by now."""
        if self._lost is None and self._clock() - self._trusted_from > self._times.trust:
            self._lost = self._overdue
        if self._lost is not None:
            raise SweepError(
                f"this run has lost its hold on the store {self._files.uri}, as {self._lost}; run the same command "
                "again, finished trials are kept"
            )

    def release(self) -> None:
        """Withdraw the claim; one that cannot be withdrawn expires."""
        self._lost = "it has let go of it"
        self._delete(self._claim)

    @property
    def _overdue(self) -> str:
        return f"it could not renew its claim for {self._times.trust:g} seconds"

    def _delete(self, claim: str) -> None:
        with contextlib.suppress(SweepError):
            self._files.delete(f"{self._folder}/{claim}")

    def _put(self, state: str) -> _Look | None:
        """Write the claim, then look; None if the write came so late that others may have ignored the claim."""
        began = self._clock()
        facts = {"state": state, "host": socket.gethostname(), "pid": os.getpid(), "since": self._since}
        self._files.write(f"{self._folder}/{self._claim}", json.dumps(facts).encode())
        times = self._files.times(self._folder)
        # Anything else in the folder claims nothing.
        written = {claim: at for claim, at in times.items() if _CLAIM.fullmatch(claim)}
        now, before = written.pop(self._claim, None), self._written
        if now is None or (before is not None and now - before > self._times.trust):
            return None
        self._written, self._trusted_from = now, began
        dead = [claim for claim, at in written.items() if now - at > self._times.expire]
        live = {claim: at for claim, at in written.items() if claim not in dead and not claim.startswith(_WATCH)}
        return _Look(live, dead)

    def _watch(self, wait: bool, note: Callable[[str], None]) -> None:
        """Wait until no other claim is live. Raises SweepError once a holder shows life, unless told to wait."""
        # An object that claims nothing gives the time by the store's clock.
        self._claim = _WATCH + secrets.token_hex(8)
        known: dict[str, float] | None = None
        try:
            while True:
                self._sleep(self._times.look * random.uniform(0.5, 1.5))
                self._written = None
                look = self._put(_WATCHING)
                if look is None:
                    continue
                if not look.live:
                    return
                if known is None:
                    known = look.live
                    note(f"this sweep ran a moment ago; wait up to {self._times.expire:g} s to see if it still runs")
                for claim, at in look.live.items():
                    if not wait and known.get(claim) != at:
                        self._refuse(claim)
        finally:
            self.release()

    def _refuse(self, claim: str) -> None:
        """Raise SweepError if the claim, which was just renewed, is a holder's."""
        try:
            facts = json.loads(self._files.read(f"{self._folder}/{claim}") or b"{}")
        except ValueError:
            facts = {}
        if facts.get("state") == _HELD:
            raise SweepError(
                f"this sweep is already running on the store {self._files.uri}, since {facts.get('since')}, on host "
                f"{facts.get('host')} as process {facts.get('pid')}; wait for it, or end it and run again"
            )


@contextlib.contextmanager
def hold(
    files: ClaimFiles,
    name: str,
    wait: bool = False,
    note: Callable[[str], None] = lambda line: None,
    times: LeaseTimes | None = None,
) -> Iterator[Lock]:
    """Hold a lease, renewed by a thread; its `check` raises SweepError once another may hold it.

    Raises SweepError if another process holds it, unless told to wait.
    """
    times = times or TIMES
    lease = Lease(files, name, times)
    lease.acquire(wait, note)
    ended = threading.Event()

    def renew() -> None:
        with contextlib.suppress(SweepError):
            while not ended.wait(times.renew):
                lease.check()
                # A store that does not answer now may still do so in time.
                with contextlib.suppress(SweepError):
                    lease.renew()

    thread = threading.Thread(target=renew, name=f"lease {name}", daemon=True)
    thread.start()
    try:
        yield lease
    finally:
        ended.set()
        thread.join(times.renew)
        lease.release()
