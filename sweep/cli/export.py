"""``sweep export``: writes results as files for other programs."""

from pathlib import Path
from typing import Literal

from sweep.cli.options import DEFAULT_STORE, Stores


def export(
    target: Path,
    /,
    *,
    store: Stores = (DEFAULT_STORE,),
    format: Literal["parquet", "csv", "duckdb"] = "parquet",
) -> None:
    """Write all results as files for other programs, each trial once.

    Parameters
    ----------
    target
        A new folder, or with --format duckdb a new file.
    format
        parquet or csv, a file per table; or duckdb, one database.
    """
    import analysis
    from analysis.export import export as write

    for path in write(analysis.open(*store), target, format):
        print(path)
