"""Equivalence margins, which a study declares before anyone looks at its results."""

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sweep.errors import SweepError, unknown_name
from sweep.numerals import read_number
from sweep.shown import shown

_MOST = {"ratio": 10.0}
_FORMER = ("seed_noise",)
"""Margins that earlier versions judged by. Stores may hold them, and nothing uses them."""


@dataclass(frozen=True)
class Margins:
    """How far apart two equivalent architectures may be. Raises SweepError for an invalid margin."""

    ratio: float = 0.10
    """For the ratio of losses: 0.10 means from 1/1.1 to 1.1; and for the share of what a network learns."""

    def __post_init__(self) -> None:
        for name, value in dict(vars(self)).items():
            number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
            if not 0 < number <= _MOST[name]:
                raise SweepError(f"margin {name} is {shown(value)}, but takes a number above 0, up to {_MOST[name]:g}")
            object.__setattr__(self, name, float(number))

    def override(self, values: Mapping[Any, Any]) -> "Margins":
        """The same margins with some replaced. Raises SweepError for an unknown name."""
        for name in values:
            if name in _FORMER:
                raise SweepError(f"margin {name} judges nothing any more; leave it out")
            if name not in _MOST:
                raise unknown_name("margin", str(name), _MOST)
        return replace(self, **values)

    @classmethod
    def kept(cls, values: Mapping[str, Any]) -> "Margins":
        """The margins that a store holds. Raises SweepError for one that this program does not know."""
        return cls().override({name: value for name, value in values.items() if name not in _FORMER})

    def as_dict(self) -> dict[str, float]:
        """The margins by name."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{100 * self.ratio:g} % of the loss, and of what is learned"


def declaration_time(text: str) -> dt.datetime:
    """When margins were declared, from ISO 8601. Raises ValueError for any other text, and without a time zone."""
    time = dt.datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone")
    return time


def parse_margin(text: str) -> dict[str, float]:
    """Name and value of an option such as ``ratio=0.05``. Raises SweepError for any other text."""
    name, _, value = text.partition("=")
    try:
        return {name.strip(): float(read_number(value))}
    except (ValueError, OverflowError):
        raise SweepError(f"a margin is NAME=NUMBER such as ratio=0.05, not {shown(text)}", "margin") from None
