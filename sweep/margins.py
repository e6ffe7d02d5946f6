"""Equivalence margins, declared with a study before its results are looked at."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sweep.errors import SweepError
from sweep.factors import unknown_name

_MOST = {"ratio": 10.0, "seed_noise": 100.0}


@dataclass(frozen=True)
class Margins:
    """How far apart two architectures may be and count as equivalent. Raises SweepError for a margin that is none."""

    ratio: float = 0.10
    """On a ratio of losses: 0.10 is from 1/1.1 to 1.1."""
    seed_noise: float = 1.0
    """In standard deviations of the loss among seeds of one configuration and architecture."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
            if not 0 < number <= _MOST[name]:
                raise SweepError(f"margin {name} is {value!r}, but takes a number above 0, up to {_MOST[name]:g}")
            object.__setattr__(self, name, float(number))

    def override(self, values: Mapping[Any, Any]) -> "Margins":
        """The same margins with some replaced. Raises SweepError for an unknown name."""
        for name in values:
            if name not in _MOST:
                raise unknown_name("margin", str(name), _MOST)
        return replace(self, **values)

    def as_dict(self) -> dict[str, float]:
        """The margins by name."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{100 * self.ratio:g} % of the loss, {self.seed_noise:g} times the spread among seeds"


def parse_margin(text: str) -> dict[str, float]:
    """Name and value of an option such as ``ratio=0.05``. Raises SweepError if it is not one."""
    name, separator, value = (part.strip() for part in text.partition("="))
    try:
        number = float(value)
    except ValueError:
        separator = ""
        number = math.nan
    if not separator:
        raise SweepError(f"a margin is NAME=NUMBER such as ratio=0.05, not {text!r}", "margin")
    return {name: number}
