"""Methods of training. A new one is one module and one line here."""

from models.registered import registered
from sweep.methods.base import Method

METHODS: dict[str, type[Method]] = registered(
    {
        "plain": "sweep.methods.plain:Plain",
        "droppath": "sweep.methods.droppath:Droppath",
        "residual-droppath": "sweep.methods.residual_droppath:ResidualDroppath",
        "effective-paths": "sweep.methods.effective_paths:EffectivePaths",
        "procrustes": "sweep.methods.procrustes:Procrustes",
    }
)
