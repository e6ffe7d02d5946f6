"""The parts of a report. A new one is a `MakePart` in a module of its own, and one line here."""

from analysis.report.part import MakePart
from analysis.report.parts import droppath, equivalence, features, lesions, paths, truncation

PARTS: tuple[MakePart, ...] = (
    lesions.make,
    truncation.make,
    paths.make,
    droppath.make,
    features.make,
    equivalence.make,
)

__all__ = ["PARTS"]
