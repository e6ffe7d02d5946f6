"""Methods of training. A new one is one module and one line here."""

from sweep.methods.base import Method
from sweep.methods.droppath import Droppath
from sweep.methods.effective_paths import EffectivePaths
from sweep.methods.plain import Plain
from sweep.methods.residual_droppath import ResidualDroppath

METHODS: dict[str, type[Method]] = {
    "plain": Plain,
    "droppath": Droppath,
    "residual-droppath": ResidualDroppath,
    "effective-paths": EffectivePaths,
}
