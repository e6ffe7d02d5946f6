"""Finds the files of a data set in a user's folder, and says what is there instead."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

from sweep.errors import SweepError

Form = Sequence[tuple[str, ...]]
"""The files of one format; each may have one of several names."""

_ARCHIVES = (".tar", ".tgz", ".tar.gz", ".zip")
_LOOKED_AT = 10_000
"""The most entries below a folder that are searched for files that lie elsewhere."""
_LISTED = 5


def locate(folder: Path, data_set: str, places: Sequence[str], forms: Mapping[str, Form], remedy: str) -> list[Path]:
    """The files of a data set, all in one of some places below a folder and all in one form.

    Raises SweepError, which says what was found instead; `remedy` says what would do. Raises OSError for a folder that
    cannot be read.
    """
    for place, form in itertools.product(places, forms.values()):
        paths = _found(folder / place, form)
        if None not in paths:
            return [path for path in paths if path is not None]
    clues = (_incomplete(folder / place, forms) for place in places)
    clue = next((clue for clue in clues if clue), "") or _elsewhere(folder, forms) or f"{remedy} {_listing(folder)}"
    raise SweepError(f"{folder} does not hold {data_set}; {clue}")


def _found(place: Path, form: Form) -> list[Path | None]:
    return [next((path for name in names if (path := place / name).is_file()), None) for names in form]


def _incomplete(place: Path, forms: Mapping[str, Form]) -> str:
    """What keeps the files at a place from being the data set; nothing where there are none."""
    there = {name: _found(place, form) for name, form in forms.items()}
    some = {name: path for name, paths in there.items() if (path := next(filter(None, paths), None)) is not None}
    if len(some) > 1:
        mixed = " and ".join(f"{path.name} ({name})" for name, path in some.items())
        return f"{place} mixes formats, as {mixed}; give all files in one of them."
    for name in some:
        missing = [names[0] for names, path in zip(forms[name], there[name], strict=True) if path is None]
        return f"{place} lacks {', '.join(missing)}."
    return ""


def _elsewhere(folder: Path, forms: Mapping[str, Form]) -> str:
    """Where the files may be instead: in a folder further down, or in an archive."""
    names = {name for form in forms.values() for names in form for name in names}
    below = list(itertools.islice(folder.rglob("*"), _LOOKED_AT))
    for path in below:
        if path.name in names and path.is_file():
            return f"{path.name} lies in {path.parent}; give that folder."
    for path in below:
        if path.name.lower().endswith(_ARCHIVES):
            return f"it holds the archive {path.relative_to(folder)}; unpack it, and give the folder that comes out."
    return ""


def _listing(folder: Path) -> str:
    names = sorted(path.name for path in itertools.islice(folder.iterdir(), _LOOKED_AT))
    more = ", …" if len(names) > _LISTED else ""
    return f"It holds {', '.join(names[:_LISTED])}{more}." if names else "It is empty."
