"""What is not there: diverged, failed and missing trials, and the control."""

from analysis.report.document import Block, Callout, Prose, Section, Table

from analysis.equivalence.statistic import as_ratio
from analysis.formats import p_value
from analysis.questions.equivalence.assessment import Assessment
from analysis.questions.equivalence.findings import Findings
from analysis.questions.equivalence.pictures import Picture
from analysis.report.words import columns, dataset_name, sentence, size


def section(findings: Findings, pictures: dict[str, Picture]) -> Section:
    """Counts, McNemar, failed sides at chance."""
    states = findings.states
    blocks: list[Block] = [
        Prose(
            f"Of {states['planned']} planned trials {states['finished']} finished, {states['diverged']} diverged, "
            f"{states['failed']} failed and {states['missing']} are missing. A diverged network counts with the loss "
            "of guessing; pairs of which both sides diverged are left out."
        ),
        Table(
            columns(
                "data set",
                "pairs",
                "complete",
                "diverged",
                "failed",
                "missing",
                "sequential only",
                "parallel only",
                "p",
                "ratio [interval]",
                "failed at chance",
            ),
            [_row(dataset_name(name), each) for name, each in findings.answer.by_dataset.items()],
            "Pairs deeper than one block",
            "*Diverged* counts pairs with a diverged side; of these, how many on one side only. Does one side diverge "
            "more often? *p* is exact over configurations. *Failed at chance*: the ratio if every side that failed had "
            "learned nothing.",
        ),
    ]
    return Section("missing", "What diverged, failed or is missing", blocks)


def _row(name: str, each: Assessment) -> list[str]:
    counts, divergence = each.counts, each.divergence
    worst = each.failed_as_chance
    return [
        name,
        *map(str, (counts.pairs, counts.complete, counts.diverged, counts.failed, counts.missing)),
        str(divergence.sequential_only),
        str(divergence.parallel_only),
        p_value(divergence.p_exact),
        size(each),
        as_ratio(worst.estimate, worst.interval(1 - 2 * each.alpha)) if counts.failed else "none failed",
    ]


def control(findings: Findings, pictures: dict[str, Picture]) -> Section:
    """The depth-1 control, identical pairs, and whether seeds are independent."""
    found = findings.controls
    text = "At depth 1 both architectures are one function, trained from the same weights on the same batches. "
    blocks: list[Block] = [Callout("bad", sentence(reason)) for reason in found.reasons]
    if not found.pairs and not found.unknown:
        blocks.append(Callout("warning", f"{text}This study has no depth-1 pairs, so there is no control."))
    elif found.pairs and not (found.different or found.one_sided):
        rounded = f", {found.rounded} differ by rounding (at most {found.worst:.1g} relative)" if found.rounded else ""
        unknown = f" {found.unknown} have no value on both sides." if found.unknown else ""
        blocks.append(
            Callout(
                "good",
                f"{text}{found.identical} of {found.pairs} pairs are identical bit for bit{rounded}. They are in no "
                f"estimate.{unknown}",
            )
        )
    if found.deep_identical and not found.failed:
        blocks.append(
            Callout(
                "warning",
                f"{found.deep_identical} of {found.deep} pairs deeper than one block are identical bit for bit. Their "
                "blocks do nothing, as where every activation is dead.",
            )
        )
    return Section("control", "The controls", [*blocks, _seeds(findings)])


def _seeds(findings: Findings) -> Table:
    rows = [
        [
            dataset_name(name),
            "shared by all configurations" if each.crossed else "drawn anew in each configuration",
            str(each.seeds),
            p_value(each.seed_effect.p),
        ]
        for name, each in findings.answer.by_dataset.items()
    ]
    return Table(
        columns("data set", "<seeds", "seeds", "p of a seed effect"),
        rows,
        "Does a seed shift all configurations alike?",
        "An F test of seeds against their interaction with configurations, on log ratios of validation losses. Seeds "
        "that are drawn anew have no effect of their own: a small p there says that draws are not independent.",
    )
