"""The plain answer that a sweep prints at its end."""

import math
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table

from analysis import Results
from analysis.assessment import Assessment, assess, withdrawn
from analysis.control import Controls, controls
from analysis.declared import declared
from analysis.formats import DASH
from sweep.plan import Plan

_METRICS = ("val_loss", "train_loss", "val_accuracy")
_WIDTH = 104
_LEFT = ("data set", "metric", "verdict")


def print_answer(results: Results, plan: Plan, console: Console) -> Controls:
    """Print how parallel compares with sequential over a plan's matched pairs, and the control, which it returns.

    Prints nothing for a plan without pairs.
    """
    planned = pa.array([trial.trial_id for trial in plan.trials])
    both = pc.field("sequential_id").isin(planned) & pc.field("parallel_id").isin(planned)
    pairs = {metric: results.pairs(metric).filter(both) for metric in _METRICS}
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("data set", "metric", "parallel / sequential", "90 % interval", "verdict"):
        table.add_column(name, justify="left" if name in _LEFT else "right", no_wrap=True)
    counts: list[str] = []
    margins = declared(results, plan.study).margins
    control = controls({metric: pairs[metric] for metric in _METRICS if metric.endswith("loss")})
    for dataset in pairs["val_loss"]["dataset"].unique().to_pylist():
        found = {
            metric: assess(rows.filter(pc.field("dataset") == dataset), metric, margins)
            for metric, rows in pairs.items()
        }
        for metric, assessment in found.items():
            if assessment.counts.pairs:
                table.add_row(dataset, metric, *_numbers(withdrawn(assessment) if control.failed else assessment))
        if found["val_loss"].counts.pairs:
            counts.append(_count(dataset, found["val_loss"]))
    if table.row_count:
        console.print("\nParallel against sequential, in matched pairs deeper than one block, seeds averaged:")
        # In a narrow window, or a file, rich would cut the last words off.
        wide = Console(file=console.file, width=max(console.width, _WIDTH), highlight=False, markup=False)
        wide.print(table, crop=False)
        console.print(f"Margins declared: {margins}. Pairs: {'; '.join(counts)}.")
    _print_control(control, console)
    return control


def print_verdicts(verdicts: Mapping[str, str], console: Console) -> None:
    """Print the answers of a report's other parts."""
    for name, verdict in verdicts.items():
        if name != "equivalence":
            console.print(f"{name.capitalize()}: {verdict.rstrip('.')}.", soft_wrap=True)


def _numbers(assessment: Assessment) -> tuple[str, str, str]:
    tost, ratio = assessment.main.tost, assessment.ratio is not None
    values = (tost.estimate, tost.interval.low, tost.interval.high)
    estimate, low, high = (_number(math.exp(value), "") if ratio else _number(value, "+") for value in values)
    return estimate, f"[{low}, {high}]", assessment.words if ratio else "(difference)"


def _number(value: float, sign: str) -> str:
    return f"{value:{sign}.4f}" if math.isfinite(value) else DASH


def _count(dataset: str, assessment: Assessment) -> str:
    counts = assessment.counts
    text = f"{dataset} {counts.complete} in {assessment.configurations} configurations"
    incomplete = counts.pairs - counts.complete
    return text + (f", {incomplete} incomplete because a side diverged, failed or is missing" if incomplete else "")


def _print_control(control: Controls, console: Console) -> None:
    if not control.pairs:
        return
    if control.failed:
        verdict = "and others differ: THE CONTROL FAILS, do not trust these results."
    elif control.identical == control.pairs:
        verdict = "as they must be."
    else:
        verdict = f"{control.rounded} differ by rounding, as sides trained in different packs may."
    console.print(f"Control: {control.identical} of {control.pairs} depth-1 pairs are identical, {verdict}")
