"""``sweep data``: fetching, checking and importing data sets."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from sweep.cli.options import Flag
from sweep.data import DATASETS, fetch, import_folder, spec, verify

Names = Annotated[str, Parameter(help=f"{', '.join(DATASETS)}; all of them by default.")]

data = App(name="data", help="Fetch, verify or import data sets.")


@data.command(name="fetch")
def fetch_command(*names: Names, force: Flag = False) -> None:
    """Fetch data sets into the cache shared by all processes.

    Parameters
    ----------
    force
        Fetch even what is there, such as a damaged file.
    """
    for name in _chosen(names):
        print(fetch(name, force=force, log=_log))


@data.command(name="verify")
def verify_command(*names: Names) -> None:
    """Compare cached data sets with the published digests.

    Parameters
    ----------"""
    for name in _chosen(names):
        print(f"{name}: {verify(name)} is as published")


@data.command(name="import")
def import_command(name: str, folder: Path, /) -> None:
    """Take a data set from a folder: torchvision's layout, IDX files, CIFAR python or binary batches.

    Parameters
    ----------
    name
        The data set.
    folder
        Where its files are.
    """
    print(import_folder(name, folder.expanduser(), log=_log))


def _chosen(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        spec(name)
    return names or tuple(DATASETS)


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
