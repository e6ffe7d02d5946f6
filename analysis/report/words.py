"""Numbers and verdicts as a reader sees them."""

import math

from analysis.assessment import AHEAD, INSIDE, Answer, Assessment, in_words
from analysis.equivalence import Interval, Verdict
from analysis.equivalence.statistic import as_ratio
from analysis.formats import DASH, percent
from analysis.report.document import Column, FigureBlock, Tone
from analysis.report.pictures import Picture

DATASETS = {"mnist": "MNIST", "cifar10": "CIFAR\N{NON-BREAKING HYPHEN}10"}

HELD, BROKEN = ({in_words(verdict) for verdict in verdicts} for verdicts in (INSIDE, AHEAD))
"""Verdicts of strata, in words: equivalent, and a side ahead without that."""


def dataset_name(name: str) -> str:
    """A data set's name as it is written."""
    return DATASETS.get(name, name)


def factor_name(name: str) -> str:
    """A factor's name as it is written."""
    return {"dataset": "data set"}.get(name, name.replace("_", " "))


def unbroken(label: str) -> str:
    """A label that is broken behind commas alone."""
    kept = label.replace(" ", "\N{NO-BREAK SPACE}").replace("-", "\N{NON-BREAKING HYPHEN}")
    return kept.replace(",\N{NO-BREAK SPACE}", ", ")


def contrast_verdict(contrast: str, verdict: Verdict) -> str:
    """A verdict on a contrast of two other architectures, the first of them in the place of parallel."""
    first, _, second = contrast.partition(",")[0].partition("/")
    return verdict.words(first, second)


def signed(value: float, digits: int = 4) -> str:
    """A number with its sign, or a dash."""
    return f"{value:+.{digits}f}" if math.isfinite(value) else DASH


def size(assessment: Assessment) -> str:
    """The estimate for this grid with the interval that the verdict is at: a ratio, or a difference."""
    return span(assessment, assessment.grid.estimate, assessment.interval)


def wider(assessment: Assessment) -> str:
    """The interval for other networks like these."""
    return span(assessment, assessment.networks.estimate, assessment.networks.interval(1 - 2 * assessment.alpha))


def span(assessment: Assessment, estimate: float, interval: Interval) -> str:
    """An estimate and an interval on an assessment's scale, a log ratio shown as the ratio."""
    if assessment.scale == "ratio":
        return as_ratio(estimate, interval)
    return f"{signed(estimate)} [{signed(interval.low)}, {signed(interval.high)}]"


def confidence(assessment: Assessment) -> str:
    """The confidence of an assessment's intervals, such as ``92 %``."""
    return percent(1 - 2 * assessment.alpha, 0 if assessment.look == 1 else 1)


def tone(answer: Answer) -> Tone:
    """The colour of an answer: good only where nothing qualifies it."""
    if answer.verdict in INSIDE:
        return "good" if answer.plain else "warning"
    return "info" if all(each.verdict is Verdict.UNDECIDED for each in answer.by_dataset.values()) else "warning"


def sentence(text: str) -> str:
    """A clause as a sentence."""
    return f"{text[:1].upper()}{text[1:]}."


def margin_words(answer: Answer) -> str:
    """The ratio margin as an interval of ratios."""
    ratio = 1 + next(iter(answer.by_dataset.values())).margins.ratio
    return f"{1 / ratio:.3f} to {ratio:.3f}"


def columns(*heads: str) -> list[Column]:
    """Table columns, the first to the left and the others to the right; a head that begins with < is to the left."""
    return [
        Column(head.removeprefix("<"), "left" if not place or head.startswith("<") else "right")
        for place, head in enumerate(heads)
    ]


def figure(picture: Picture | None) -> list[FigureBlock]:
    """The picture as a block, if it was drawn."""
    if picture is None:
        return []
    png = f"figures/{picture.name}.png"
    return [FigureBlock(picture.drawn.svg, picture.alt, picture.caption, png)]
