"""Studies: named search spaces. A new one is one module and one line here."""

from models.registered import registered
from sweep.space import Space

STUDIES: dict[str, Space] = registered(
    {
        "grid": "sweep.studies.grid:SPACE",
        "grid-small": "sweep.studies.grid_small:SPACE",
        "quick": "sweep.studies.quick:SPACE",
        "lesion": "sweep.studies.lesion:SPACE",
        "lesion-quick": "sweep.studies.lesion:QUICK",
        "paths": "sweep.studies.paths:SPACE",
        "paths-quick": "sweep.studies.paths:QUICK",
        "droppath": "sweep.studies.droppath:SPACE",
        "droppath-quick": "sweep.studies.droppath:QUICK",
        "shallow-first": "sweep.studies.shallow_first:SPACE",
        "shallow-first-quick": "sweep.studies.shallow_first:QUICK",
        "norm-preservation": "sweep.studies.norm_preservation:SPACE",
        "norm-preservation-quick": "sweep.studies.norm_preservation:QUICK",
    }
)
