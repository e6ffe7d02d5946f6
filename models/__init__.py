"""Networks of blocks, and interventions on their blocks.

The names here are those that training needs; the first one that needs torch loads it. Import other names from their
modules.

A kind of network (`models.kind.NetworkKind`, all in `models.kinds.KINDS`) makes a layout, which lists the layers, and
turns the layout into a network: a stem, blocks and a head. Papers are cited by number:

- P1: Bermeitinger, Hrycej, Handschuh, "Make Deep Networks Shallow Again", 2309.08414.
- P2: Veit, Wilber, Belongie, "Residual Networks Behave Like Ensembles of Relatively Shallow Networks", 1605.06431.
- P3: "Low-degree term first in ResNet, its variants and the whole neural network family", Neural Networks 148, 2022.
- P4: Zaeemzadeh et al., "Norm-Preservation: Why Residual Networks Can Become Extremely Deep?", 1805.07477.
- P5: Park, "ResidualDroppath: Enhancing Feature Reuse over Residual Connections", 2411.09475.

A *block* is a branch beside a skip connection. A *stage* is a set of blocks that run side by side and share a skip
connection; in a sequential network each stage has one block. A *group* is a run of blocks of one resolution in a
ResNet, DenseNet or VGG network. An *activation* is a non-linearity.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from models.intervention import NO_INTERVENTION, Intervention

if TYPE_CHECKING:
    from models.blocks import BlockNetwork
    from models.droppath import DropPath, KeptBlocks
    from models.freezing import frozen
    from models.fused import FusedStack

__all__ = ["NO_INTERVENTION", "BlockNetwork", "DropPath", "FusedStack", "Intervention", "KeptBlocks", "frozen"]

_WITH_TORCH = ("blocks", "droppath", "freezing", "fused")


def __getattr__(name: str) -> Any:
    for module in map(import_module, (f"models.{part}" for part in _WITH_TORCH if name in __all__)):
        if hasattr(module, name):
            return getattr(module, name)
    raise AttributeError(f"module 'models' has no attribute {name!r}")
