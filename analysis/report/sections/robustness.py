"""Would another statistic say the same? Agreement, noise, and what else the loss varies with."""

from analysis.assessment import Assessment
from analysis.equivalence import table_rows
from analysis.formats import NAMES, number, p_value, percent
from analysis.report.document import Block, Details, Section, Table
from analysis.report.findings import LOSSES, Findings
from analysis.report.pictures import Picture
from analysis.report.words import columns, dataset_name, figure


def section(findings: Findings, pictures: dict[str, Picture]) -> Section:
    """Every other statistic of the same question."""
    blocks: list[Block] = [_table(findings.overall, "over all configurations")]
    if len(findings.by_dataset) > 1:
        tables = [_table(each, f"on {dataset_name(name)} alone") for name, each in findings.by_dataset.items()]
        blocks.append(Details("The same by data set", tables))
    blocks += [
        *figure(pictures.get("agreement")),
        *figure(pictures.get("variance")),
    ]
    for name, parts in findings.variance.items():
        terms = [
            [
                term.name.replace(":", " \N{MULTIPLICATION SIGN} ").replace("_", " "),
                percent(term.share, 2),
                str(term.degrees_of_freedom),
                number(term.f, 2),
                p_value(term.p),
            ]
            for term in parts.terms
        ]
        table = Table(columns("source", "share", "degrees of freedom", "F", "p"), terms)
        blocks.append(Details(f"Variance of log validation loss by source: {name}", [table]))
    return Section("robustness", "Would another statistic say the same?", blocks)


def _table(by_metric: dict[str, Assessment], over: str) -> Table:
    scales = {metric: scale for metric in LOSSES if (scale := by_metric[metric].ratio) is not None}
    rows = [[row.label, *(row.text(scale.statistics[name]) for scale in scales.values())] for name, row in table_rows()]
    return Table(
        columns("statistic", *(f"<{NAMES[metric]}" for metric in scales)),
        [*rows, ["margin, log ratio", *(number(scale.margin, 4) for scale in scales.values())]],
        f"Ratio parallel / sequential by other statistics, {over}",
    )
