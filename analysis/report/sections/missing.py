"""What is not there: diverged, failed and missing trials, and the control."""

import math

from analysis.assessment import Assessment, OnScale, WorstCase, in_words
from analysis.formats import NAMES, number, p_value
from analysis.report.document import Block, Callout, Prose, Section, Table
from analysis.report.findings import LOSSES, Findings
from analysis.report.pictures import Picture
from analysis.report.words import columns, dataset_name, signed, span

_FAR = math.log(1000)


def section(findings: Findings, pictures: dict[str, Picture]) -> Section:
    """Counts, McNemar, worst case."""
    states = findings.states
    blocks: list[Block] = [
        Prose(
            f"Of {states['planned']} planned trials {states['finished']} finished, {states['diverged']} diverged, "
            f"{states['failed']} failed and {states['missing']} are missing. Estimates are over pairs of which both "
            "sides finished."
        )
    ]
    parts = {"all": findings.overall, **(findings.by_dataset if len(findings.by_dataset) > 1 else {})}
    blocks.append(
        Table(
            columns(
                "data",
                "pairs",
                "complete",
                "diverged",
                "failed",
                "missing",
                "sequential only",
                "parallel only",
                "p",
                "p, pairs alone",
            ),
            [_counts(dataset_name(name), by_metric["val_loss"]) for name, by_metric in parts.items()],
            "Pairs deeper than one block",
            "*Diverged* counts pairs with a diverged side; of these, how many on one side only. Does one diverge more "
            "often? *p* is exact over configurations. McNemar's exact test of *pairs alone* takes them as independent, "
            "which seeds of one configuration are not.",
        )
    )
    blocks += _worst_cases(findings)
    return Section("missing", "What diverged, failed or is missing", blocks)


def _counts(name: str, assessment: Assessment) -> list[str]:
    counts, divergence = assessment.counts, assessment.divergence
    return [
        name,
        str(counts.pairs),
        str(counts.complete),
        str(counts.diverged),
        str(counts.failed),
        str(counts.missing),
        str(divergence.sequential_only),
        str(divergence.parallel_only),
        p_value(divergence.p_exact),
        p_value(assessment.divergence_by_pair.p_exact),
    ]


def _worst_cases(findings: Findings) -> list[Block]:
    rows: list[list[str]] = []
    for metric in LOSSES:
        scale = findings.overall[metric].ratio
        if scale is not None and scale.worst_case.incomplete:
            rows += _worst_case(NAMES[metric], scale, scale.worst_case)
    if not rows:
        return [Prose("Every pair is complete, so nothing could be hidden.")]
    return [
        Table(
            columns("metric", "<incomplete pairs filled", "ratio [90 %]", "<verdict", "tipping point"),
            rows,
            "Worst case: pairs without a contrast filled with the largest ratio seen, and at least a factor of two",
            "*Tipping point*: the ratio that all of these pairs would need in common for the interval to leave the "
            "margin.",
        )
    ]


def _worst_case(name: str, scale: OnScale, worst: WorstCase) -> list[list[str]]:
    tipping = worst.tipping
    room = tipping.above > 0.0 and tipping.below < 0.0
    ends = (
        ("against parallel", worst.against, worst.verdict_against, _tipping(tipping.above) if room else "not inside"),
        ("for parallel", worst.for_parallel, worst.verdict_for, _tipping(tipping.below) if room else "not inside"),
    )
    return [
        [name, f"{worst.incomplete}, {direction}", span(scale, tost.estimate, tost.interval), in_words(verdict), tips]
        for direction, tost, verdict, tips in ends
    ]


def _tipping(value: float) -> str:
    """A ratio from its logarithm, as far as anybody would tell ratios apart."""
    if not math.isfinite(value):
        return number(None)
    if abs(value) > _FAR:
        return f"> {math.exp(_FAR):.0f}" if value > 0 else f"< 1/{math.exp(_FAR):.0f}"
    return number(math.exp(value), 2)


def control(findings: Findings, pictures: dict[str, Picture]) -> Section:
    """The depth-1 control."""
    found = findings.controls
    text = "At depth 1 both architectures are one function, trained from the same weights on the same batches. "
    if found.failed:
        block = Callout(
            "bad",
            f"{text}*The control fails*: {found.different} of {found.pairs} pairs differ by more than rounding (at "
            f"most {signed(found.worst, 6)} relative), {found.one_sided} have one diverged side. Something but the "
            "architecture differs between the sides; no number on this page is to be trusted.",
        )
    elif not found.pairs:
        block = Callout("warning", f"{text}This study has no depth-1 pairs, so there is no control.")
    else:
        rounded = f", {found.rounded} differ by rounding (at most {found.worst:.1g} relative)" if found.rounded else ""
        block = Callout(
            "good",
            f"{text}{found.identical} of {found.pairs} pairs are identical bit for bit{rounded}. They are in no "
            "estimate.",
        )
    return Section("control", "The control", [block])
