"""``sweep plan``: shows what would run and what it would cost."""

import json as json_module
import os
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from sweep.calibration import Workers, calibrate
from sweep.cli.display import counted, duration
from sweep.cli.options import DEFAULT_STORE, Flag, Store
from sweep.cli.plan_options import ALL_TRIALS, PlanOptions, Study
from sweep.cli.showable import HEADS, showable, showable_rows
from sweep.engine.kernels import fault, kernels_said, shares
from sweep.errors import SweepError
from sweep.factors import Value
from sweep.ledger import Ledger
from sweep.pack import PACK_SIZE, Pack
from sweep.planning import Plan
from sweep.result import Setting
from sweep.schedule.processors import cpu_count
from sweep.trial import FACTORS


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
    noise: float | None = None,
    trials: Flag = False,
    json: Flag = False,
) -> None:
    """Show what would run, its cost on the processors of this machine or a cluster, and how much of it is done.

    Parameters
    ----------
    address
        Ray cluster to plan for, as HEAD:6379: counts its processors and measures one of its workers.
    cpus
        Processors to plan for; by default those of this machine. There are no estimates for GPUs.
    calibrate
        Train a few networks for about ten seconds to measure a processor, rather than trust a rough model.
    pack_size
        Largest number of trials to train together.
    noise
        Standard deviation of log loss ratios among seeds, such as 0.05, for what the plan can show; by default that of
        the store's results.
    trials
        List every trial.
    json
        Print JSON.
    """
    chosen = options.plan(study)
    workers = _workers(chosen.packs(pack_size), calibrate, address, cpus)
    numbers = _numbers(chosen, _done(store), pack_size, workers)
    shown = showable(chosen, store, noise)
    listed = [{"trial_id": trial.trial_id, **trial.as_dict()} for trial in chosen.trials] if trials else []
    if json:
        extra = {"can_show": shown} | ({"list": listed} if trials else {})
        # The analysis takes a while to import.
        from analysis.plain import plain

        print(json_module.dumps(plain(numbers | extra), indent=1, allow_nan=False))
        return
    console = Console(highlight=False)
    for row in listed:
        console.print(" ".join(f"{name}={value}" for name, value in row.items()), soft_wrap=True)
    _print_factors(console, chosen)
    _print_numbers(console, numbers)
    console.print(f"margins     {chosen.margins}")
    if shown:
        title = f"power to show equivalence within {100 * chosen.margins.ratio:g} % where there is no difference"
        table = Table(*HEADS, title=title, title_justify="left")
        for row in showable_rows(shown):
            table.add_row(*row)
        console.print(table)


def _numbers(plan: Plan, done: set[str], pack_size: int, workers: Workers) -> dict[str, Any]:
    """The plan in numbers. FLOPs count training and validation, with a backward pass as two forward passes.

    The estimated seconds are for `workers` processors that each train one pack at a time, `calibrated` on one of them
    or by a default model.
    """
    packs, missing = plan.packs(pack_size), plan.without(done).packs(pack_size)
    shapes = [trial.shape for trial in plan.trials]
    sizes = [shape.parameters for shape in shapes]
    return {
        "study": plan.study,
        "sweep_id": plan.sweep_id,
        "trials": len(plan),
        "done": len(plan) - sum(len(pack) for pack in missing),
        "packs": len(packs),
        "networks": len({(each.input_shape, each.block_shapes(), each.stages, each.parameters) for each in shapes}),
        "fewest_parameters": min(sizes),
        "most_parameters": max(sizes),
        "flops": sum(pack.flops for pack in packs),
        "kernels": dict(shares(plan.trials, "cpu", Setting.kernel).most_common()),
        "kernel_fault": fault(),
        "workers": workers.count,
        "calibrated": workers.calibrated,
        "calibration_fault": workers.fault,
        "estimated_seconds": workers.seconds(packs),
        "estimated_seconds_left": workers.seconds(missing),
        "margins": plan.margins.as_dict(),
    }


def _workers(packs: Sequence[Pack], calibrated: bool, address: str | None, cpus: int | None) -> Workers:
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


def _print_factors(console: Console, plan: Plan) -> None:
    """The levels of what varies, as a table, and what is constant, in a sentence."""
    levels = plan.levels
    table = Table("factor", "levels", title=f"{plan.study}: {counted(len(plan), 'trial')}", title_justify="left")
    for name, values in levels.items():
        if len(values) > 1:
            table.add_row(name, " ".join(map(_level, values)))
    constant = [
        f"{name} {_level(values[0])}"
        for name, values in levels.items()
        if len(values) == 1 and values[0] != FACTORS[name].default
    ]
    if table.rows:
        console.print(table)
    else:
        console.print(table.title)
    said = "; all else is at its default" if len(constant) < len(levels) - len(table.rows) else ""
    console.print(f"constant    {', '.join(constant) or 'nothing but defaults'}{said}", markup=False)


def _level(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _print_numbers(console: Console, numbers: dict[str, Any]) -> None:
    trials, done = numbers["trials"], numbers["done"]
    console.print(f"trials      {trials}, of which {done} done ({100 * done / trials:.0f} %)")
    console.print(f"packs       {numbers['packs']} of {numbers['networks']} network shapes")
    console.print(f"parameters  {numbers['fewest_parameters']:,} to {numbers['most_parameters']:,} per network")
    console.print(f"arithmetic  {numbers['flops']:.3g} FLOPs")
    console.print(f"kernels     {kernels_said(numbers['kernels'], numbers['kernel_fault'])}", markup=False)
    whole, left = duration(numbers["estimated_seconds"]), duration(numbers["estimated_seconds_left"])
    basis = "calibrated" if numbers["calibrated"] else "by the default model, not measured here"
    workers = counted(numbers["workers"], "worker")
    console.print(
        f"time        about {whole} in all, {left} left, with {workers} on CPUs ({basis}); GPUs are not measured"
    )
    if numbers["calibration_fault"] is not None:
        console.print(f"no worker could be measured: {numbers['calibration_fault']}", markup=False)
