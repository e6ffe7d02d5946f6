"""``sweep data``: fetching, checking and importing data sets."""

import sys
from pathlib import Path

from cyclopts import App

from sweep.cli.options import Flag
from sweep.data import DATASETS, fetch, import_folder, spec, verify

data = App(name="data", help="Fetch, verify or import data sets.")


@data.command(name="fetch")
def fetch_command(*names: str, force: Flag = False) -> None:
    """Fetch data sets into the cache shared by all processes.

    Parameters
    ----------
    names
        mnist, cifar10, digits; all of them by default.
    force
        Fetch even what is there, such as a damaged file.
    """
    for name in _chosen(names):
        print(fetch(name, force=force, log=_log))


@data.command(name="verify")
def verify_command(*names: str) -> None:
    """Compare cached data sets with the published digests.

    Parameters
    ----------
    names
        mnist, cifar10, digits; all of them by default.
    """
    for name in _chosen(names):
        print(f"{name}: {verify(name)} is as published")


@data.command(name="import")
def import_command(name: str, folder: Path, /) -> None:
    """Take a data set from a folder: torchvision's layout, IDX files, CIFAR python or binary batches.

    Parameters
    ----------
    name
        mnist or cifar10.
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
