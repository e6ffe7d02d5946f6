"""What a statistic of matched pairs is: a name, a function of a sample's contrasts, and how a table shows it.

A new one is a module with its function and a `Statistic`, and one line in `registry`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, auto
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from analysis.equivalence.inputs import Codes, Vector
from analysis.equivalence.student import Interval
from analysis.formats import number

if TYPE_CHECKING:
    from analysis.equivalence.scaled import SeedNoise

Result = TypeVar("Result")


@dataclass(frozen=True)
class Contrasts:
    """One sample on one scale: parallel - sequential, of natural logarithms (``ratio``) or as they are.

    `values` and `configuration` have one entry a complete pair; `means`, (configurations,), are over the seeds of each
    configuration, and so are `sequential` and `parallel`, of either side. `signs` and `signs_configuration`, of pairs,
    know those too of which one side alone diverged, and are below zero where parallel is better. `margin` is in the
    unit of the values and symmetric, NaN where none is known; `noise` is that of the seeds, and `multiple` how much of
    it the other margin allows.
    """

    scale: Literal["ratio", "difference"]
    values: Vector
    configuration: Codes
    means: Vector
    sequential: Vector
    parallel: Vector
    signs: Vector
    signs_configuration: Codes
    margin: float
    noise: "SeedNoise"
    multiple: float
    lower_is_better: bool


class Question(IntEnum):
    """What a row of the table answers. Rows of one question stand together, in this order."""

    SIZE = auto()
    EQUIVALENCE = auto()
    NONINFERIORITY = auto()
    DIFFERENCE = auto()
    STANDARDISED_SIZE = auto()
    SEEDS = auto()
    AGREEMENT = auto()
    SPREAD = auto()


@dataclass(frozen=True)
class Row(Generic[Result]):
    """A row of the table of other statistics: its label, and the text of a result on the scale of ratios."""

    question: Question
    label: str
    text: Callable[[Result], str]


@dataclass(frozen=True)
class Statistic(Generic[Result]):
    """A statistic of a sample on one scale.

    `name` stands for the result in an assessment and in the numbers that are written. Results are dataclasses or
    floats. Without `rows` it is in the numbers alone.
    """

    name: str
    compute: Callable[[Contrasts], Result]
    rows: tuple[Row[Result], ...] = ()


def ends(interval: Interval, digits: int = 3) -> str:
    """An interval in brackets, each end a number or a dash."""
    return f"[{number(interval.low, digits)}, {number(interval.high, digits)}]"


def as_ratio(estimate: float, interval: Interval) -> str:
    """A log ratio and its interval as the ratio."""
    return f"{number(_exp(estimate))} {ends(Interval(_exp(interval.low), _exp(interval.high), interval.confidence))}"


def _exp(value: float) -> float:
    # Of what overflows there is nothing to say but that it is large.
    return math.exp(min(value, 700.0)) if math.isfinite(value) else math.nan
