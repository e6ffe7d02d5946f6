"""How they train, and what they cost."""

from typing import Any

from analysis.report.document import Block, Section, Table

from analysis.formats import number
from analysis.questions.equivalence.findings import Findings
from analysis.questions.equivalence.pictures import Picture
from analysis.report.words import columns, dataset_name, figure


def curves(findings: Findings, pictures: dict[str, Picture]) -> Section | None:
    """Learning curves."""
    drawn = figure(pictures.get("learning-curves"))
    return Section("learning-curves", "Learning curves", drawn) if drawn else None


def cost(findings: Findings, pictures: dict[str, Picture]) -> Section | None:
    """Is parallel faster, as claimed?"""
    rows = findings.cost.to_pylist()
    if not rows:
        return None
    table = Table(
        columns("data set", "<device", "depth", "pairs", "sequential, s", "parallel, s", "ratio", "quartiles", "FLOPs"),
        [_row(row) for row in rows],
        "Training time by depth: medians over matched pairs",
        "*Ratio* is parallel / sequential seconds; below 1 parallel is faster. Both do the same arithmetic, so only "
        "the order of the work differs: parallel blocks can be computed at once. Networks share a machine while they "
        "train, so single times are noisy; depth 1, where both are one network, shows by how much.",
    )
    blocks: list[Block] = [*figure(pictures.get("cost")), table]
    return Section("cost", "Is parallel faster?", blocks)


def _row(row: dict[str, Any]) -> list[str]:
    return [
        dataset_name(row["dataset"]),
        row["device"],
        str(row["depth"]),
        str(row["pairs"]),
        number(row["sequential_seconds"], 2),
        number(row["parallel_seconds"], 2),
        number(row["seconds_ratio"], 2),
        f"{number(row['low'], 2)} to {number(row['high'], 2)}",
        number(row["flops_ratio"], 2),
    ]
