"""The plain answer that a sweep prints at its end."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from analysis import Results
from analysis.questions.equivalence.control import controls
from analysis.questions.equivalence.findings import find_shown
from analysis.questions.equivalence.terminal import HEADS, control_notes, notes, rows
from sweep.cli.report import verdict_line

_UNLIMITED = 1000
_LEFT = ("data set", "metric", "verdict")


def print_answer(results: Results, study: str, console: Console) -> bool:
    """Print how parallel compares with sequential in a study, and the control; whether the results may be trusted.

    The numbers and words are those of the report. Prints the control alone where the report leaves the question out,
    and nothing for a study without pairs.
    """
    findings = find_shown(results, study)
    if findings is None:
        control = controls({metric: results.pairs(metric, study) for metric in ("val_loss", "train_loss")})
        for note in control_notes(control):
            console.print(note, soft_wrap=True)
        return not control.failed
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in HEADS:
        table.add_column(name, justify="left" if name in _LEFT else "right", no_wrap=True)
    for row in rows(findings):
        table.add_row(*row)
    console.print("\nParallel against sequential, in matched pairs deeper than one block, seeds averaged:")
    # In a narrow window, or a file, rich would cut the last words off.
    needed = console.measure(table, options=console.options.update(width=_UNLIMITED)).maximum
    wide = Console(file=console.file, width=max(console.width, needed), highlight=False, markup=False)
    wide.print(table, crop=False)
    for note in notes(findings):
        console.print(note, soft_wrap=True)
    return not findings.controls.failed


def print_verdicts(verdicts: Mapping[str, str], console: Console) -> None:
    """Print the answers of a report's other parts."""
    for name, verdict in verdicts.items():
        if name != "equivalence":
            console.print(verdict_line(name, verdict), soft_wrap=True)
