"""What a further statistic of contrasts is: a name, a function of them, and how a table shows it.

A new one is a module with its function and a `Statistic`, and one line in `registry`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from analysis.equivalence.contrast import Contrasts

Result = TypeVar("Result")


@dataclass(frozen=True)
class Statistic(Generic[Result]):
    """A statistic of contrasts of log losses, given the margin as a log ratio.

    `name` stands for the result in an assessment and in the numbers that are written. Results are dataclasses or
    floats. `rows` of the table of further statistics are labels, each with the text of a result on the scale of ratios;
    without any it is in the numbers alone.
    """

    name: str
    compute: Callable[[Contrasts, float], Result]
    rows: Mapping[str, Callable[[Result], str]] = field(default_factory=dict)


def exp(value: float) -> float:
    """The exponential; infinite where it overflows, NaN of NaN."""
    return math.inf if value > 700 else math.exp(value)
