"""The training engine: trains a pack of trials, and knows nothing of where or why."""

from importlib import import_module

from sweep.errors import SweepError, unknown_name
from sweep.result import Engine

ENGINES = {"torch": "sweep.engine.training:train", "null": "sweep.engine.null:train"}
"""Name to ``module:function``, imported when first asked for."""


def find_engine(name: str) -> Engine:
    """The engine of a registered name, or of a ``module:function``. Raises SweepError if there is none."""
    module, separator, function = ENGINES.get(name, name).partition(":")
    if not separator:
        raise unknown_name("engine", name, ENGINES)
    try:
        return getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise SweepError(
            f"the engine {name!r} cannot be loaded ({error}); give a module:function that can be imported"
        ) from None
