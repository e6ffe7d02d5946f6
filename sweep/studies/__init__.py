"""Studies: named search spaces. A new one is one module with a `SPACE`, and one line here."""

from sweep.space import Space
from sweep.studies import grid, quick

STUDIES: dict[str, Space] = {
    "grid": grid.SPACE,
    "quick": quick.SPACE,
}

__all__ = ["STUDIES"]
