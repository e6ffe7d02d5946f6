"""Code of one's own: modules that a study names or a user imports, found, remembered and made again in workers."""

import importlib
import importlib.util
import os
import sys
import sysconfig
import types
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sweep.errors import SweepError

SEARCHED = "SWEEP_IMPORT_PATH"
"""Environment variable: further folders, as in $PATH, where modules of one's own are looked for."""


@dataclass(frozen=True)
class OwnModule:
    """A module that is neither installed nor this program's: its name, where it was found, and its source."""

    name: str
    path: str
    source: str

    @property
    def file(self) -> str:
        """Where the module lies under a folder that is searched."""
        folder = self.name.replace(".", "/")
        return f"{folder}/__init__.py" if Path(self.path).name == "__init__.py" else f"{folder}.py"


_LOADED: dict[str, OwnModule] = {}


def loaded() -> tuple[OwnModule, ...]:
    """The modules of one's own that this process has loaded, those that others need first."""
    return tuple(_LOADED.values())


@contextmanager
def searched(*folders: Path) -> Iterator[None]:
    """Within, modules are also looked for in some folders: after everything else, so that they hide nothing."""
    before = list(sys.path)
    sys.path += [str(folder.absolute()) for folder in folders]
    try:
        yield
    finally:
        sys.path[:] = before


def import_file(path: Path) -> str:
    """Import a Python file as the module of its name; that name.

    Raises SweepError for what is not one, for a name that another module has, and for a fault of the file itself.
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
    if known is not None and known.source != source:
        raise SweepError(f"a file named {path.name} was imported already, from {known.path}; rename one of them")
    if known is None:
        _make(module)
    return module.name


def restore(modules: Iterable[OwnModule]) -> None:
    """Make modules of another process again, as far as this one cannot import them by itself.

    Raises SweepError for a fault of a module.
    """
    for module in modules:
        if module.name not in sys.modules and not _can_import(module.name):
            _make(module)


def find(sort: str, name: str) -> object:
    """What ``module:NAME`` names. Raises SweepError where it cannot be had."""
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
        except Exception as error:  # whatever a module does on its way
            raise SweepError(f"{sort} {name!r} cannot be imported: {type(error).__name__}: {error}") from error
    if not hasattr(found, attribute):
        raise SweepError(f"{sort} {name!r} is not there: {found.__name__} has no {attribute!r}")
    for part in _with_parents(module):
        _remember(part)
    return getattr(found, attribute)


def _is_free(module: OwnModule) -> bool:
    """Whether nothing but the file itself has the module's name."""
    spec = None if module.name in sys.modules else importlib.util.find_spec(module.name)
    return module.name not in sys.modules and (spec is None or spec.origin == module.path)


def _make(module: OwnModule) -> None:
    made = types.ModuleType(module.name)
    made.__file__ = module.path
    # Dataclasses look their module up while it is made.
    sys.modules[module.name] = made
    try:
        exec(compile(module.source, module.path, "exec"), made.__dict__)
    except Exception as error:  # whatever a user's file does
        del sys.modules[module.name]
        raise SweepError(f"{module.path} cannot be imported: {type(error).__name__}: {error}") from error
    _LOADED[module.name] = module


def _can_import(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    _remember(name)
    return True


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]


def _remember(name: str) -> None:
    """Keep the source of a module that neither pip nor this program brought: workers elsewhere may lack it."""
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None or name in _LOADED or Path(file).suffix != ".py":
        return
    path = Path(file).absolute()
    installed = [Path(sysconfig.get_path(which)) for which in ("stdlib", "purelib", "platlib")]
    own = Path(__file__).parents[1]
    if not any(path.is_relative_to(folder) for folder in (*installed, *(own / n for n in ("sweep", "models")))):
        _LOADED[name] = OwnModule(name, str(path), path.read_text(encoding="utf-8"))
