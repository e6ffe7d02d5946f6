"""Every further statistic, in the order of the numbers. A new one is one module and one line here."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from analysis.equivalence.statistic import Statistic

_HOMES = (
    "components:COMPONENTS",
    "skewness:SKEWNESS",
)
"""Module of this package and the name of the statistic in it."""


def _statistic(home: str) -> Statistic[Any]:
    module, _, name = home.partition(":")
    return getattr(import_module(f"{__package__}.{module}"), name)


STATISTICS: dict[str, Statistic[Any]] = {each.name: each for each in map(_statistic, _HOMES)}
"""By name."""


def table_rows() -> list[tuple[str, str, Callable[[Any], str]]]:
    """The rows of all statistics: a statistic's name, a label, and the text of a result."""
    return [(name, *row) for name, statistic in STATISTICS.items() for row in statistic.rows.items()]
