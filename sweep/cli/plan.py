"""``sweep plan``: what would run, and what it would cost."""

import json as json_module
from dataclasses import asdict, dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from sweep.cli.devices import THIS_MACHINE, DeviceOptions
from sweep.cli.display import counted, duration
from sweep.cli.options import ALL_TRIALS, DEFAULT_STORE, Flag, PlanOptions, Store
from sweep.ledger import Ledger
from sweep.pack import PACK_SIZE
from sweep.plan import Plan
from sweep.schedule.forecast import KindForecast, forecast
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
    devices: tuple[KindForecast, ...]
    gpu_memory_bytes: float | None
    cpus_for_gpus: int
    remarks: tuple[str, ...]


def plan(
    study: str,
    /,
    *,
    store: Store = DEFAULT_STORE,
    options: PlanOptions = ALL_TRIALS,
    devices: DeviceOptions = THIS_MACHINE,
    calibrate: bool = True,
    pack_size: int = PACK_SIZE,
    trials: Flag = False,
    json: Flag = False,
) -> None:
    """Show what would run, what it costs on this machine or a cluster, and how much of it is done.

    Parameters
    ----------
    study
        A built-in study (grid, quick, lesion, paths, droppath, lesion-quick, ...), or a YAML or TOML file of its form.
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
    summary = summarise(chosen, _done(store), pack_size, calibrate, devices)
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


def summarise(
    plan: Plan, done: set[str], pack_size: int, calibrated: bool, devices: DeviceOptions = THIS_MACHINE
) -> PlanSummary:
    """The plan's figures on the devices, which are measured if `calibrated`."""
    packs = plan.packs(pack_size)
    survey = devices.survey(packs, calibrated)
    whole = forecast(packs, survey)
    shapes = [trial.shape for trial in plan.trials]
    sizes = [shape.parameters for shape in shapes]
    missing = plan.without(done).packs(pack_size)
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
        device="cuda" if survey.devices.gpus else "cpu",
        workers=survey.devices.gpus or survey.devices.cpus,
        estimated_seconds=whole.seconds,
        estimated_seconds_left=forecast(missing, survey).seconds,
        margins=plan.margins.as_dict(),
        devices=whole.kinds,
        gpu_memory_bytes=survey.devices.gpu_bytes if survey.devices.gpus else None,
        cpus_for_gpus=whole.cpus_for_gpus,
        remarks=survey.remarks,
    )


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


def _device_table(summary: PlanSummary) -> Table:
    table = Table(title="packs by kind of device", title_justify="left", box=SIMPLE_HEAD)
    for column in ("devices", "packs", "trials", "each takes", "estimated", ""):
        table.add_column(column, overflow="fold")
    for each in summary.devices:
        shares = "\n".join(f"{counted(count, 'pack')} at {share} GPU" for share, count in each.shares.items())
        table.add_row(
            counted(each.devices, each.kind.upper()),
            str(each.packs),
            str(each.trials),
            shares or ("1 CPU" if each.packs else ""),
            duration(each.estimated_seconds) if each.packs else "",
            "calibrated" if each.measured else "not measured",
        )
    return table


def _basis(kind: KindForecast) -> str:
    if kind.measured:
        return "calibrated"
    return "GPUs by a rule, not measured" if kind.kind == "gpu" else "by the default model, not measured here"


def _print_summary(console: Console, summary: PlanSummary) -> None:
    console.print(_device_table(summary))
    console.print(f"trials      {summary.trials}, of which {summary.done} done ({_percent(summary)})")
    console.print(f"packs       {summary.packs} of {summary.networks} network shapes")
    console.print(f"parameters  {summary.fewest_parameters:,} to {summary.most_parameters:,} a network")
    console.print(f"arithmetic  {summary.flops:.3g} FLOPs")
    used = [each for each in summary.devices if each.packs] or summary.devices
    where = " and ".join(counted(each.devices, each.kind.upper()) for each in used)
    if [each.kind for each in summary.devices] == ["cpu"]:
        where = f"{counted(summary.workers, 'worker')} on cpu"
    basis = "; ".join(dict.fromkeys(_basis(each) for each in used))
    console.print(
        f"time        about {duration(summary.estimated_seconds)} in all, {duration(summary.estimated_seconds_left)} "
        f"left, with {where} ({basis})"
    )
    for remark in summary.remarks:
        console.print(remark, markup=False)
    cpus = sum(each.devices for each in summary.devices if each.kind == "cpu")
    if summary.cpus_for_gpus > cpus:
        console.print(
            f"The processors are too few for the GPUs: each pack on a GPU takes one, {summary.cpus_for_gpus} would "
            f"keep them busy, and there {'is' if cpus == 1 else 'are'} {cpus}."
        )
    if summary.device == "cuda" and summary.gpu_memory_bytes is None:
        console.print(
            "The memory of the GPUs is not known: each pack takes a whole one. --gpu-memory GB lets them share."
        )


def _percent(summary: PlanSummary) -> str:
    return f"{100 * summary.done / summary.trials:.0f} %"
