"""Tables of names and the places to import them from, so that a new entry is one line."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any


def registered(homes: Mapping[str, str]) -> dict[str, Any]:
    """The object that each ``module:NAME`` names, by the same keys. Raises ImportError or AttributeError if missing."""
    found: dict[str, Any] = {}
    for name, home in homes.items():
        module, _, attribute = home.partition(":")
        found[name] = getattr(import_module(module), attribute)
    return found
