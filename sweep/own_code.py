"""The user's own modules, which a study names or a command imports: finds and remembers them, for workers to load."""

import importlib
import importlib.util
import os
import sys
import sysconfig
import types
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from sweep.errors import SweepError

SEARCHED = "SWEEP_IMPORT_PATH"
"""Environment variable: more folders with the user's own modules, separated as in $PATH."""


@dataclass(frozen=True)
class OwnModule:
    """A module that is neither installed nor part of this program: its name, path and source."""

    name: str
    path: str
    source: str

    @property
    def file(self) -> str:
        """The module's path below a searched folder."""
        folder = self.name.replace(".", "/")
        return f"{folder}/__init__.py" if Path(self.path).name == "__init__.py" else f"{folder}.py"


_LOADED: dict[str, OwnModule] = {}


def loaded() -> tuple[OwnModule, ...]:
    """The user's own modules that this process has loaded, in order of loading."""
    return tuple(_LOADED.values())


@contextmanager
def searched(*folders: Path) -> Iterator[None]:
    """A context that also finds modules in some folders; they come last, so that they hide nothing."""
    before = list(sys.path)
    sys.path += [str(folder.absolute()) for folder in folders]
    try:
        yield
    finally:
        sys.path[:] = before


def import_file(path: Path) -> None:
    """Import a Python file as the module of its name.

    Raises SweepError if it is no Python file, has the name of another module, or fails.
    """
    if path.suffix != ".py" or not path.stem.isidentifier():
        raise SweepError(f"{path} cannot be imported; give a Python file whose name is a module's, such as mine.py")
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SweepError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}") from None
    module = OwnModule(path.stem, str(path.absolute()), source)
    known = _LOADED.get(module.name)
    if known is None and not _is_free(module):
        raise SweepError(f"{path} has the name of another module, {module.name!r}; rename it")
    if known is None:
        _make(module)
    elif known.source != source:
        raise SweepError(f"a file named {path.name} was imported already, from {known.path}; rename one of them")


def restore(modules: Iterable[OwnModule]) -> None:
    """Load another process's modules: those that this one can import, from here, the others from their source.

    Raises SweepError for a module that fails.
    """
    for module in modules:
        if module.name in sys.modules:
            continue
        try:
            importlib.import_module(module.name)
        except ImportError:
            _make(module)
        else:
            _remember(module.name)


def find(sort: str, name: str) -> object:
    """The object that ``module:NAME`` names; `sort` says what it is in messages. Raises SweepError if there is none."""
    module, _, attribute = name.partition(":")
    further = [Path(folder) for folder in os.environ.get(SEARCHED, "").split(os.pathsep) if folder]
    with searched(Path.cwd(), *further):
        try:
            found = importlib.import_module(module)
        except ImportError as error:
            raise SweepError(
                f"{sort} {name!r} cannot be imported: {error}; put {module.partition('.')[0]} beside the study file or "
                "into the working folder, install it, or import its file",
                "import",
            ) from None
        except Exception as error:  # a user's module can raise anything
            raise SweepError(f"{sort} {name!r} cannot be imported: {type(error).__name__}: {error}") from error
    if not hasattr(found, attribute):
        raise SweepError(f"{sort} {name!r} is not there: {found.__name__} has no {attribute!r}")
    for package in accumulate(module.split("."), "{}.{}".format):
        _remember(package)
    return getattr(found, attribute)


def _is_free(module: OwnModule) -> bool:
    """Whether no other module has the name."""
    spec = None if module.name in sys.modules else importlib.util.find_spec(module.name)
    return module.name not in sys.modules and (spec is None or spec.origin == module.path)


def _make(module: OwnModule) -> None:
    made = types.ModuleType(module.name)
    made.__file__ = module.path
    # Dataclasses look up their module while it runs.
    sys.modules[module.name] = made
    try:
        exec(compile(module.source, module.path, "exec"), made.__dict__)
    except Exception as error:  # a user's file can raise anything
        del sys.modules[module.name]
        raise SweepError(f"{module.path} cannot be imported: {type(error).__name__}: {error}") from error
    _LOADED[module.name] = module


def _remember(name: str) -> None:
    """Keep the source of a module that is neither installed nor this program's; workers elsewhere may lack it."""
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None or name in _LOADED or Path(file).suffix != ".py":
        return
    path = Path(file).absolute()
    installed = [Path(sysconfig.get_path(which)) for which in ("stdlib", "purelib", "platlib")]
    program = [Path(__file__).parents[1] / package for package in ("sweep", "models")]
    if not any(path.is_relative_to(folder) for folder in (*installed, *program)):
        _LOADED[name] = OwnModule(name, str(path), path.read_text(encoding="utf-8"))
