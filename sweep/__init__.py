"""The sweep service; importing it makes sure that this project's other packages are its own.

Whoever starts Python in a folder with a package `models` or `analysis` would otherwise get that one. Raises ImportError
if it was imported already.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

_ROOT = Path(__file__).absolute().parents[1]
_PACKAGES = ("models", "analysis")


class _Siblings:
    """Finds the packages beside this one, before Python looks through its path."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return PathFinder.find_spec(fullname, [str(_ROOT)]) if fullname in _PACKAGES else None


def _check(name: str) -> None:
    file = getattr(sys.modules.get(name), "__file__", None)
    if name in sys.modules and not (file and Path(file).absolute().is_relative_to(_ROOT)):
        raise ImportError(f"{file or 'a folder'} was imported as {name} before sweep was; import sweep first")


for _name in _PACKAGES:
    _check(_name)
sys.meta_path.insert(0, _Siblings())
