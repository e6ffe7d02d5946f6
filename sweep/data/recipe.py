"""How a data set is obtained: its sources in order of preference, and how a user's folder of it is read."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sweep.data.specs import Dataset, DatasetSpec


class SourceError(Exception):
    """Why a source gave no data set, as a clause that can follow "because"."""


@dataclass(frozen=True)
class Source:
    """One place a data set comes from.

    ``read(scratch)`` returns the arrays, unverified, and may leave anything in the empty folder ``scratch``.
    It raises :class:`SourceError`.
    """

    name: str
    read: Callable[[Path], Dataset]


@dataclass(frozen=True)
class Recipe:
    """Everything a data set's module declares.

    ``read_folder(folder)`` returns the arrays, unverified, and raises SweepError; it is None for a set that
    has no file layout of its own.
    """

    spec: DatasetSpec
    sources: tuple[Source, ...]
    read_folder: Callable[[Path], Dataset] | None = None
