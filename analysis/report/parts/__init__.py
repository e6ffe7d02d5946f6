"""The parts of a report, in order. A new one is a `MakePart` in a module of its own, and one line here."""

from analysis.report.part import MakePart
from analysis.report.parts import droppath, equivalence, features, lesions, paths, truncation

PARTS: tuple[MakePart, ...] = (
    droppath.make,
    paths.make,
    lesions.make,
    truncation.make,
    features.make,
    equivalence.make,
)

__all__ = ["PARTS"]
