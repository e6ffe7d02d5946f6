"""``sweep data``: fetches, checks and imports data sets."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from sweep.cli.display import say
from sweep.cli.options import Flag
from sweep.data import DATASETS, fetch, import_folder, spec, verify

Names = Annotated[str, Parameter(help=f"{', '.join(DATASETS)}; all of them by default.")]

data = App(name="data", help="Fetch, verify or import data sets.")


@data.command(name="fetch")
def fetch_command(*names: Names, force: Flag = False) -> None:
    """Fetch data sets into the cache that all processes share.

    Parameters
    ----------
    force
        Replace existing files, such as a damaged one.
    """
    for name in _chosen(names):
        print(fetch(name, force=force, log=say))


@data.command(name="verify")
def verify_command(*names: Names) -> None:
    """Compare cached data sets with the published digests."""
    for name in _chosen(names):
        print(f"{name}: {verify(name)} is as published")


@data.command(name="import")
def import_command(name: str, folder: Path, /) -> None:
    """Import a data set from a folder: torchvision's layout, IDX files, or CIFAR's Python or binary batches.

    Parameters
    ----------
    name
        The data set.
    folder
        The folder with its files.
    """
    print(import_folder(name, folder.expanduser(), log=say))


def _chosen(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        spec(name)
    return names or tuple(DATASETS)
