"""Declares the factors of kinds of network, methods and measures."""

import math
from dataclasses import field
from typing import TypeVar

T = TypeVar("T")


def factor(
    default: T,
    *,
    choices: tuple[str, ...] = (),
    low: float = -math.inf,
    high: float = math.inf,
    meaning: str = "",
    stands_for: object = None,
    formerly: object = None,
) -> T:
    """A dataclass field that declares a factor: its default, its allowed values and its meaning.

    `choices` are the values of a name, `low` and `high` the inclusive bounds of a number. If the default only stands
    for another value, `stands_for` is that value. If results made before the factor existed have another value than the
    default, `formerly` is that value. The field's metadata holds all this under ``"factor"``.
    """
    options = {"choices": choices, "low": low, "high": high, "meaning": meaning}
    options |= {"stands_for": stands_for, "formerly": formerly}
    return field(default=default, metadata={"factor": options})
