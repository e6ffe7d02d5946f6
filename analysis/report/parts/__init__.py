"""The parts of a report, in order. A new one is a `MakePart` in a module of its own, and one line here."""

from analysis.report.part import MakePart
from analysis.report.parts import equivalence, lesions, truncation

PARTS: tuple[MakePart, ...] = (
    lesions.make,
    truncation.make,
    equivalence.make,
)

__all__ = ["PARTS"]
