"""A part of a report: what one kind of question has found, in words, pictures and numbers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from analysis.report.document import Badge, Lead, Section
from analysis.report.pictures import Picture
from analysis.results import Results


@dataclass(frozen=True)
class Part:
    """What one kind of question has found in the results of a study.

    The first part of a report gives the page its title and its lead; the sections of all parts follow.
    """

    name: str
    """For files and for the keys of the numbers: lower-case letters and hyphens."""
    title: str
    lead: Lead
    verdict: str
    """The answer in a few words, for the command line."""
    sections: Sequence[Section]
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    numbers: Mapping[str, Any] = field(default_factory=dict)
    """For JSON: mappings, sequences, dataclasses, enumerations, arrays, numbers."""
    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    headline: Mapping[str, float] = field(default_factory=dict)
    """The few numbers that stand for it, finite ones only."""
    badges: Sequence[Badge] = ()
    trials: int = 0
    """How many trials it speaks of: the part that speaks of most leads the page."""
    trusted: bool = True
    """False where a control fails."""
    subtitle: str = ""
    """What was looked at, for the line under the title."""


MakePart = Callable[[Results, str], Part | None]
"""The part on a study of the given name, or None where the results have nothing for it."""
