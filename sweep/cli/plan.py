"""``sweep plan``: what would run, and what it would cost."""

import json as json_module
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from sweep.calibration import Workers, calibrate
from sweep.cli.display import counted, duration
from sweep.cli.options import ALL_TRIALS, DEFAULT_STORE, Flag, PlanOptions, Store, Study
from sweep.errors import SweepError
from sweep.ledger import Ledger
from sweep.pack import PACK_SIZE, Pack
from sweep.plan import Plan
from sweep.result import Setting
from sweep.schedule.work import cpu_count
from sweep.trial import FACTORS


@dataclass(frozen=True)
class PlanSummary:
    """A plan in figures. FLOPs count training and validation, the backward pass as two forward ones.

    The estimated seconds are those of `workers` processors, each training one pack at a time, `calibrated` on one of
    them or by a default model.
    """

    study: str
    sweep_id: str
    trials: int
    done: int
    packs: int
    networks: int
    fewest_parameters: int
    most_parameters: int
    flops: float
    workers: int
    calibrated: bool
    calibration_fault: str | None
    estimated_seconds: float
    estimated_seconds_left: float
    margins: dict[str, float]


def plan(
    study: Study,
    /,
    *,
    store: Store = DEFAULT_STORE,
    options: PlanOptions = ALL_TRIALS,
    address: str | None = None,
    cpus: int | None = None,
    calibrate: bool = True,
    pack_size: int = PACK_SIZE,
    trials: Flag = False,
    json: Flag = False,
) -> None:
    """Show what would run, what it costs on the processors of this machine or a cluster, and how much of it is done.

    Parameters
    ----------
    address
        Ray cluster to plan for, as HEAD:6379: its processors are counted, and one of its workers is measured.
    cpus
        Processors to plan for; by default those of this machine. GPUs are not measured, so no time is given for them.
    calibrate
        Train a few networks for some ten seconds to measure this machine, or the cluster's, rather than trust a rough
        model.
    pack_size
        Trials trained together at most.
    trials
        List every trial.
    json
        Print JSON.
    """
    chosen = options.plan(study)
    workers = _workers(chosen.packs(pack_size), calibrate, address, cpus)
    summary = summarise(chosen, _done(store), pack_size, workers)
    listed = [{"trial_id": trial.trial_id, **trial.as_dict()} for trial in chosen.trials] if trials else None
    if json:
        print(json_module.dumps(asdict(summary) | ({"list": listed} if listed is not None else {}), indent=1))
        return
    console = Console(highlight=False)
    for row in listed or ():
        console.print(" ".join(f"{name}={value}" for name, value in row.items()), soft_wrap=True)
    console.print(_factor_table(chosen))
    _print_summary(console, summary)
    console.print(f"margins     {chosen.margins}")


def summarise(plan: Plan, done: set[str], pack_size: int, workers: Workers) -> PlanSummary:
    """The plan's figures on these workers."""
    packs, missing = plan.packs(pack_size), plan.without(done).packs(pack_size)
    shapes = [trial.shape for trial in plan.trials]
    sizes = [shape.parameters for shape in shapes]
    return PlanSummary(
        study=plan.study,
        sweep_id=plan.sweep_id,
        trials=len(plan),
        done=len(plan) - sum(len(pack) for pack in missing),
        packs=len(packs),
        networks=len({(shape.input_shape, shape.block_shapes(), shape.stages, shape.parameters) for shape in shapes}),
        fewest_parameters=min(sizes),
        most_parameters=max(sizes),
        flops=sum(pack.flops for pack in packs),
        workers=workers.count,
        calibrated=workers.calibrated,
        calibration_fault=workers.fault,
        estimated_seconds=workers.seconds(packs),
        estimated_seconds_left=workers.seconds(missing),
        margins=plan.margins.as_dict(),
    )


def _workers(packs: Sequence[Pack], calibrated: bool, address: str | None, cpus: int | None) -> Workers:
    """The processors to plan for, measured if `calibrated`. Raises SweepError for options that cannot be met."""
    if address is not None:
        if cpus is not None:
            raise SweepError("--address counts the processors of a cluster; leave --cpus out")
        # Ray takes seconds to import.
        from sweep.schedule.probe import survey_cluster

        return survey_cluster(address, packs, calibrated, os.environ.get("SWEEP_DATA"))
    if cpus is not None and cpus < 1:
        raise SweepError(f"--cpus is {cpus}, but takes an integer of at least 1")
    count = cpus or cpu_count()
    return Workers(count, calibrate(packs, Setting()), calibrated=True) if calibrated else Workers(count)


def _done(store: str) -> set[str]:
    ledger = Ledger(store)
    if ledger.files.read("store.json") is None:
        return set()
    return set(Ledger.open(store).contents.status)


def _factor_table(plan: Plan) -> Table:
    table = Table(title=f"{plan.study}: {len(plan)} trials", title_justify="left")
    table.add_column("factor")
    table.add_column("levels")
    rows = [trial.as_dict() for trial in plan.trials]
    for name in FACTORS:
        levels = sorted({row[name] for row in rows})
        if name != "study":
            table.add_row(name, " ".join(f"{level:g}" if isinstance(level, float) else str(level) for level in levels))
    return table


def _print_summary(console: Console, summary: PlanSummary) -> None:
    console.print(f"trials      {summary.trials}, of which {summary.done} done ({_percent(summary)})")
    console.print(f"packs       {summary.packs} of {summary.networks} network shapes")
    console.print(f"parameters  {summary.fewest_parameters:,} to {summary.most_parameters:,} a network")
    console.print(f"arithmetic  {summary.flops:.3g} FLOPs")
    basis = "calibrated" if summary.calibrated else "by the default model, not measured here"
    console.print(
        f"time        about {duration(summary.estimated_seconds)} in all, {duration(summary.estimated_seconds_left)} "
        f"left, with {counted(summary.workers, 'worker')} on CPUs ({basis}); GPUs are not measured"
    )
    if summary.calibration_fault is not None:
        console.print(f"no worker could be measured: {summary.calibration_fault}", markup=False)


def _percent(summary: PlanSummary) -> str:
    return f"{100 * summary.done / summary.trials:.0f} %"
