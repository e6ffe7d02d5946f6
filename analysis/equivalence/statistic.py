"""What a further statistic of contrasts is: a name, a function of them, and how a table shows it.

A new one is a module with its function and a `Statistic`, and one line in `registry`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from analysis.equivalence.contrast import Contrasts

Result = TypeVar("Result")


@dataclass(frozen=True)
class Row(Generic[Result]):
    """A row of the table of further statistics: its label, and the text of a result on the scale of ratios."""

    label: str
    text: Callable[[Result], str]


@dataclass(frozen=True)
class Statistic(Generic[Result]):
    """A statistic of contrasts of log losses, given the margin as a log ratio.

    `name` stands for the result in an assessment and in the numbers that are written. Results are dataclasses or
    floats. Without `rows` it is in the numbers alone.
    """

    name: str
    compute: Callable[[Contrasts, float], Result]
    rows: tuple[Row[Result], ...] = ()


def exp(value: float) -> float:
    """The exponential; infinite where it overflows, NaN of NaN."""
    return math.inf if value > 700 else math.exp(value)
