"""Numbers and verdicts as a reader sees them."""

import math

from analysis.assessment import AHEAD, INSIDE, Assessment, OnScale, in_words
from analysis.equivalence import Interval, Verdict
from analysis.equivalence.statistic import as_ratio
from analysis.formats import DASH
from analysis.report.document import Column, FigureBlock, Tone
from analysis.report.pictures import Picture

DATASETS = {"mnist": "MNIST", "cifar10": "CIFAR\N{NON-BREAKING HYPHEN}10"}

TONES: dict[Verdict, Tone] = {
    Verdict.EQUIVALENT: "good",
    Verdict.DIFFERENT_INSIDE: "good",
    Verdict.FIRST_BETTER: "warning",
    Verdict.SECOND_BETTER: "warning",
    Verdict.UNDECIDED: "info",
}
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


def size(scale: OnScale) -> str:
    """The estimate with its 90 % interval: a ratio, or a difference."""
    return span(scale, scale.tost.estimate, scale.tost.interval)


def span(scale: OnScale, estimate: float, interval: Interval) -> str:
    """An estimate and an interval on a scale, a log ratio shown as the ratio."""
    if scale.scale == "ratio":
        return as_ratio(estimate, interval)
    return f"{signed(estimate)} [{signed(interval.low)}, {signed(interval.high)}]"


def margin_words(assessment: Assessment) -> str:
    """The ratio margin as an interval of ratios."""
    ratio = 1 + assessment.margins.ratio
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
