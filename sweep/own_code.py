"""Finds and remembers the user's own modules, which a study names or a command imports, for workers to load."""

import importlib
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib.abc import ExecutionLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType

from sweep.errors import SweepError
from sweep.shown import cut, shown

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


class _Sources(MetaPathFinder, ExecutionLoader):
    """Imports modules from the sources that are remembered."""

    def __init__(self) -> None:
        self.modules: dict[str, OwnModule] = {}

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if fullname not in self.modules:
            return None
        spec = spec_from_loader(fullname, self)
        if spec is not None and spec.submodule_search_locations is not None:
            # Modules of the package that are imported later.
            spec.submodule_search_locations.append(str(Path(self.modules[fullname].path).parent))
        return spec

    def is_package(self, fullname: str) -> bool:
        return self.modules[fullname].file.endswith("/__init__.py")

    def get_source(self, fullname: str) -> str:
        return self.modules[fullname].source

    def get_filename(self, fullname: str) -> str:
        return self.modules[fullname].path


_SOURCES = _Sources()
sys.meta_path.append(_SOURCES)


def loaded() -> tuple[OwnModule, ...]:
    """The user's own modules that this process knows."""
    return tuple(_SOURCES.modules.values())


@contextmanager
def searched(*folders: Path) -> Iterator[None]:
    """A context that also finds modules in some folders; they come last, so that they hide nothing."""
    before = list(sys.path)
    sys.path += [str(folder.absolute()) for folder in folders]
    try:
        yield
    finally:
        sys.path[:] = before


def import_file(path: Path) -> ModuleType:
    """Import a Python file as the module of its name; it can import the modules beside it.

    Raises SweepError if it is not a Python file, has the name of another module, or fails.
    """
    if path.suffix != ".py" or not path.stem.isidentifier() or (path.exists() and not path.is_file()):
        raise SweepError(f"{path} cannot be imported; give a Python file with the name of a module, such as mine.py")
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SweepError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}") from None
    module = OwnModule(path.stem, str(path.absolute()), source)
    known = _SOURCES.modules.get(module.name)
    if known is None and not _is_free(module):
        raise SweepError(f"{path} has the name of another module, {module.name!r}; rename it")
    if known is not None and known.source != source:
        raise SweepError(f"a file named {path.name} was imported already, from {known.path}; rename one of them")
    _SOURCES.modules[module.name] = module
    try:
        with _remembering(path.absolute().parent):
            return importlib.import_module(module.name)
    except (Exception, SystemExit) as error:  # a user's file can raise anything
        del _SOURCES.modules[module.name]
        raise SweepError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error


def restore(modules: Iterable[OwnModule]) -> None:
    """Let modules of another process be imported here, from their source even if a file here has the same name."""
    _SOURCES.modules.update({module.name: module for module in modules})
    if sys.meta_path[0] is not _SOURCES:
        sys.meta_path.remove(_SOURCES)
        sys.meta_path.insert(0, _SOURCES)


def find(sort: str, name: str) -> object:
    """The object that ``module:NAME`` names; `sort` says what it is in messages. Raises SweepError if there is none."""
    module, _, attribute = name.partition(":")
    if not (all(part.isidentifier() for part in module.split(".")) and attribute.isidentifier()):
        raise SweepError(f"{sort} is {shown(name)}, but a part of your own is named module:NAME")
    further = [Path(folder) for folder in os.environ.get(SEARCHED, "").split(os.pathsep) if folder]
    with _remembering(Path.cwd(), *further):
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError as error:
            missing = (error.name or module).partition(".")[0]
            raise SweepError(
                f"{sort} {shown(name)} cannot be imported: {cut(str(error))}; put {cut(missing)} beside the study "
                "file or into the working folder, install it, or import its file",
                "import",
            ) from None
        except (Exception, SystemExit) as error:  # a user's module can raise anything
            raise SweepError(
                f"{sort} {shown(name)} cannot be imported: {type(error).__name__}: {cut(str(error))}"
            ) from error
    if not hasattr(found, attribute):
        raise SweepError(f"{sort} {shown(name)} is not there: {found.__name__} has no {shown(attribute)}")
    return getattr(found, attribute)


@contextmanager
def _remembering(*folders: Path) -> Iterator[None]:
    """A context that also finds modules in some folders, and keeps the source of those that workers may lack.

    What the modules print goes to standard error: standard output holds a command's answer.
    """
    before = set(sys.modules)
    with searched(*folders), redirect_stdout(sys.stderr):
        yield
    for name in set(sys.modules) - before:
        _remember(name)


def _is_free(module: OwnModule) -> bool:
    """Whether no other module has the name."""
    if module.name in sys.modules:
        return False
    spec = importlib.util.find_spec(module.name)
    return spec is None or spec.origin == module.path


def _remember(name: str) -> None:
    """Keep the source of a module that is neither installed nor this program's; workers elsewhere may lack it."""
    file = getattr(sys.modules.get(name), "__file__", None)
    if not isinstance(file, str) or name in _SOURCES.modules or Path(file).suffix != ".py":
        return
    path = Path(file).absolute()
    installed = [Path(sysconfig.get_path(which)) for which in ("stdlib", "purelib", "platlib")]
    program = [Path(__file__).parents[1] / package for package in ("sweep", "models")]
    if not any(path.is_relative_to(folder) for folder in (*installed, *program)):
        _SOURCES.modules[name] = OwnModule(name, str(path), importlib.util.decode_source(path.read_bytes()))
