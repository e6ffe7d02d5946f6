"""``sweep plan``: what would run, and what it would cost."""

import json as json_module
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from sweep.cli.display import duration
from sweep.cli.options import ALL_TRIALS, DEFAULT_STORE, Flag, PlanOptions, Store
from sweep.cost import CostModel
from sweep.engine import Setting
from sweep.ledger import Ledger
from sweep.pack import PACK_SIZE, Pack
from sweep.plan import Plan
from sweep.schedule.work import best_device, cpu_count
from sweep.trial import FACTORS


@dataclass(frozen=True)
class PlanSummary:
    """A plan in figures; FLOPs count training and validation, the backward pass as two forward ones."""

    study: str
    sweep_id: str
    trials: int
    done: int
    packs: int
    networks: int
    fewest_parameters: int
    most_parameters: int
    flops: float
    device: str
    workers: int
    estimated_seconds: float
    estimated_seconds_left: float
    margins: dict[str, float]


def plan(
    study: str,
    /,
    *,
    store: Store = DEFAULT_STORE,
    options: PlanOptions = ALL_TRIALS,
    calibrate: bool = True,
    pack_size: int = PACK_SIZE,
    trials: Flag = False,
    json: Flag = False,
) -> None:
    """Show what would run, what it costs on this machine, and how much of it is done.

    Parameters
    ----------
    study
        A built-in study (grid, quick, lesion, paths, droppath, lesion-quick, ...), or a YAML or TOML file of its form.
    calibrate
        Train a few networks for some ten seconds to measure this machine, rather than trust a rough model.
    pack_size
        Trials trained together at most.
    trials
        List every trial.
    json
        Print JSON.
    """
    chosen = options.plan(study)
    summary = summarise(chosen, _done(store), pack_size, calibrate)
    listed = [{"trial_id": trial.trial_id, **trial.as_dict()} for trial in chosen.trials] if trials else None
    if json:
        print(json_module.dumps(asdict(summary) | ({"list": listed} if listed is not None else {}), indent=1))
        return
    console = Console(highlight=False)
    for row in listed or ():
        console.print(" ".join(f"{name}={value}" for name, value in row.items()), soft_wrap=True)
    console.print(_factor_table(chosen))
    _print_summary(console, summary, calibrate)
    console.print(f"margins     {chosen.margins}")


def summarise(plan: Plan, done: set[str], pack_size: int, calibrated: bool) -> PlanSummary:
    """The plan's figures; measures this machine if `calibrated`."""
    packs = plan.packs(pack_size)
    device = best_device() if calibrated else "cpu"
    workers = cpu_count() if device == "cpu" else 1
    model = _measure(packs, Setting(device, 1 if device == "cpu" else cpu_count())) if calibrated else CostModel()
    shapes = {trial.shape for trial in plan.trials}
    sizes = [shape.parameters for shape in shapes]
    missing = plan.without(done).packs(pack_size)
    return PlanSummary(
        study=plan.study,
        sweep_id=plan.sweep_id,
        trials=len(plan),
        done=len(plan) - sum(len(pack) for pack in missing),
        packs=len(packs),
        networks=len(shapes),
        fewest_parameters=min(sizes),
        most_parameters=max(sizes),
        flops=sum(pack.flops for pack in packs),
        device=device,
        workers=workers,
        estimated_seconds=makespan(packs, model, workers),
        estimated_seconds_left=makespan(missing, model, workers),
        margins=plan.margins.as_dict(),
    )


def makespan(packs: list[Pack], model: CostModel, workers: int) -> float:
    """Seconds until the last of the workers is done: at least an equal share, and the longest pack."""
    costs = [model.seconds(pack.trials) for pack in packs]
    return max(sum(costs) / workers, *costs) if costs else 0.0


def _measure(packs: list[Pack], setting: Setting) -> CostModel:
    # SciPy and torch take seconds to import, which no other command needs to wait for.
    from sweep.calibration import calibrate

    return calibrate(packs, setting)


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


def _print_summary(console: Console, summary: PlanSummary, calibrated: bool) -> None:
    basis = "calibrated" if calibrated else "by the default model, not measured here"
    console.print(f"trials      {summary.trials}, of which {summary.done} done ({_percent(summary)})")
    console.print(f"packs       {summary.packs} of {summary.networks} network shapes")
    console.print(f"parameters  {summary.fewest_parameters:,} to {summary.most_parameters:,} a network")
    console.print(f"arithmetic  {summary.flops:.3g} FLOPs")
    where = f"{summary.workers} workers on {summary.device}"
    console.print(
        f"time        about {duration(summary.estimated_seconds)} in all, {duration(summary.estimated_seconds_left)} "
        f"left, with {where} ({basis})"
    )


def _percent(summary: PlanSummary) -> str:
    return f"{100 * summary.done / summary.trials:.0f} %"
