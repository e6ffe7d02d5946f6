"""The questions that a report answers. A new one is a folder with a summary and a view, and one line here."""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.figures.style import Palette
    from analysis.report.content import Part
    from analysis.results import Results

    Answer = Callable[[Results, str, Palette], Part | None]

QUESTIONS = (
    "equivalence",
    "shallow_first",
    "lesions",
    "truncation",
    "paths",
    "features",
    "norm_preservation",
    "methods",
)
"""Folders of this package, each with a function `answer` in its module `view`."""


def answers() -> "Iterator[Answer]":
    """What answers each question, from results, a study's name and a palette; None where there is nothing for it."""
    return (import_module(f"{__package__}.{name}.view").answer for name in QUESTIONS)
