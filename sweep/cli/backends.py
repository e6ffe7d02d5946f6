"""The options of backends on the command line: `--backend`, and whatever the backends in the registry declare."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import Field, dataclass, fields
from typing import Annotated, Any, get_type_hints

from cyclopts import Group, Parameter

from sweep.errors import SweepError
from sweep.submission import BACKENDS, DEFAULT_BACKEND, Backend, backend_class

Command = Callable[..., int | None]


@dataclass(frozen=True)
class Chosen:
    """The backend that a command line names."""

    backend: Backend
    words: tuple[str, ...]
    """The arguments by which other commands reach it."""


@dataclass(frozen=True)
class _Option:
    """One option of the command line, and the backends that take it."""

    declared: Field[Any]
    type: Any
    owners: list[str]

    @property
    def name(self) -> str:
        return f"--{self.declared.name.replace('_', '-')}"

    def parameter(self) -> inspect.Parameter:
        """An argument that is None unless the user gives it."""
        default = self.declared.default
        how = Parameter(
            name=self.name,
            help=self.declared.metadata["help"],
            group=[Group(f"With --backend {owner}", help=_about(owner)) for owner in self.owners],
            negative=(),
            show_default=(lambda _: str(default)) if default else False,
        )
        return _keyword(self.declared.name, Annotated[self.type | None, how], None)


class OnBackend:
    """A command that takes `--backend` and the options of all backends, and is given the chosen one as `at`.

    The registry is read with every command line, so backends registered later have their options too.
    """

    def __init__(self, command: Command, submits: bool) -> None:
        functools.update_wrapper(self, command)
        self._command, self._submits = command, submits

    @property
    def __signature__(self) -> inspect.Signature:
        own = [each for each in inspect.signature(self._command).parameters.values() if each.name != "at"]
        choice = Parameter(name="--backend", help=f"Where jobs run: {', '.join(BACKENDS)}.")
        backend = _keyword("backend", Annotated[str, choice], DEFAULT_BACKEND)
        return inspect.Signature([*own, backend, *(option.parameter() for option in self._options().values())])

    def __call__(self, *arguments: Any, backend: str = DEFAULT_BACKEND, **given: Any) -> int | None:
        """Run the command. Raises SweepError for an unknown backend, and for an option of another one."""
        kind = backend_class(backend)
        options = self._options()
        values = {name: given.pop(name) for name in options if name in given}
        words = [] if backend == DEFAULT_BACKEND else ["--backend", backend]
        for name, value in values.items():
            option = options[name]
            if backend not in option.owners:
                owners = " or ".join(option.owners)
                raise SweepError(f"{option.name} is for --backend {owners}; choose that backend, or leave it out")
            if option.declared.metadata["address"]:
                words += [option.name, str(value)]
        return self._command(*arguments, at=Chosen(kind(kind.Options(**values)), tuple(words)), **given)

    def _options(self) -> dict[str, _Option]:
        found: dict[str, _Option] = {}
        for owner in BACKENDS:
            kind = backend_class(owner).Options
            types = get_type_hints(kind)
            for declared in fields(kind):
                if self._submits or declared.metadata["address"]:
                    option = found.setdefault(declared.name, _Option(declared, types[declared.name], []))
                    if option.type != types[declared.name]:
                        raise TypeError(f"{option.name} has one type in {owner}, and another in {option.owners[0]}")
                    option.owners.append(owner)
        return found


def on_backend(*, submits: bool = False) -> Callable[[Command], OnBackend]:
    """Turns a function that takes `at` into a command; only one that submits has more options than the address."""
    return lambda command: OnBackend(command, submits)


def _about(backend: str) -> str:
    """The first paragraph of a backend's docstring."""
    return (inspect.getdoc(backend_class(backend)) or "").partition("\n\n")[0]


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
