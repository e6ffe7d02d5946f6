"""Networks, and what can be done to them. Torch is imported when a network is first asked for, not before."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from models.geometry import BlockShape
from models.linear_shape import LinearShape
from models.resnet_shape import ResNetShape
from models.shape import StackShape
from models.vgg_shape import VGGShape

if TYPE_CHECKING:
    from models.activations import ACTIVATIONS
    from models.blocks import Block, BlockNetwork, PlainBlock
    from models.droppath import DropPath, KeptBlocks
    from models.freezing import frozen
    from models.fused import FusedStack
    from models.initialisation import INITIALISATIONS, initial_parameters, initialise
    from models.intervention import NO_INTERVENTION, Intervention
    from models.linear import LinearNetwork
    from models.many_interventions import lesioned
    from models.paths import draw_paths, path_counts
    from models.resnet import ResNet
    from models.similarity import cka, distribution_distance
    from models.stack import ResidualStack
    from models.stack_network import StackNetwork
    from models.vgg import VGG

__all__ = [
    "ACTIVATIONS",
    "INITIALISATIONS",
    "NO_INTERVENTION",
    "VGG",
    "Block",
    "BlockNetwork",
    "BlockShape",
    "DropPath",
    "FusedStack",
    "Intervention",
    "KeptBlocks",
    "LinearNetwork",
    "LinearShape",
    "PlainBlock",
    "ResNet",
    "ResNetShape",
    "ResidualStack",
    "StackNetwork",
    "StackShape",
    "VGGShape",
    "cka",
    "distribution_distance",
    "draw_paths",
    "frozen",
    "initial_parameters",
    "initialise",
    "lesioned",
    "path_counts",
]

_HOME = {
    "ACTIVATIONS": "models.activations",
    "Block": "models.blocks",
    "BlockNetwork": "models.blocks",
    "DropPath": "models.droppath",
    "KeptBlocks": "models.droppath",
    "FusedStack": "models.fused",
    "INITIALISATIONS": "models.initialisation",
    "LinearNetwork": "models.linear",
    "PlainBlock": "models.blocks",
    "ResNet": "models.resnet",
    "ResidualStack": "models.stack",
    "StackNetwork": "models.stack_network",
    "Intervention": "models.intervention",
    "NO_INTERVENTION": "models.intervention",
    "VGG": "models.vgg",
    "cka": "models.similarity",
    "distribution_distance": "models.similarity",
    "draw_paths": "models.paths",
    "frozen": "models.freezing",
    "initial_parameters": "models.initialisation",
    "initialise": "models.initialisation",
    "lesioned": "models.many_interventions",
    "path_counts": "models.paths",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'models' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
