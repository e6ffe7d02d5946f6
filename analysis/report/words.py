"""Numbers and verdicts as a reader sees them."""

import math

from analysis.assessment import Assessment, OnScale
from analysis.equivalence import Interval, Verdict
from analysis.formats import DASH
from analysis.report.document import Column, FigureBlock, Tone
from analysis.report.pictures import Picture

DATASETS = {"mnist": "MNIST", "cifar10": "CIFAR\N{NON-BREAKING HYPHEN}10"}

TONES: dict[Verdict, Tone] = {
    Verdict.EQUIVALENT: "good",
    Verdict.DIFFERENT_INSIDE: "good",
    Verdict.PARALLEL_BETTER: "warning",
    Verdict.SEQUENTIAL_BETTER: "warning",
    Verdict.UNDECIDED: "info",
}


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
    named = {Verdict.PARALLEL_BETTER: f"{first} better", Verdict.SEQUENTIAL_BETTER: f"{second} better"}
    return named.get(verdict, verdict.value)


def number(value: float | None, digits: int = 3) -> str:
    """A number with so many decimals, or a dash."""
    return DASH if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def signed(value: float, digits: int = 4) -> str:
    """A number with its sign, or a dash."""
    return f"{value:+.{digits}f}" if math.isfinite(value) else DASH


def percent(value: float, digits: int = 1) -> str:
    """A share as a percentage, or a dash."""
    return f"{100 * value:.{digits}f} %" if math.isfinite(value) else DASH


def size(scale: OnScale) -> str:
    """The estimate with its 90 % interval: a ratio, or a difference."""
    return span(scale, scale.tost.estimate, scale.tost.interval)


def span(scale: OnScale, estimate: float, interval: Interval) -> str:
    """An estimate and an interval on a scale, a log ratio shown as the ratio."""
    low, high = interval.low, interval.high
    if scale.scale == "ratio":
        return f"{number(_exp(estimate))} [{number(_exp(low))}, {number(_exp(high))}]"
    return f"{signed(estimate)} [{signed(low)}, {signed(high)}]"


def _exp(value: float) -> float:
    # Of what overflows there is nothing to say but that it is large.
    return math.exp(min(value, 700.0)) if math.isfinite(value) else math.nan


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
