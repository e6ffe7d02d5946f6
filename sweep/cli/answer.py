"""The plain answer that a sweep prints at its end."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table

import analysis
from sweep.plan import Plan

_METRICS = ("val_loss", "train_loss", "val_accuracy")


def print_answer(store: str, plan: Plan, console: Console) -> None:
    """Mean differences over a plan's matched pairs with their intervals, and the control."""
    results = analysis.open(store)
    planned = pa.array([trial.trial_id for trial in plan.trials])
    both = pc.field("sequential_id").isin(planned) & pc.field("parallel_id").isin(planned)
    pairs = {metric: results.pairs(metric).filter(both) for metric in _METRICS}
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("data set", "metric", "sequential", "parallel", "difference", "95 % interval"):
        table.add_column(name, justify="left" if name in ("data set", "metric") else "right", no_wrap=True)
    counts: list[str] = []
    for dataset in pairs["val_loss"]["dataset"].unique().to_pylist():
        for metric in _METRICS:
            answer = analysis.compare(pairs[metric].filter(pc.field("dataset") == dataset))
            if answer.pairs:
                table.add_row(dataset, metric, *_figures(answer))
            if metric == "val_loss":
                counts.append(_count(dataset, answer))
    if table.row_count:
        console.print("\nParallel minus sequential, in matched pairs deeper than one block, seeds averaged:")
        console.print(table)
        console.print(f"Pairs: {'; '.join(counts)}.")
    _print_control(list(pairs.values()), console)


def _figures(answer: analysis.Comparison) -> Sequence[str]:
    return (
        f"{answer.sequential:.4f}",
        f"{answer.parallel:.4f}",
        f"{answer.difference:+.4f}",
        f"[{answer.low:+.4f}, {answer.high:+.4f}]",
    )


def _count(dataset: str, answer: analysis.Comparison) -> str:
    text = f"{dataset} {answer.pairs} of {answer.configurations} configurations"
    return text + (f", {answer.incomplete} left out because a side diverged or failed" if answer.incomplete else "")


def _print_control(metrics: list[pa.Table], console: Console) -> None:
    control = analysis.controls(*metrics)
    if not control.pairs:
        return
    if control.identical == control.pairs:
        verdict = "as they must be."
    elif control.identical + control.rounded == control.pairs:
        verdict = f"{control.rounded} differ by rounding, as sides trained in different packs may."
    else:
        verdict = "and others differ: THE CONTROL FAILS, do not trust these results."
    console.print(f"Control: {control.identical} of {control.pairs} depth-1 pairs are identical, {verdict}")
