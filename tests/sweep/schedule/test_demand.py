"""What is handed out when, and what it asks for, simulated: each pack takes as long as the test says."""

import heapq
import itertools
from dataclasses import dataclass, field

import pytest

from sweep.pack import Pack
from sweep.schedule.book import Attempt, PackBook
from sweep.schedule.demand import Demand
from sweep.trial import Trial


def packs(count: int) -> list[Pack]:
    return [Pack(tuple(Trial("test", seed=2 * number + place) for place in range(2))) for number in range(count)]


@dataclass
class Cluster:
    """Runs what is handed out, in the order handed out, on as many devices as there are."""

    demand: Demand
    running: list[tuple[int, Attempt]] = field(default_factory=list)
    done: list[Attempt] = field(default_factory=list)
    _times: itertools.count = field(default_factory=itertools.count)

    @property
    def book(self) -> PackBook:
        return self.demand.book

    def hand_out(self) -> list[Attempt]:
        return list(iter(self.demand.next, None))

    def begin(self) -> None:
        """Begin whatever there are devices for."""
        for attempt in self.book.waiting:
            gpus = sum(each.gpu_share for _, each in self.running)
            if gpus + attempt.gpu_share <= self.demand.gpus and len(self.running) < self.demand.cpus:
                self.book.began(attempt)
                heapq.heappush(self.running, (next(self._times), attempt))

    def finish(self) -> None:
        _, attempt = heapq.heappop(self.running)
        self.book.finished(attempt)
        self.done.append(attempt)

    def run(self) -> None:
        self.hand_out()
        self.begin()
        while self.running:
            self.finish()
            self.hand_out()
            self.begin()
        assert self.book.exhausted


def cluster(count: int, gpus: int, cpus: int, *options) -> Cluster:
    return Cluster(Demand(PackBook(packs(count)), gpus, cpus, *options))


@pytest.mark.parametrize(
    ("gpus", "cpus", "options", "share", "at_once"),
    [
        (0, 6, (), 0, 6),
        (2, 6, ("cpu",), 0, 6),
        (2, 6, (), 1, 2),
        (2, 6, ("cuda",), 1, 2),
        (2, 16, ("cuda", 0.25), 0.25, 8),
        (2, 16, (None, 0.3), 0.3, 6),
        # Every pack takes a processor, on a GPU too.
        (2, 6, (None, 0.25), 0.25, 6),
        (0, 6, (None, 0.25), 0, 6),
    ],
)
def test_there_are_as_many_packs_out_as_there_is_room_for_and_one_more(gpus, cpus, options, share, at_once):
    made = cluster(40, gpus, cpus, *options)
    assert [attempt.gpu_share for attempt in made.hand_out()] == [share] * at_once
    made.begin()
    assert [attempt.gpu_share for attempt in made.hand_out()] == [share]
    assert made.hand_out() == []
    made.finish()
    made.begin()
    assert len(made.running) == at_once
    assert len(made.hand_out()) == 1
    made.run()
    assert len({attempt.pack.pack_id for attempt in made.done}) == 40


@pytest.mark.parametrize(("gpus", "elastic"), [(0, False), (0, True), (2, False)])
def test_a_cluster_that_others_use_gets_no_more_packs_at_once_than_allowed(gpus: int, elastic: bool) -> None:
    made = Cluster(Demand(PackBook(packs(20)), gpus, 8, elastic=elastic, most_at_once=2))
    assert len(made.hand_out()) == 2
    made.begin()
    assert made.hand_out() == []
    made.run()
    assert len({attempt.pack.pack_id for attempt in made.done}) == 20


def test_with_little_time_no_pack_waits_behind_others() -> None:
    made = Cluster(Demand(PackBook(packs(20), seconds=1e6), 0, 3))
    assert len(made.hand_out()) == 3
    made.begin()
    assert made.hand_out() == []
    made.run()
    assert len(made.done) == 20


@pytest.mark.parametrize(("device", "share"), [("cuda", 1.0), (None, 0.0)])
def test_enough_packs_wait_for_an_autoscaler_to_add_several_nodes(device, share):
    made = cluster(60, 0, 0, device, 1.0, True)
    assert [attempt.gpu_share for attempt in made.hand_out()] == [share] * 16
    made.demand.gpus, made.demand.cpus = (20, 80) if share else (0, 20)
    made.hand_out()
    made.begin()
    assert len(made.running) == 20
    made.hand_out()
    assert len(made.book.waiting) == 20


def test_new_gpus_are_used_and_lost_ones_are_not_waited_for():
    made = cluster(40, 0, 2)
    made.hand_out()
    made.begin()
    made.demand.gpus, made.demand.cpus = 2, 8
    assert {attempt.gpu_share for attempt in made.hand_out()} == {1}
    made.begin()
    made.hand_out()
    made.demand.gpus, made.demand.cpus = 0, 2
    stranded = made.demand.stranded()
    assert [attempt for attempt in made.book.waiting if attempt.gpu_share] == stranded != []
    for attempt in stranded:
        made.book.withdraw(attempt)
    made.run()
    assert len({attempt.pack.pack_id for attempt in made.done}) == 40


def test_packs_that_wait_for_gpus_that_a_user_named_go_on_waiting():
    made = cluster(4, 1, 2, "cuda")
    made.hand_out()
    made.demand.gpus = 0
    assert made.demand.stranded() == []


def test_packs_that_wait_for_cpus_are_taken_back_when_the_first_gpu_comes():
    made = cluster(20, 0, 0, None, 1.0, True)
    first = made.hand_out()
    assert {attempt.gpu_share for attempt in first} == {0}
    assert made.demand.stranded() == []
    made.demand.gpus, made.demand.cpus = 1, 2
    back = made.demand.stranded()
    assert back == first
    for attempt in back:
        made.book.withdraw(attempt)
    assert made.demand.stranded() == []
    assert {attempt.gpu_share for attempt in made.hand_out()} == {1}
