"""The sweep service. From Python it is `sweep.Study`, `plan`, `run` and `open`; see `sweep.api`.

Importing it makes sure that this project's other packages are its own: whoever starts Python in a folder with a package
`models` or `analysis` would otherwise get that one. Raises ImportError if it was imported already.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.results import Results
    from sweep.api import open, plan, run
    from sweep.errors import SweepError
    from sweep.margins import Margins
    from sweep.planning import Plan
    from sweep.study import Study

__all__ = ["Margins", "Plan", "Results", "Study", "SweepError", "open", "plan", "run"]

_HOMES = {
    **dict.fromkeys(("open", "plan", "run"), "sweep.api"),
    "Margins": "sweep.margins",
    "Plan": "sweep.planning",
    "Results": "analysis.results",
    "Study": "sweep.study",
    "SweepError": "sweep.errors",
}

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


def __getattr__(name: str) -> Any:
    # A worker that only trains need not import them.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
