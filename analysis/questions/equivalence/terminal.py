"""The answer on matched pairs as lines for a terminal, from the numbers and in the words of the page."""

from collections.abc import Iterator

from analysis.equivalence.statistic import exp
from analysis.formats import DASH
from analysis.questions.equivalence.assessment import Assessment
from analysis.questions.equivalence.control import Controls
from analysis.questions.equivalence.findings import Findings
from analysis.questions.equivalence.wording import confidence, headline, reasons
from analysis.report.words import sentence, signed

HEADS = ("data set", "metric", "parallel / sequential", "interval", "verdict")


def rows(findings: Findings) -> list[tuple[str, ...]]:
    """One row per data set and metric, under `HEADS`."""
    return [
        (name, metric, *_numbers(answer.by_dataset[name]))
        for name in findings.answer.by_dataset
        for metric, answer in findings.answers.items()
        if name in answer.by_dataset
    ]


def notes(findings: Findings) -> Iterator[str]:
    """The headline, what qualifies it, the margin, and the control, a sentence each."""
    judged = findings.answer.by_dataset
    if not findings.controls.failed:
        # Terminals seldom have a hyphen that does not break.
        yield headline(findings.answer).replace("\N{NON-BREAKING HYPHEN}", "-")
        yield from (f"* {' and '.join(names)}: {reason}." for reason, names in reasons(judged))
    counts = [
        f"{each.counts.complete} of {each.counts.pairs} in {each.configurations} "
        f"configuration{'s' * (each.configurations != 1)} on {name}"
        for name, each in judged.items()
    ]
    yield (
        f"Margin declared: {findings.question.margins}. Intervals of {confidence(findings.answer)}, of these networks "
        f"on new seeds. Complete pairs: {'; '.join(counts)}."
    )
    yield from control_notes(findings.controls)


def control_notes(controls: Controls) -> Iterator[str]:
    """What the control says."""
    yield from (f"{sentence(reason)} Do not trust these results." for reason in controls.reasons)
    if controls.failed or not controls.pairs:
        return
    how = "as they must be"
    if controls.identical < controls.pairs:
        how = f"{controls.rounded} differ by rounding, as sides trained in different packs may"
    yield f"Control: {controls.identical} of {controls.pairs} depth-1 pairs are identical, {how}."


def _numbers(assessment: Assessment) -> tuple[str, str, str]:
    values = (assessment.grid.estimate, assessment.interval.low, assessment.interval.high)
    if assessment.scale == "ratio":
        estimate, low, high = (f"{exp(value):.3f}" if value == value else DASH for value in values)
        return estimate, f"[{low}, {high}]", f"{assessment.words}{'*' if assessment.caveats else ''}"
    estimate, low, high = map(signed(4), values)
    return estimate, f"[{low}, {high}]", "(difference)"
