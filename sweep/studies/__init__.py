"""Studies: named search spaces. A new one is one module with a `SPACE`, and one line here."""

from sweep.space import Space
from sweep.studies import droppath, grid, lesion, paths, quick

STUDIES: dict[str, Space] = {
    "grid": grid.SPACE,
    "quick": quick.SPACE,
    "lesion": lesion.SPACE,
    "lesion-quick": lesion.QUICK,
    "paths": paths.SPACE,
    "paths-quick": paths.QUICK,
    "droppath": droppath.SPACE,
    "droppath-quick": droppath.QUICK,
}

__all__ = ["STUDIES"]
