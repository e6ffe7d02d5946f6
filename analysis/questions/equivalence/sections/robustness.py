"""Would another statistic say the same?"""

from analysis.report.document import Block, Section, Table

from analysis.equivalence import table_rows
from analysis.formats import NAMES, number
from analysis.questions.equivalence.findings import LOSSES, Findings
from analysis.questions.equivalence.pictures import Picture
from analysis.report.words import columns, dataset_name


def section(findings: Findings, pictures: dict[str, Picture]) -> Section:
    """Further statistics of the same contrasts."""
    found = {
        f"{dataset_name(name)}, {NAMES[metric]}": each
        for metric in LOSSES
        for name, each in findings.answers[metric].by_dataset.items()
    }
    rows = [[row.label, *(row.text(each.statistics[name]) for each in found.values())] for name, row in table_rows()]
    model = ["hierarchical model, mean [90 %]"]
    for each in found.values():
        interval = each.inside.mean_interval
        model.append(f"{number(each.inside.mean)} [{number(interval.low)}, {number(interval.high)}]")
    blocks: list[Block] = [
        Table(
            columns("statistic", *(f"<{name}" for name in found)),
            [*rows, model, ["margin, log ratio", *(number(each.margin, 4) for each in found.values())]],
            "Other statistics of the ratio parallel / sequential, of networks like these",
            "All but the last two rows take one value per configuration, the mean of its log ratios over seeds. The "
            "model's mean is a log ratio of this grid.",
        )
    ]
    return Section("robustness", "Would another statistic say the same?", blocks)
