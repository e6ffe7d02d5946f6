"""How a kind of network declares a factor of its own."""

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
) -> T:
    """A dataclass field with a default, what the factor may be, and what it means.

    `choices` are the values a name may take, `low` and `high` the bounds of a number (included). `stands_for` says
    what the default stands for, where it is not a value of its own. They are kept in the field's metadata, under
    ``"factor"``.
    """
    options = {"choices": choices, "low": low, "high": high, "meaning": meaning, "stands_for": stands_for}
    return field(default=default, metadata={"factor": options})
