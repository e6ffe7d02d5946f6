"""Could these networks have shown a difference at all?"""

from analysis.report.document import Block, Prose, Section, Table

from analysis.equivalence import Mean
from analysis.equivalence.statistic import as_ratio
from analysis.formats import NAMES, number, percent
from analysis.questions.equivalence.assessment import ALPHA, Assessment
from analysis.questions.equivalence.findings import LOSSES, Findings
from analysis.questions.equivalence.pictures import Picture
from analysis.report.words import columns, dataset_name


def section(findings: Findings, pictures: dict[str, Picture]) -> Section:
    """What both sides learn, and whether depth helps."""
    rows = [
        _row(dataset_name(name), NAMES[metric], each)
        for metric in LOSSES
        for name, each in findings.answers[metric].by_dataset.items()
    ]
    blocks: list[Block] = [
        Prose(
            "Networks that learn nothing are all alike, and so are deep and shallow networks where depth does not "
            "help. So a verdict of equivalence is plain only where both sides learn, and deep sequential networks are "
            "better than one block of the same width."
        ),
        Table(
            columns(
                "data set",
                "<metric",
                "guessing",
                "learned, sequential [90 %]",
                "learned, parallel [90 %]",
                "parallel learns less by [90 %]",
                "deep / one block [90 %]",
                "<depth helps",
            ),
            rows,
            "What the networks learn, and what depth does",
            "*Guessing* is the loss of guessing, the logarithm of the number of classes; *learned* is that less the "
            "loss. *Parallel learns less* is the difference in loss as a share of what sequential networks learned, "
            "and has to lie inside the margin as well. *Deep / one block* is the geometric mean ratio of the deep "
            "sequential loss to that of one block of the same width.",
        ),
        _accuracies(findings),
    ]
    return Section("assay", "Could a difference have been seen?", blocks)


def _row(data: str, metric: str, each: Assessment) -> list[str]:
    found, learned = each.assay, each.learned
    if found is None:
        return [data, metric, *[number(None)] * 5, "not known"]
    share = number(None)
    if learned is not None:
        share = f"{percent(learned.share)} [{percent(learned.interval.low)}, {percent(learned.interval.high)}]"
    helps = "not known"
    if found.compared:
        helps = "yes" if found.depth_helps(ALPHA) else "not shown"
    return [
        data,
        metric,
        number(found.chance),
        _difference(found.sequential),
        _difference(found.parallel),
        share,
        as_ratio(found.depth.estimate, found.depth.interval(0.90)),
        helps,
    ]


def _difference(mean: Mean) -> str:
    interval = mean.interval(0.90)
    return f"{number(mean.estimate)} [{number(interval.low)}, {number(interval.high)}]"


def _accuracies(findings: Findings) -> Table:
    sample = findings.samples["val_accuracy"]
    rows: list[list[str]] = []
    for name in findings.answer.by_dataset:
        chosen = sample.complete & (sample.columns["dataset"] == name)
        for side, values in (("sequential", sample.sequential), ("parallel", sample.parallel)):
            if chosen.any():
                of = values[chosen]
                rows.append(
                    [dataset_name(name), side, *(percent(float(each)) for each in (of.min(), of.mean(), of.max()))]
                )
    return Table(
        columns("data set", "<networks", "lowest", "mean", "highest"), rows, "Validation accuracy of complete pairs"
    )
