"""The answer on matched pairs as lines for a terminal, from the numbers and in the words of the page."""

from collections.abc import Iterator

from analysis.formats import NAMES, dataset_name, typed
from analysis.questions.equivalence.assessment import Assessment
from analysis.questions.equivalence.control import Controls
from analysis.questions.equivalence.findings import Findings
from analysis.questions.equivalence.tables import size
from analysis.questions.equivalence.wording import confidence, headline, reasons
from analysis.report.words import plain, sentence, signed

HEADS = ("data set", "metric", "parallel / sequential", "interval", "verdict")


def rows(findings: Findings) -> list[tuple[str, ...]]:
    """One row per data set and metric, under `HEADS`."""
    return [
        (typed(dataset_name(name)), NAMES[metric], *_numbers(answer.by_dataset[name]))
        for name in findings.answer.by_dataset
        for metric, answer in findings.answers.items()
        if name in answer.by_dataset
    ]


def notes(findings: Findings) -> Iterator[str]:
    """The headline, what qualifies it, the margin, and the control, a sentence each."""
    judged = {typed(dataset_name(name)): each for name, each in findings.answer.by_dataset.items()}
    if not findings.controls.failed:
        yield typed(headline(findings.answer))
        yield from (f"* {' and '.join(names)}: {reason}." for reason, names in reasons(judged))
    counts = [
        f"{each.counts.complete} of {each.counts.pairs} in {each.configurations} "
        f"configuration{'s' * (each.configurations != 1)} on {name}"
        for name, each in judged.items()
    ]
    intervals = f"Intervals of {confidence(findings.answer)}, of these networks on new seeds."
    if not any(each.has_interval for each in judged.values()):
        intervals = "No interval without a second seed."
    yield f"Margin declared: {findings.question.margins}. {intervals} Complete pairs: {'; '.join(counts)}."
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
    ratio = assessment.scale == "ratio"
    estimate, _, interval = (plain() if ratio else signed(4))(size(assessment)).partition(" ")
    verdict = f"{assessment.words}{'*' if assessment.caveats else ''}" if ratio else "(difference)"
    return estimate, interval or "none", verdict
