"""The paper, side by side."""

from typing import Any

from analysis.report.document import Block, Callout, Prose, Section, Table, Tone

from analysis.formats import number
from analysis.questions.equivalence.findings import Findings
from analysis.questions.equivalence.paper import Outcome
from analysis.questions.equivalence.pictures import Picture
from analysis.questions.equivalence.published import SOURCE
from analysis.report.words import columns, dataset_name, figure

_TONES: dict[Outcome, Tone] = {
    Outcome.HOLDS: "good",
    Outcome.IN_PART: "warning",
    Outcome.CONTRADICTED: "bad",
    Outcome.OPEN: "info",
}


def section(findings: Findings, pictures: dict[str, Picture]) -> Section:
    """Claims, Table 2, and what differs."""
    blocks: list[Block] = [Prose(f"Source: {SOURCE}.")]
    for claim in findings.claims:
        blocks.append(
            Callout(_TONES[claim.outcome], f"*{claim.claim}* Here it {claim.outcome.value}: {claim.because}.")
        )
    blocks += figure(pictures.get("by-q"))
    rows = findings.table_2.to_pylist()
    blocks.append(
        Table(
            columns(
                "data set",
                "<Q",
                "<loss",
                "paper: sequential",
                "paper: parallel",
                "paper: ratio",
                "here: sequential",
                "here: parallel",
                "here: ratio",
                "n",
            ),
            [_row(row) for row in rows],
            "Mean losses by determination ratio Q, published and ours",
            "*n* counts our configurations. The paper gives no spread, so its cells cannot be tested. Our means are "
            "arithmetic, over complete pairs deeper than one block, each configuration weighing alike.",
        )
    )
    blocks.append(Prose(_differences(findings)))
    return Section("paper", "The paper, side by side", blocks)


def _row(row: dict[str, Any]) -> list[str]:
    return [
        dataset_name(row["dataset"]),
        row["Q"].replace("inf", "∞").replace(" ", "\N{NO-BREAK SPACE}"),
        row["metric"],
        *(number(row[f"paper_{name}"], 5) for name in ("sequential", "parallel")),
        number(row["paper_ratio"], 2),
        *(number(row[name], 5) for name in ("sequential", "parallel")),
        number(row["ratio"], 2),
        str(row["configurations"]),
    ]


def _differences(findings: Findings) -> str:
    grid = (
        "The paper has 6912 combinations, whose factor levels are not published; this study has "
        f"{findings.states['planned']} trials of a reconstruction. So the cells hold other networks than the paper's, "
        "even at the same budget. Q, training samples times outputs over parameters, is the authors' definition as "
        "others report it. Initialisation and schedule are not published either. What is compared are the authors' "
        "habits of 2022 (KDIR)."
    )
    if not findings.differences_in_budget:
        return f"{grid}\n\nData and training follow them."
    listed = "\n".join(f"- {text}" for text in findings.differences_in_budget)
    return f"{grid}\n\nData and training differ from them:\n\n{listed}"
