"""``sweep run``: trains what is missing of a study, and prints the answer."""

import os
import shlex
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.console import Console

from sweep.cli.display import make_display
from sweep.cli.options import ALL_TRIALS, DEFAULT_STORE, Flag, PlanOptions, Store, Tracking
from sweep.cli.report import write_if_new
from sweep.data import load
from sweep.engine import find_engine
from sweep.errors import SweepError
from sweep.ledger import Ledger
from sweep.pack import PACK_SIZE
from sweep.plan import Plan
from sweep.redaction import redacted
from sweep.schedule import ExecutorOptions, Outcome, RunOptions, missing_trials, run_sweep
from sweep.tracking import tracking_uri

if TYPE_CHECKING:
    from analysis import Results
    from analysis.report import Written


def run(
    study: str,
    /,
    *,
    store: Store = DEFAULT_STORE,
    options: PlanOptions = ALL_TRIALS,
    tracking: Tracking = None,
    track: bool = True,
    executor: str = "ray",
    address: str | None = None,
    workers: int | None = None,
    device: str | None = None,
    pack_size: int = PACK_SIZE,
    retry_failed: Flag = False,
    save_seconds: float = 60.0,
    report: bool = True,
    engine: Annotated[str, Parameter(show=False)] = "torch",
) -> int:
    """Train what is missing of a study; the same command again goes on where it ended.

    Exit codes: 0 all done, 1 some trials failed, 2 wrong usage or input, 130 interrupted.

    Parameters
    ----------
    study
        A built-in study (grid, quick, lesion, paths, droppath, lesion-quick, ...), or a YAML or TOML file of its form.
    track
        Keep an MLflow run for every trial.
    executor
        ray: Ray Tune, on this machine or a cluster; local: one pack after another in this process.
    address
        Ray cluster to join; by default one is started on this machine for the sweep.
    workers
        Packs trained at once on this machine (ray), or CPU threads (local); by default one a processor.
    device
        cpu, cuda, or with the local executor cuda:N; by default a GPU where there is one.
    pack_size
        Trials trained together at most.
    retry_failed
        Train trials again whose only row is a failure.
    save_seconds
        Time between checkpoints of a training, taken at the end of an epoch; a run that is cut off goes on from them.
    report
        Write the report at the end, as `sweep report` does, if there are new results.
    """
    plan = options.plan(study)
    if workers is not None and workers < 1:
        raise SweepError(f"--workers is {workers}, but takes an integer of at least 1")
    _check_device(device, executor)
    find_engine(engine)
    if not save_seconds >= 0:
        raise SweepError(f"--save-seconds is {save_seconds:g}, but takes a number of at least 0")
    resources = ExecutorOptions(engine, device, workers, address, os.environ.get("SWEEP_DATA"), save_seconds)
    how = RunOptions(executor, pack_size, retry_failed, resources=resources)
    ledger = Ledger.create(store)
    if track:
        how = replace(how, tracking=tracking_uri(ledger, tracking))
    if engine == "torch":
        _fetch_images(missing_trials(plan, ledger, retry_failed))
    with make_display() as display:
        outcome = run_sweep(plan, ledger, how, display)
    return _conclude(plan, outcome, store, how.tracking, report, _place(store, tracking))


def _check_device(device: str | None, executor: str) -> None:
    kind, _, number = (device or "cpu").partition(":")
    if kind not in ("cpu", "cuda") or (number and not (kind == "cuda" and number.isdecimal())):
        raise SweepError(f"--device is {device!r}, but takes cpu, cuda or, with --executor local, cuda:N")
    if number and executor == "ray":
        raise SweepError(f"--device is {device!r}, but Ray chooses among the GPUs; take cuda")


def _fetch_images(missing: Plan) -> None:
    """Have the images here before workers ask for them, all at once."""
    for name in sorted({trial.dataset for trial in missing.trials}):
        load(name, log=lambda line: print(line, file=sys.stderr, flush=True))


def _conclude(plan: Plan, outcome: Outcome, store: str, uri: str | None, report: bool, runs: str) -> int:
    # A store's name or a constraint may hold brackets.
    console = Console(highlight=False, markup=False)
    status = outcome.status
    console.print(
        f"{plan.study}: {outcome.planned} trials planned, {status['finished']} finished, "
        f"{status['diverged']} diverged, {status['failed']} failed, {outcome.missing} missing."
    )
    if outcome.tracking_fault and uri is not None:
        console.print(
            f"MLflow at {redacted(uri)} lacks some runs ({outcome.tracking_fault}); no result is lost, "
            f"`sweep track {runs}` writes them.",
            soft_wrap=True,
        )
    if outcome.interrupted or outcome.missing:
        console.print(f"Interrupted; go on with: {shlex.join(['sweep', *map(redacted, sys.argv[1:])])}")
        return 130
    trusted = _answer(plan, store, uri, report, console) if status["finished"] else True
    _print_next(console, store, plan, uri, runs)
    return 1 if status["failed"] or not trusted else 0


def _answer(plan: Plan, store: str, uri: str | None, report: bool, console: Console) -> bool:
    """Print the answer and write the report; whether the controls hold."""
    import analysis
    from sweep.cli.answer import print_answer, print_verdicts

    results = analysis.open(store)
    control = print_answer(results, plan, console)
    written = _report(results, plan.study, store, uri, console) if report else None
    if written is None:
        return not control.failed
    print_verdicts(written.verdicts, console)
    console.print(f"Report: {written.page}", soft_wrap=True)
    return written.trusted and not control.failed


def _report(results: "Results", study: str, store: str, uri: str | None, console: Console) -> "Written | None":
    try:
        return write_if_new(results, study, store, uri)
    except SweepError as error:
        # Everything is trained and kept; a report can be had at any time.
        console.print(f"There is no report: {error}", soft_wrap=True)
        return None


def _print_next(console: Console, store: str, plan: Plan, uri: str | None, runs: str) -> None:
    where = _place(store)
    console.print("Look further:")
    columns = "dataset, network, architecture, depth"
    queries = [f"select {columns}, avg(val_loss) as val_loss from trials group by all order by all"]
    if any(trial.measures for trial in plan.trials):
        queries.append(
            "select network, architecture, measurement, size, metric, avg(value) as value "
            "from measurements join trials using (trial_id) group by all order by all"
        )
    else:
        queries.append("select * from pairs order by abs(difference) desc limit 10")
    for query in queries:
        console.print(f'  sweep query {where} "{query}"', soft_wrap=True)
    if uri is not None and uri.startswith(("http://", "https://")):
        console.print(f"  MLflow: {redacted(uri)}", soft_wrap=True)
    elif uri is not None:
        console.print(f"  sweep ui {runs}", soft_wrap=True)


def _place(store: str, tracking: str | None = None) -> str:
    """The arguments that name a store, and its runs where these are elsewhere."""
    named = [] if store == DEFAULT_STORE else ["--store", redacted(store)]
    return shlex.join([*named, *([] if tracking is None else ["--tracking", redacted(tracking)])])
