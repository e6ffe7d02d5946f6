"""Networks, and what can be done to them. Torch is imported when a network is first asked for, not before."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from models.shape import StackShape

if TYPE_CHECKING:
    from models.activations import ACTIVATIONS
    from models.fused import FusedStack
    from models.initialisation import INITIALISATIONS, initial_parameters
    from models.stack import ResidualStack

__all__ = [
    "ACTIVATIONS",
    "INITIALISATIONS",
    "FusedStack",
    "ResidualStack",
    "StackShape",
    "initial_parameters",
]

_HOME = {
    "ACTIVATIONS": "models.activations",
    "FusedStack": "models.fused",
    "INITIALISATIONS": "models.initialisation",
    "ResidualStack": "models.stack",
    "initial_parameters": "models.initialisation",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'models' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
