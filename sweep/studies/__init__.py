"""Studies: named search spaces. A new one is one module and one line here."""

from models.registered import registered
from sweep.study import Study

STUDIES: dict[str, Study] = registered(
    {
        "grid": "sweep.studies.grid:STUDY",
        "grid-small": "sweep.studies.grid_small:STUDY",
        "quick": "sweep.studies.quick:STUDY",
        "lesion": "sweep.studies.lesion:STUDY",
        "lesion-quick": "sweep.studies.lesion:QUICK",
        "paths": "sweep.studies.paths:STUDY",
        "paths-quick": "sweep.studies.paths:QUICK",
        "droppath": "sweep.studies.droppath:STUDY",
        "droppath-quick": "sweep.studies.droppath:QUICK",
        "shallow-first": "sweep.studies.shallow_first:STUDY",
        "shallow-first-quick": "sweep.studies.shallow_first:QUICK",
        "norm-preservation": "sweep.studies.norm_preservation:STUDY",
        "norm-preservation-quick": "sweep.studies.norm_preservation:QUICK",
    }
)
