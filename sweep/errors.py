"""The one exception for users to read."""

from collections.abc import Iterable
from difflib import get_close_matches

from sweep.shown import shown


class SweepError(Exception):
    """A fault that the user can fix; its message says in one sentence what happened and what to do.

    `parameters` names the parameters to change, such as ``limit``; the command line adds the names of its options.
    """

    def __init__(self, message: str, *parameters: str) -> None:
        super().__init__(message)
        self.parameters = parameters


def unknown_name(kind: str, name: str, known: Iterable[str]) -> SweepError:
    """The error for an unknown name; it suggests the nearest known one, or lists all."""
    names = list(known)
    near = get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(names)}"
    return SweepError(f"{kind} {shown(name)} is not known{hint}")
