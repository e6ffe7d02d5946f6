"""Leases: never two holders at once, in whatever order claimants act, are stopped and go on."""

import contextlib
import copy
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.errors import SweepError
from sweep.ledger.lease import Lease
from tests.sweep.ledger.interleaving import Turns


class Claimants:
    """Claimants of one lease that try to take it, hold it for some renewals, and let it go."""

    def __init__(self, number: int, once: bool, renewals: int, stop: float = 0.0) -> None:
        self.turns = Turns()
        self.leases = [self.turns.lease() for _ in range(number)]
        self.taken = 0
        users = [lambda lease=lease: self._claim(lease, once, renewals) for lease in self.leases]
        self.turns.begin([*users, lambda: self._stop(stop)] if stop else users)

    def holders(self) -> int:
        """How many would go on with their work at this moment."""
        return sum(holds(copy.copy(lease)) for lease in self.leases)

    def _stop(self, seconds: float) -> None:
        """For everyone at once, which is for a claimant what it is to be stopped alone."""
        self.turns.pause()
        self.turns.now += seconds

    def _claim(self, lease: Lease, once: bool, renewals: int) -> None:
        if once:
            if not lease.attempt():
                return
        else:
            lease.acquire(wait=True)
        self.taken += 1
        for _ in range(renewals):
            self.turns.pause()
            if not holds(lease):
                break
            lease.renew()
        self.turns.pause()
        lease.release()


def holds(lease: Lease) -> bool:
    with contextlib.suppress(SweepError):
        lease.check()
        return True
    return False


def every_order(start: Callable[[], Claimants]) -> Iterator[Claimants]:
    """The claimants at the end of each order of their operations, after which there never were two holders."""
    orders: list[list[int]] = [[]]
    while orders:
        steps = orders.pop()
        claimants = start()
        for place in steps:
            claimants.turns.step(place)
        while active := claimants.turns.active:
            orders += [[*steps, other] for other in active[1:]]
            claimants.turns.step(active[0])
            steps.append(active[0])
            assert claimants.holders() <= 1, steps
        yield claimants


def test_two_claimants_never_both_hold_in_any_order() -> None:
    taken = set[int]()
    for claimants in every_order(lambda: Claimants(2, once=True, renewals=1)):
        assert not claimants.turns.objects, "every claim is withdrawn"
        taken.add(claimants.taken)
    # Both withdraw where each sees the other; where one comes after the other has ended, both get it.
    assert taken == {0, 1, 2}


@pytest.mark.parametrize("seconds", [3, 5, 7, 20])
def test_nor_when_they_are_stopped_anywhere(seconds: float) -> None:
    taken = [claimants.taken for claimants in every_order(lambda: Claimants(2, True, 0, stop=seconds))]
    assert set(taken) == {0, 1, 2}


def test_a_stray_object_claims_nothing() -> None:
    turns, taken = Turns(), list[bool]()
    turns.objects["locks/sweep/.DS_Store"] = b"", turns.now
    turns.begin([lambda: taken.append(turns.lease().attempt())])
    while turns.active:
        turns.step(0)
    assert taken == [True]


ACTIONS = st.lists(st.integers(0, 2) | st.sampled_from(["wait 1", "wait 3", "wait 7"]), min_size=40, max_size=160)


@settings(max_examples=150, deadline=None)
@given(actions=ACTIONS)
def test_claimants_that_are_stopped_for_any_time_never_both_hold(actions: list[int | str]) -> None:
    claimants = Claimants(3, once=False, renewals=3)
    try:
        for action in actions:
            if isinstance(action, str):
                claimants.turns.now += int(action.removeprefix("wait "))
            elif action in claimants.turns.active:
                claimants.turns.step(action)
            assert claimants.holders() <= 1
    finally:
        claimants.turns.end()
