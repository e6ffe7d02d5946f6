"""Where a data set comes from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sweep.data.specs import Dataset, DatasetSpec


class SourceError(Exception):
    """Why a source gave no data set, as a clause that can follow "because"."""


@dataclass(frozen=True)
class Recipe:
    """A data set and how to get it; every function returns unverified arrays.

    ``sources`` maps names to functions, the preferred one first. Each gets an empty scratch folder that it may leave
    anything in, and raises SourceError. ``read_folder`` reads a user's own folder and raises SweepError; it is None for
    a set that has no file layout of its own.
    """

    spec: DatasetSpec
    sources: Mapping[str, Callable[[Path], Dataset]]
    read_folder: Callable[[Path], Dataset] | None = None
