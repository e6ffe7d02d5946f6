"""When the death of workers ends a sweep, and when it is a trial's own."""

import pytest

from sweep.errors import SweepError
from sweep.pack import Pack
from sweep.result import TrialResult
from sweep.schedule.book import Failure, PackBook
from sweep.schedule.workers import Workers
from sweep.trial import Trial

CRASH = Failure("crash", "the worker died", output="libfoo.so: not found")


def run(packs: list[int], begins: bool, healthy: frozenset[tuple[int, int]] = frozenset()) -> list[TrialResult]:
    """Run packs of these sizes whose trials kill their worker, but for those of a (depth, seed) in `healthy`."""
    book = PackBook([Pack(tuple(Trial("t", depth=d, seed=s) for s in range(size))) for d, size in enumerate(packs, 1)])
    workers, failed = Workers(book.lost_nodes), []
    while (attempt := book.next()) is not None:
        attempt.begun = begins
        if all((trial.depth, trial.seed) in healthy for trial in attempt.pack.trials):
            failed += workers.reported()
            book.finished(attempt)
            continue
        workers.died(attempt, CRASH)
        given_up = book.failed(attempt, CRASH)
        failed += workers.given_up(given_up, CRASH, last=book.exhausted)
    return failed


@pytest.mark.parametrize(("packs", "begins", "deaths"), [([4, 4], False, 3), ([1, 1], True, 6), ([24] * 9, True, 12)])
def test_workers_that_all_die_end_the_sweep_in_their_own_words(packs: list[int], begins: bool, deaths: int) -> None:
    with pytest.raises(
        SweepError,
        match=rf"anything, {deaths} by now, the last thus: the worker died .libfoo\.so: not found.; no",
    ):
        run(packs, begins)


@pytest.mark.parametrize("first", [0, 23])
def test_a_trial_that_kills_its_worker_is_found_among_healthy_ones(first: int) -> None:
    healthy = frozenset((1, seed) for seed in range(24)) - {(1, first)}
    (failed,) = run([24], begins=True, healthy=healthy)
    assert failed.trial.seed == first


def test_trials_that_were_held_back_count_once_a_worker_has_reported() -> None:
    assert len(run([1, 1, 1], begins=True, healthy=frozenset({(3, 0)}))) == 2


def test_a_plans_only_trial_counts_as_the_cause() -> None:
    assert len(run([1], begins=True)) == 1


def test_deaths_on_lost_nodes_say_nothing() -> None:
    book = PackBook([Pack((Trial("t"),))], deaths_allowed=99)
    workers = Workers(book.lost_nodes)
    for number in range(40):
        attempt = book.next()
        assert attempt is not None
        gone = Failure("crash", "gone", node=f"node-{number}")
        book.lost_nodes.add(f"node-{number}")
        workers.died(attempt, gone)
        book.failed(attempt, gone)
