"""What is handed out when, simulated: a pack takes as long on its device as the test says."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from sweep.cost import CostModel, GPUCostModel
from sweep.pack import Pack
from sweep.schedule.dispatch import Dispatcher, Placed
from sweep.schedule.placement import CostModels, Devices
from sweep.schedule.queue import Failure, PackQueue
from sweep.trial import Trial

# A pack of two takes two seconds a step on a CPU, and a quarter of one on a GPU.
STEPS = CostModel(0.0, 0.0, 1.0)
EVEN = CostModels(STEPS, GPUCostModel(0.0, 0.0, 1 / 340))
MEMORY = 80e9


def packs(count: int, size: int = 2, **fields) -> list[Pack]:
    return [
        Pack(tuple(Trial("test", seed=size * number + place, **fields) for place in range(size)))
        for number in range(count)
    ]


@dataclass
class Cluster:
    """Runs what is handed out, in the order handed out, on as many devices as there are."""

    dispatcher: Dispatcher
    seconds: Callable[[Placed], float]
    now: float = 0.0
    running: list[tuple[float, int, Placed]] = field(default_factory=list)
    waiting: list[Placed] = field(default_factory=list)
    done: list[Placed] = field(default_factory=list)
    _numbers: itertools.count = field(default_factory=itertools.count)

    def hand_out(self) -> list[Placed]:
        placed = []
        while (each := self.dispatcher.next()) is not None:
            placed.append(each)
        self.waiting += placed
        return placed

    def begin(self) -> None:
        """Begin whatever there are devices for."""
        devices = self.dispatcher.devices
        for placed in list(self.waiting):
            gpus = sum(each.share for _, _, each in self.running)
            if gpus + placed.share <= devices.gpus and len(self.running) < devices.cpus:
                self.waiting.remove(placed)
                self.dispatcher.started(placed.attempt)
                heapq.heappush(self.running, (self.now + self.seconds(placed), next(self._numbers), placed))

    def finish(self) -> None:
        self.now, _, placed = heapq.heappop(self.running)
        self.dispatcher.finished(placed.attempt)
        self.done.append(placed)

    def run(self) -> float:
        """Seconds until all is done."""
        self.hand_out()
        self.begin()
        while self.running:
            self.finish()
            self.hand_out()
            self.begin()
        assert self.dispatcher.queue.exhausted
        return self.now


def cluster(work: list[Pack], devices: Devices, seconds: Callable[[Placed], float], models=EVEN, **options) -> Cluster:
    made = Cluster(Dispatcher(PackQueue(work), devices, models=models, clock=lambda: made.now, **options), seconds)
    return made


def as_estimated(placed: Placed) -> float:
    return placed.seconds


def test_each_kind_has_as_many_packs_out_as_it_has_room_for_and_one_more():
    made = cluster(packs(40), Devices(2, 6), as_estimated)
    assert [placed.kind for placed in made.hand_out()] == ["gpu"] * 2 + ["cpu"] * 4
    made.begin()
    assert [placed.kind for placed in made.hand_out()] == ["gpu", "cpu"]
    assert made.hand_out() == []
    made.finish()
    made.begin()
    assert len(made.running) == 6
    assert len(made.hand_out()) == 1


def test_both_kinds_work_to_the_end():
    work = packs(60)
    both = cluster(list(work), Devices(2, 6), as_estimated)
    gpus = cluster(list(work), Devices(2, 6), as_estimated, device="cuda")
    cpus = cluster(list(work), Devices(2, 6), as_estimated, device="cpu")
    assert both.run() < min(gpus.run(), cpus.run())
    assert {placed.kind for placed in gpus.done} == {"gpu"}
    assert {placed.kind for placed in cpus.done} == {"cpu"}
    assert len(both.done) == len(work)


@pytest.mark.parametrize("slow", ["gpu", "cpu"])
def test_a_kind_that_is_slower_than_estimated_gets_less(slow):
    def seconds(placed: Placed) -> float:
        base = placed.seconds / placed.correction
        return 8 * base if placed.kind == slow else base

    work = packs(120)
    expected = cluster(list(work), Devices(2, 6), as_estimated)
    expected.run()
    made = cluster(list(work), Devices(2, 6), seconds)
    made.run()
    assert sum(placed.kind == slow for placed in made.done) < sum(placed.kind == slow for placed in expected.done)


def test_a_gpu_that_is_slower_than_a_processor_is_tried_a_few_times_alone():
    made = cluster(packs(40), Devices(2, 6), as_estimated, CostModels(STEPS, GPUCostModel(0.0, 0.0, 4 / 85)))
    made.run()
    assert 1 <= sum(placed.kind == "gpu" for placed in made.done) <= 3


def test_a_cpu_leaves_to_the_gpu_what_that_does_sooner():
    # So much faster that nothing pays on a CPU.
    fast = CostModels(STEPS, GPUCostModel(0.0, 0.0, 1 / 68_000))
    made = cluster(packs(20), Devices(1, 4), as_estimated, fast)
    made.run()
    assert {placed.kind for placed in made.done} == {"gpu"}


def test_small_packs_share_gpus_and_large_ones_come_first():
    work = packs(6, filters=1) + packs(2, size=8, filters=64, depth=32, train_samples=100)
    made = cluster(work, Devices(1, 16, MEMORY), as_estimated, device="cuda")
    made.run()
    shares = [placed.share for placed in made.done]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == 1 / 8


def test_a_part_of_a_gpu_that_is_too_little_is_followed_by_a_whole_one_then_by_halves():
    dispatcher = Dispatcher(PackQueue(packs(1, size=4)), Devices(1, 2, MEMORY), "cuda")
    shares = []
    for _ in range(3):
        placed = dispatcher.next()
        assert placed is not None
        shares.append((placed.share, len(placed.attempt.pack)))
        dispatcher.started(placed.attempt)
        assert dispatcher.failed(placed.attempt, Failure("memory", "no")) == []
    assert shares == [(1 / 8, 4), (1, 4), (1, 2)]


def test_out_of_memory_on_a_cpu_is_followed_by_halves():
    dispatcher = Dispatcher(PackQueue(packs(1, size=4)), Devices(0, 2, MEMORY))
    sizes = []
    for _ in range(2):
        placed = dispatcher.next()
        assert placed is not None
        sizes.append((placed.kind, len(placed.attempt.pack)))
        dispatcher.failed(placed.attempt, Failure("memory", "no"))
    assert sizes == [("cpu", 4), ("cpu", 2)]


def test_enough_packs_wait_for_an_autoscaler_to_add_several_nodes():
    made = cluster(packs(60), Devices(0, 0), as_estimated, device="cuda", elastic=True)
    assert [(placed.kind, placed.share) for placed in made.hand_out()] == [("gpu", 1.0)] * 16
    made.dispatcher.resize(gpus=20, cpus=80)
    made.hand_out()
    made.begin()
    assert len(made.running) == 20
    assert len(made.waiting) + len(made.hand_out()) <= 20


def test_new_nodes_are_used_and_lost_ones_are_not_waited_for():
    made = cluster(packs(40), Devices(0, 2), as_estimated)
    made.hand_out()
    made.begin()
    made.dispatcher.resize(gpus=2, cpus=8)
    assert {placed.kind for placed in made.hand_out()} == {"gpu", "cpu"}
    made.begin()
    made.hand_out()
    made.dispatcher.resize(gpus=0, cpus=2)
    stranded = made.dispatcher.stranded()
    assert [placed.attempt for placed in made.waiting if placed.kind == "gpu"] == stranded != []
    for attempt in stranded:
        made.dispatcher.withdraw(attempt)
    made.waiting = [placed for placed in made.waiting if placed.attempt not in stranded]
    made.run()
    assert len({placed.attempt.pack.pack_id for placed in made.done}) == 40


def test_packs_that_wait_for_cpus_are_taken_back_when_the_first_gpu_comes() -> None:
    queue = PackQueue(packs(20))
    cluster = Cluster(Dispatcher(queue, Devices(0, 0, MEMORY), elastic=True, models=EVEN), lambda placed: 1.0)
    dispatcher = cluster.dispatcher
    first = cluster.hand_out()
    assert {placed.kind for placed in first} == {"cpu"}
    assert dispatcher.stranded() == []
    dispatcher.resize(1, 2)
    back = dispatcher.stranded()
    assert len(first) - len(back) == 3
    for attempt in back:
        dispatcher.withdraw(attempt)
    assert dispatcher.stranded() == []
    assert "gpu" in {placed.kind for placed in cluster.hand_out()}
