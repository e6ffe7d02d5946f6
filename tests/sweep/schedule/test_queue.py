import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.pack import Pack
from sweep.schedule.queue import Attempt, Failure, PackQueue
from sweep.trial import Trial


def pack(size: int, depth: int = 1) -> Pack:
    return Pack(tuple(Trial("test", depth=depth, seed=seed) for seed in range(size)))


def take(queue: PackQueue) -> Attempt:
    attempt = queue.next()
    assert attempt is not None
    return attempt


def test_hands_out_in_order_and_is_exhausted_when_all_have_finished():
    packs = [pack(2, depth) for depth in (1, 2, 3)]
    queue = PackQueue(packs)
    attempts = [take(queue) for _ in packs]
    assert [attempt.pack for attempt in attempts] == packs
    assert queue.next() is None
    assert not queue.exhausted
    for attempt in attempts:
        queue.finished(attempt)
    assert queue.exhausted


def test_a_pack_whose_worker_died_goes_first_again_whole():
    queue = PackQueue([pack(4), pack(2, depth=2)])
    first = take(queue)
    assert queue.failed(first, Failure("crash", "gone")) == []
    again = take(queue)
    assert again.pack == first.pack
    assert again.number != first.number


def test_lost_nodes_are_not_held_against_a_pack_until_there_are_many():
    queue = PackQueue([pack(4)], crashes_allowed=1, deaths_allowed=5)
    for number in range(5):
        # That a node is lost is known by the time of the next failure.
        assert queue.failed(take(queue), Failure("crash", "gone", f"node-{number}")) == []
        queue.lost_nodes.add(f"node-{number}")
    whole = take(queue)
    assert len(whole.pack) == 4
    assert queue.failed(whole, Failure("crash", "gone", "node-5")) == []
    assert len(take(queue).pack) == 2


def test_deaths_on_nodes_that_live_are_held_against_a_pack():
    queue = PackQueue([pack(4)], crashes_allowed=2)
    queue.lost_nodes.add("gone")
    for node in ("here", "gone", None, "gone"):
        assert queue.failed(take(queue), Failure("crash", "gone", node)) == []
    whole = take(queue)
    assert len(whole.pack) == 4
    assert queue.failed(whole, Failure("crash", "gone", "here")) == []
    assert len(take(queue).pack) == 2


@pytest.mark.parametrize("kind", ["error", "memory"])
def test_a_failing_pack_is_halved_until_one_trial_is_given_up(kind):
    queue = PackQueue([pack(4)])
    assert queue.failed(take(queue), Failure(kind, "no")) == []
    left = take(queue)
    assert [trial.seed for trial in left.pack.trials] == [0, 1]
    assert queue.failed(left, Failure(kind, "no")) == []
    given_up = queue.failed(take(queue), Failure(kind, "no"))
    assert [(result.trial.seed, result.status, result.error) for result in given_up] == [(0, "failed", "no")]
    assert [take(queue).pack.trials[0].seed for _ in range(2)] == [1, 2]


@given(
    sizes=st.lists(st.integers(1, 13), min_size=1, max_size=5),
    poisoned=st.sets(st.integers(0, 12)),
    kind=st.sampled_from(["error", "memory", "crash"]),
)
def test_every_trial_ends_once_and_only_poisoned_ones_fail(sizes, poisoned, kind):
    queue = PackQueue([pack(size, depth) for depth, size in enumerate(sizes, 1)])
    finished, failed = [], []
    while (attempt := queue.next()) is not None:
        if any(trial.seed in poisoned for trial in attempt.pack.trials):
            failed += [result.trial for result in queue.failed(attempt, Failure(kind, "poison"))]
        else:
            finished += attempt.pack.trials
            queue.finished(attempt)
    assert queue.exhausted
    assert len(finished) + len(failed) == sum(sizes) == len({trial.trial_id for trial in finished + failed})
    assert all(trial.seed in poisoned for trial in failed)
    assert not any(trial.seed in poisoned for trial in finished)
