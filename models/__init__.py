"""Networks of blocks, and interventions on their blocks. Torch loads with the first name that needs it.

A kind of network (`models.kind.NetworkKind`, all in `models.kinds.KINDS`) makes a layout, which lists the layers, and
turns the layout into a network: a stem, blocks and a head. Papers are cited by number:

- P1: Bermeitinger, Hrycej, Handschuh, "Make Deep Networks Shallow Again", 2309.08414.
- P2: Veit, Wilber, Belongie, "Residual Networks Behave Like Ensembles of Relatively Shallow Networks", 1605.06431.
- P3: "Low-degree term first in ResNet, its variants and the whole neural network family", Neural Networks 148, 2022.
- P4: Zaeemzadeh et al., "Norm-Preservation: Why Residual Networks Can Become Extremely Deep?", 1805.07477.
- P5: Park, "ResidualDroppath: Enhancing Feature Reuse over Residual Connections", 2411.09475.

A *block* is a branch beside a skip connection. A *stage* is a set of blocks that run side by side and share a skip
connection; in a sequential network each stage has one block. A *group* is a run of blocks of one resolution in a ResNet
or VGG network. An *activation* is a non-linearity.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from models.kind import NetworkKind
from models.kinds import KINDS
from models.kinds.linear import LinearNetwork
from models.kinds.resnet import PreActivationResNet, ResNet
from models.kinds.stack import Stack, StackShape
from models.kinds.vgg import VGG
from models.layout import BlockLayout, BlockShape, Layout

if TYPE_CHECKING:
    from models.activations import ACTIVATIONS
    from models.blocks import Block, BlockNetwork, PlainBlock
    from models.droppath import DropPath, KeptBlocks
    from models.freezing import frozen
    from models.fused import FusedStack
    from models.initialisation import INITIALISATIONS, initial_parameters, initialise
    from models.intervention import NO_INTERVENTION, Intervention
    from models.many_interventions import lesioned
    from models.paths import draw_paths, path_counts
    from models.similarity import cka, distribution_distance

__all__ = [
    "ACTIVATIONS",
    "INITIALISATIONS",
    "KINDS",
    "NO_INTERVENTION",
    "VGG",
    "Block",
    "BlockLayout",
    "BlockNetwork",
    "BlockShape",
    "DropPath",
    "FusedStack",
    "Intervention",
    "KeptBlocks",
    "Layout",
    "LinearNetwork",
    "NetworkKind",
    "PlainBlock",
    "PreActivationResNet",
    "ResNet",
    "Stack",
    "StackShape",
    "cka",
    "distribution_distance",
    "draw_paths",
    "frozen",
    "initial_parameters",
    "initialise",
    "lesioned",
    "path_counts",
]

_WITH_TORCH = (
    "activations",
    "blocks",
    "droppath",
    "freezing",
    "fused",
    "initialisation",
    "intervention",
    "many_interventions",
    "paths",
    "similarity",
)


def __getattr__(name: str) -> Any:
    for module in map(import_module, (f"models.{part}" for part in _WITH_TORCH if name in __all__)):
        if hasattr(module, name):
            return getattr(module, name)
    raise AttributeError(f"module 'models' has no attribute {name!r}")
