"""Runs the trials that a plan has and the ledger lacks, through an executor, and stores their results."""

import itertools
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from sweep.cost import CostModel
from sweep.errors import SweepError, unknown_name
from sweep.ledger import Ledger, Lock, check_plans, to_tables, unmarked_note
from sweep.ledger.lease import TIMES
from sweep.pack import PACK_SIZE, Pack, check_pack_size
from sweep.planning import Plan
from sweep.result import Checkpoint, Progress, TrialResult
from sweep.schedule.book import Attempt, Failure, PackBook
from sweep.schedule.common_fault import CommonFault
from sweep.schedule.executor import EXECUTORS, ExecutorOptions, Report, find_executor
from sweep.schedule.signals import TimeLimit, as_interrupt
from sweep.schedule.workers import Workers
from sweep.schedule.writer import Writer
from sweep.tracking import Tracker, is_complete

_WAITING_NOTE_SECONDS = 5
_PACKS_IN_THE_TIME = 10

ORDERS: dict[str, Callable[[list[Pack]], list[Pack]]] = {
    "longest": lambda packs: packs,
    # Identities are hashes: an order that says nothing of the packs, and is the same in every run.
    "random": lambda packs: sorted(packs, key=lambda pack: pack.pack_id),
}
"""The orders of packs, which come the longest first."""


class Display(Protocol):
    """Shows a sweep to the user."""

    def update(self, book: PackBook) -> None:
        """The book has changed."""

    def note(self, line: str) -> None:
        """Show this line to the user."""


@dataclass(frozen=True)
class RunOptions:
    """How to run a plan. Raises SweepError for an unknown executor or an invalid pack size."""

    executor: str = "ray"
    pack_size: int = PACK_SIZE
    retry_failed: bool = False
    tracking: str | None = None
    seconds: float = math.inf
    """How long packs may train; what does not fit is left for the next run."""
    order: str = "longest"
    resources: ExecutorOptions = field(default_factory=ExecutorOptions)

    def __post_init__(self) -> None:
        if self.executor not in EXECUTORS:
            raise unknown_name("executor", self.executor, EXECUTORS)
        if self.order not in ORDERS:
            raise unknown_name("order", self.order, ORDERS)
        check_pack_size(self.pack_size)
        self.resources.check(on_ray=self.executor == "ray")


@dataclass(frozen=True)
class Outcome:
    """A plan's trials by status after a run, and whether the run was interrupted."""

    planned: int
    status: Counter[str]
    interrupted: bool = False
    tracking_fault: str | None = None
    time_is_up: bool = False
    """Whether trials are missing because the time was limited."""

    @property
    def missing(self) -> int:
        """Trials without a row."""
        return self.planned - self.status.total()


def _pack_size(plan: Plan, options: RunOptions) -> int:
    """The largest number of trials in a pack: with little time so few that a pack ends in a tenth of it."""
    if math.isinf(options.seconds) or not len(plan):
        return options.pack_size
    each = CostModel().seconds(plan.trials) / len(plan)
    # The two sides of a depth-1 pair are never apart.
    return min(options.pack_size, max(2, int(options.seconds / _PACKS_IN_THE_TIME / each)))


def missing_trials(plan: Plan, ledger: Ledger, retry_failed: bool = False) -> Plan:
    """The trials of a plan without a row in the ledger, and with `retry_failed` also the failed ones."""
    status = ledger.contents.status
    return plan.without({i for i in status if not (retry_failed and status[i] == "failed")})


def outcome(
    plan: Plan,
    ledger: Ledger,
    interrupted: bool = False,
    tracking_fault: str | None = None,
    time_is_up: bool = False,
) -> Outcome:
    """Count the plan's trials by their status in the ledger."""
    status = ledger.contents.status
    ended = Counter(status[trial.trial_id] for trial in plan.trials if trial.trial_id in status)
    return Outcome(len(plan), ended, interrupted, tracking_fault, time_is_up)


def run_sweep(plan: Plan, ledger: Ledger, options: RunOptions, display: Display) -> Outcome:
    """Train the missing trials of a plan and store their results.

    An interrupt (SIGINT, SIGTERM, SIGHUP) ends the run in seconds and keeps all finished packs. Raises SweepError if
    the store cannot be written, a plan in it may hold the study's margins but cannot be read, the sweep already runs,
    or the executor cannot start or go on.
    """
    # A longer silence would cost the lease.
    ledger.files.be_patient(TIMES.trust - TIMES.renew / 2, display.note)
    with ledger.lock(plan.sweep_id, note=display.note) as lock:
        ledger.refresh()
        for fault in ledger.hiding().values():
            display.note(f"{fault}: its trials count as missing")
        if (unmarked := unmarked_note(ledger)) is not None:
            display.note(unmarked)
        for fault in check_plans(ledger, plan.sweep_id, plan.study):
            display.note(f"{fault}; this sweep goes on without it")
        planned = [trial.trial_id for trial in plan.trials]
        ledger.record_sweep(plan.sweep_id, plan.study, plan.trials, plan.margins, plan.whole)
        missing = missing_trials(plan, ledger, options.retry_failed)
        if not missing.trials and (
            options.tracking is None or is_complete(ledger, options.tracking, planned, plan.sweep_id)
        ):
            return outcome(plan, ledger)
        return _Run(plan, missing, ledger, options, display, lock).run()


class _Run:
    """One run of a sweep: the executor's listener. It keeps the book, and tells the writer, tracker and display."""

    def __init__(
        self, plan: Plan, missing: Plan, ledger: Ledger, options: RunOptions, display: Display, lock: Lock
    ) -> None:
        self._plan, self._ledger, self._options, self._display, self._lock = plan, ledger, options, display, lock
        already = outcome(plan.without({trial.trial_id for trial in missing.trials}), ledger).status
        packs = ORDERS[options.order](missing.packs(_pack_size(missing, options)))
        self._book = PackBook(packs, already, seconds=options.seconds)
        self._workers = Workers(self._book.lost_nodes)
        self._common_fault = CommonFault()
        tracking = options.tracking
        self._tracker = None if tracking is None else Tracker(ledger.address, tracking, plan.sweep_id)
        self._writer = Writer(ledger, self._published)

    def run(self) -> Outcome:
        with as_interrupt():
            interrupted = False
            limit = TimeLimit(self._options.seconds)
            try:
                if not self._book.exhausted:
                    self._note_checkpoints()
                    with limit:
                        find_executor(self._options.executor)(self._book, self, self._options.resources)
            except KeyboardInterrupt:
                interrupted = True
            except Exception:
                # A failed write surfaces in the executor's loop, perhaps wrapped in the executor's own error.
                self._check()
                raise
            finally:
                self._writer.close()
                fault = self._finish_tracking(interrupted or not self._book.exhausted)
            self._check()
            time_is_up = limit.reached or bool(self._book.left_out)
            return outcome(self._plan, self._ledger, interrupted and not limit.reached, fault, time_is_up)

    def _note_checkpoints(self) -> None:
        trainings = set[str]().union(*(attempt.pack.trainings for attempt in self._book.pending))
        # Packs of fused networks have no such trainings, so the store need not be read.
        kept = len(self._ledger.checkpoints.kept() & trainings) if trainings else 0
        if kept:
            self.note(f"{kept} of {len(trainings)} trainings have a checkpoint in the store to go on from")

    def note(self, line: str) -> None:
        self._display.note(line)

    def started(self, attempt: Attempt) -> None:
        self._check()
        self._book.began(attempt)
        if self._tracker is not None:
            self._tracker.trials_started(attempt.pack.trials)
        self._display.update(self._book)

    def heard(self, attempt: Attempt, report: Report) -> None:
        if not (isinstance(report, Failure) and report.kind == "crash"):
            self._give_up(self._workers.reported())
        match report:
            case Checkpoint():
                self._writer.keep(report)
            case Progress():
                self._check()
                attempt.done = report.share
            case Failure():
                self._failed(attempt, report)
            case _:
                self._give_up(self._common_fault.release())
                self._book.finished(attempt)
                self._writer.publish(report)
        self._display.update(self._book)

    def checkpoint(self, training_id: str) -> bytes | None:
        return self._ledger.checkpoints.read(training_id)

    def _failed(self, attempt: Attempt, failure: Failure) -> None:
        if failure.kind == "crash":
            self._workers.died(attempt, failure)
        given_up = self._book.failed(attempt, failure)
        if not given_up:
            self.note(f"a pack of {len(attempt.pack)} trials is tried again: {failure.message}")
        last = self._book.exhausted
        self._give_up(self._common_fault.given_up(self._workers.given_up(given_up, failure, last), last))

    def _give_up(self, results: list[TrialResult]) -> None:
        if results:
            self._writer.publish(to_tables(results))
        for result in results:
            self.note(f"trial {result.trial.trial_id} failed: {result.error}")

    def _check(self) -> None:
        """Raise SweepError if the store cannot be written, or another driver may have taken this sweep."""
        self._writer.check()
        self._lock.check()

    def _published(self, ended: Counter[str]) -> None:
        self._book.ended.update(ended)
        if self._tracker is not None:
            self._tracker.published()
        self._display.update(self._book)

    def _finish_tracking(self, interrupted: bool) -> str | None:
        try:
            self._lock.check()
        except SweepError:
            # The runs belong to the driver that trains their trials now.
            return None
        if self._tracker is None:
            return None

        calls = itertools.count(1)

        def waiting(written: int) -> None:
            if next(calls) % _WAITING_NOTE_SECONDS == 0:
                self._display.note(f"writing MLflow runs: {written} trials so far")

        try:
            self._tracker.finish(interrupted, waiting)
        except KeyboardInterrupt:
            return "the wait for it was interrupted"
        return None if self._tracker.complete or interrupted else self._tracker.fault or "it did not finish"
