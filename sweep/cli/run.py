"""``sweep run``: trains the missing trials of a study and prints the answer."""

import os
import shlex
import sys
from dataclasses import replace

from rich.console import Console

from sweep.cli.display import live_display, say
from sweep.cli.options import DEFAULT_STORE
from sweep.cli.plan_options import ALL_TRIALS, AS_USUAL, PlanOptions, RunFlags, Study
from sweep.cli.report import write_into_store
from sweep.engine import find_engine
from sweep.errors import SweepError
from sweep.launch import launch, time_limit
from sweep.ledger import Ledger, check_plans
from sweep.planning import Plan
from sweep.redaction import redacted
from sweep.schedule import Outcome, RunOptions
from sweep.submission import RESUME
from sweep.tracking import tracking_uri
from sweep.trial import ARRANGEMENT

TIME_IS_UP = 124
"""The exit code of a sweep that its time did not suffice for, as of timeout(1)."""


def run(
    study: Study,
    /,
    *,
    options: PlanOptions = ALL_TRIALS,
    flags: RunFlags = AS_USUAL,
    executor: str = "ray",
    address: str | None = None,
    workers: int | None = None,
    time: str | None = None,
) -> int:
    """Train the missing trials of a study; run the same command again to resume.

    Exit codes: 0 all done, 1 some trials failed, 2 wrong usage or input, 124 the time was up, 130 interrupted.

    Parameters
    ----------
    executor
        ray: Ray Tune, on this machine or a cluster; local: one pack after another in this process.
    address
        Ray cluster to join, as HEAD:6379 (auto on its machines); by default the sweep starts its own here.
    workers
        Packs to train at once on this machine (ray), or CPU threads (local); by default one per processor.
    time
        Train for so long at most, such as 30m or 1h30m: only packs that fit begin. The answer comes after it.
    """
    plan = options.plan(study)
    find_engine(flags.engine)
    resources = flags.resources(workers, address)
    seconds = time_limit(time)
    how = RunOptions(
        executor, flags.pack_size, flags.retry_failed, seconds=seconds, order=flags.order, resources=resources
    )
    if flags.track:
        how = replace(how, tracking=tracking_uri(Ledger(flags.store), flags.tracking))
    outcome = launch(plan, flags.store, how, say, live_display)
    return _conclude(plan, outcome, flags.store, how.tracking, flags.report, _place(flags.store, flags.tracking))


def _conclude(plan: Plan, outcome: Outcome, store: str, uri: str | None, report: bool, runs: list[str]) -> int:
    # A store's name or a constraint may hold brackets.
    console = Console(highlight=False, markup=False, soft_wrap=not sys.stdout.isatty())
    status = outcome.status
    console.print(
        f"{plan.study}: {outcome.planned} trials planned, {status['finished']} finished, "
        f"{status['diverged']} diverged, {status['failed']} failed, {outcome.missing} missing."
    )
    if outcome.tracking_fault and uri is not None:
        console.print(
            f"MLflow at {redacted(uri)} lacks some runs ({outcome.tracking_fault}); no result is lost, "
            f"`{shlex.join(['sweep', 'track', *runs])}` writes them.",
            soft_wrap=True,
        )
    again = os.environ.get(RESUME) or shlex.join(["sweep", *map(redacted, sys.argv[1:])])
    if outcome.interrupted or (outcome.missing and not outcome.time_is_up):
        console.print(f"Interrupted; go on with: {again}", soft_wrap=True)
        return 130
    trusted = _answer(plan, store, uri, report, console) if status["finished"] else True
    _print_next(console, store, plan, uri, runs)
    if outcome.missing:
        console.print(f"The time is up; train the other {outcome.missing} trials with: {again}", soft_wrap=True)
        return TIME_IS_UP
    return 1 if status["failed"] or not trusted else 0


def _answer(plan: Plan, store: str, uri: str | None, report: bool, console: Console) -> bool:
    """Print the answer and write the report, or why there is none. Returns False where a control fails."""
    from analysis import Results
    from sweep.cli.answer import print_answer, print_verdicts

    try:
        ledger = Ledger.open(store)
        check_plans(ledger, plan.sweep_id, plan.study)
        results = Results([ledger], readable_plans_only=True)
        trusted = print_answer(results, plan.study, console)
    except Exception as error:  # the sweep has done its work, whatever becomes of the answer
        console.print(f"There is no answer: {_why(error)}", soft_wrap=True)
        return True
    written = None
    try:
        written = write_into_store(results, plan.study, store, uri) if report else None
    except Exception as error:  # likewise
        console.print(f"There is no report: {_why(error)}", soft_wrap=True)
    if written is not None:
        print_verdicts(written.verdicts, console)
        console.print(f"Report: {written.page}", soft_wrap=True)
    return trusted and (written is None or written.trusted)


def _why(error: Exception) -> str:
    """What kept results from being shown, in one sentence."""
    if isinstance(error, SweepError):
        return str(error)
    text = redacted(" ".join(str(error).split()))
    return f"{type(error).__name__}: {text}; every result is in the store, and `sweep report` tries again"


def _print_next(console: Console, store: str, plan: Plan, uri: str | None, runs: list[str]) -> None:
    where = _place(store)
    # The output of a submitted sweep is read on another machine.
    console.print("Look further, where the sweep ran:" if os.environ.get(RESUME) else "Look further:")
    losses = (
        "select dataset, network, architecture, depth, avg(val_loss) as val_loss from trials group by all order by all"
    )
    pairs = (
        f"select {', '.join([*_varying(plan), 'sequential', 'parallel', 'ratio'])} from pairs "
        "order by abs(ln(ratio)) desc limit 10"
    )
    measured = (
        "select network, architecture, measurement, size, metric, avg(value) as value "
        "from measurements join trials using (trial_id) where measurements.epoch is null group by all order by all"
    )
    for query in (losses, measured if any(trial.measures for trial in plan.trials) else pairs):
        console.print(f"  {shlex.join(['sweep', 'query', *where, query])}", soft_wrap=True)
    if Ledger(store).files.local is None:
        console.print(f"  {shlex.join(['sweep', 'report', *where])}", soft_wrap=True)
    if uri is not None and uri.startswith(("http://", "https://")):
        console.print(f"  MLflow: {redacted(uri)}", soft_wrap=True)
    elif uri is not None:
        console.print(f"  {shlex.join(['sweep', 'ui', *runs])}", soft_wrap=True)


def _varying(plan: Plan) -> list[str]:
    """The factors in which the pairs of a plan differ."""
    return [name for name, values in plan.levels.items() if len(values) > 1 and name not in ARRANGEMENT]


def _place(store: str, tracking: str | None = None) -> list[str]:
    """The arguments that name a store, and the place of its runs if that is another."""
    named = [] if store == DEFAULT_STORE else ["--store", redacted(store)]
    return [*named, *([] if tracking is None else ["--tracking", redacted(tracking)])]
