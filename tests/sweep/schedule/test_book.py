"""What is pending, out and done of a sweep, and what failures lead to."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.pack import Pack
from sweep.schedule.book import Attempt, Failure, PackBook
from sweep.trial import Trial


def pack(size: int, depth: int = 1) -> Pack:
    return Pack(tuple(Trial("test", depth=depth, seed=seed) for seed in range(size)))


def take(book: PackBook) -> Attempt:
    attempt = book.next()
    assert attempt is not None
    return attempt


def test_hands_out_in_order_and_is_exhausted_when_all_have_finished():
    packs = [pack(2, depth) for depth in (1, 2, 3)]
    book = PackBook(packs)
    attempts = [take(book) for _ in packs]
    assert [attempt.pack for attempt in attempts] == packs
    assert book.next() is None
    assert not book.exhausted
    for attempt in attempts:
        book.finished(attempt)
    assert book.exhausted


def test_a_pack_whose_worker_died_goes_first_again_whole():
    book = PackBook([pack(4), pack(2, depth=2)])
    first = take(book)
    assert book.failed(first, Failure("crash", "gone")) == []
    again = take(book)
    assert again.pack == first.pack
    assert again.number != first.number


def test_lost_nodes_are_not_held_against_a_pack_until_there_are_many():
    book = PackBook([pack(4)], crashes_allowed=1, deaths_allowed=5)
    for number in range(5):
        # That a node is lost is known by the time of the next failure.
        assert book.failed(take(book), Failure("crash", "gone", f"node-{number}")) == []
        book.lost_nodes.add(f"node-{number}")
    whole = take(book)
    assert len(whole.pack) == 4
    assert book.failed(whole, Failure("crash", "gone", "node-5")) == []
    assert len(take(book).pack) == 2


def test_deaths_on_nodes_that_live_are_held_against_a_pack():
    book = PackBook([pack(4)], crashes_allowed=2)
    book.lost_nodes.add("gone")
    for node in ("here", "gone", None, "gone"):
        assert book.failed(take(book), Failure("crash", "gone", node)) == []
    whole = take(book)
    assert len(whole.pack) == 4
    assert book.failed(whole, Failure("crash", "gone", "here")) == []
    assert len(take(book).pack) == 2


@pytest.mark.parametrize("kind", ["error", "memory"])
def test_a_failing_pack_is_halved_until_one_trial_is_given_up(kind):
    book = PackBook([pack(4)])
    assert book.failed(take(book), Failure(kind, "no")) == []
    left = take(book)
    assert [trial.seed for trial in left.pack.trials] == [0, 1]
    assert book.failed(left, Failure(kind, "no")) == []
    given_up = book.failed(take(book), Failure(kind, "no"))
    assert [(result.trial.seed, result.status, result.error) for result in given_up] == [(0, "failed", "no")]
    assert [take(book).pack.trials[0].seed for _ in range(2)] == [1, 2]


def test_a_part_of_a_gpu_that_is_too_little_is_followed_by_a_whole_one_then_by_halves():
    book = PackBook([pack(4)])
    shares = []
    for _ in range(3):
        attempt = book.next(1 / 8)
        assert attempt is not None
        shares.append((attempt.gpu_share, len(attempt.pack)))
        book.began(attempt)
        assert book.failed(attempt, Failure("memory", "no")) == []
    assert shares == [(1 / 8, 4), (1, 4), (1, 2)]


def test_a_pack_that_wants_a_whole_gpu_comes_last_and_on_a_cpu_asks_for_none():
    book = PackBook([pack(4), pack(2, depth=2), pack(2, depth=3)])
    first = book.next(1 / 2)
    assert first is not None
    assert book.failed(first, Failure("memory", "no")) == []
    assert [attempt.pack.trials[0].depth for attempt in book.pending] == [2, 3, 1]
    assert [take(book).gpu_share for _ in range(3)] == [0, 0, 0]


def test_a_pack_that_is_taken_back_is_as_it_was_and_comes_first():
    book = PackBook([pack(4), pack(2, depth=2)])
    first, second = book.next(1 / 2), book.next(1 / 2)
    assert first is not None
    assert second is not None
    book.began(first)
    assert book.waiting == [second]
    book.withdraw(second)
    assert (book.waiting, book.training) == ([], 1)
    assert take(book).pack == second.pack


def test_the_book_says_how_far_a_sweep_is_and_when_it_will_end():
    now = 100.0
    book = PackBook([pack(4), pack(4)], Counter(finished=2, failed=1), clock=lambda: now)
    assert (book.planned, book.trials_done, book.share, book.seconds_left) == (11, 3, 0, None)
    first, second = take(book), take(book)
    book.began(first)
    book.began(second)
    now += 10
    first.done, second.done = 0.5, 0.0
    assert (book.training, book.share, book.seconds_left) == (2, 0.25, 30)
    book.finished(first)
    assert (book.training, book.share, book.seconds_left) == (1, 0.5, 10)
    assert book.trials_done == 3
    book.ended.update(finished=4)
    assert book.trials_done == 7
    assert book.failed(second, Failure("error", "no")) == []
    assert (book.training, book.share) == (0, 0.5)
    while (attempt := book.next()) is not None:
        book.failed(attempt, Failure("error", "no"))
    assert book.exhausted
    assert book.share == pytest.approx(1)
    assert PackBook([]).share == 1


@given(
    sizes=st.lists(st.integers(1, 13), min_size=1, max_size=5),
    poisoned=st.sets(st.integers(0, 12)),
    kind=st.sampled_from(["error", "memory", "crash"]),
)
def test_every_trial_ends_once_and_only_poisoned_ones_fail(sizes, poisoned, kind):
    book = PackBook([pack(size, depth) for depth, size in enumerate(sizes, 1)])
    finished, failed = [], []
    while (attempt := book.next()) is not None:
        if any(trial.seed in poisoned for trial in attempt.pack.trials):
            failed += [result.trial for result in book.failed(attempt, Failure(kind, "poison"))]
        else:
            finished += attempt.pack.trials
            book.finished(attempt)
    assert book.exhausted
    assert len(finished) + len(failed) == sum(sizes) == len({trial.trial_id for trial in finished + failed})
    assert all(trial.seed in poisoned for trial in failed)
    assert not any(trial.seed in poisoned for trial in finished)


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def wide(depth: int) -> Pack:
    return Pack(tuple(Trial("test", depth=depth, filters=16, kernel_size=3, seed=seed) for seed in range(2)))


def test_with_little_time_only_packs_that_fit_begin_and_the_others_are_left_out():
    clock = Clock()
    packs = [wide(depth) for depth in (32, 8, 2, 1)]
    costs = [pack.cost for pack in packs]
    # It begins with what fits by the estimate: the second.
    book = PackBook(packs, clock=clock, seconds=costs[1] + costs[2])
    first = take(book)
    assert first.pack == packs[1]
    book.began(first)
    clock.now = costs[1]
    book.finished(first)
    assert take(book).pack == packs[2]
    clock.now += costs[2]
    assert book.next() is None
    assert book.left_out == [packs[0], packs[3]]
    assert not book.pending


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_what_fits_is_judged_by_the_speed_seen(speed: float):
    clock = Clock()
    packs = [wide(depth) for depth in (8, 4)]
    book = PackBook([*packs[:1], *packs[:1], *packs[1:]], clock=clock, seconds=2.2 * packs[0].cost)
    first = take(book)
    book.began(first)
    # Half of it has taken as long as the whole should, or a quarter.
    first.done, clock.now = 0.5, packs[0].cost * speed / 2
    second = book.next()
    assert second is not None
    assert (second.pack == packs[0]) == (speed < 1)


def test_where_nothing_fits_a_training_with_checkpoints_begins_and_at_first_the_shortest():
    resnet = Pack((Trial("test", network="resnet", depth=20, filters=16),))
    assert take(PackBook([wide(32), resnet], seconds=1e-3)).pack == resnet
    packs = [wide(32), wide(8)]
    book = PackBook(packs, seconds=1e-3, clock=Clock())
    first = take(book)
    assert first.pack == packs[1]
    book.began(first)
    assert book.next() is None
    assert book.left_out == packs[:1]


def test_no_more_time_is_said_to_be_left_than_there_is():
    clock = Clock()
    book = PackBook([wide(8), wide(4)], clock=clock, seconds=1000.0)
    first = take(book)
    book.began(first)
    first.done, clock.now = 0.1, 600.0
    assert book.seconds_left == 400.0
