"""What this program calls the files of a store; a file of any other name is somebody else's and left alone."""

import re
from collections.abc import Iterable

from sweep import durable

_HEX = "[0-9a-f]"
_FORMS = {
    "commits": rf"\d{{20}}-{_HEX}{{8}}(-merged)?\.json",
    "sweeps": rf"{_HEX}+\.parquet",
    "checkpoints": rf"{_HEX}{{20}}",
}
_TABLE = rf"\d{{20}}-{_HEX}{{8}}(-merged)?\.parquet"
_TEMPORARY = rf"{re.escape(durable.TEMPORARY)}{_HEX}{{32}}(-journal|-wal|-shm)?"


def ours(folder: str, names: Iterable[str]) -> list[str]:
    """Those of the names that this program gives to files of a folder, sorted, without their endings."""
    form = re.compile(_FORMS.get(folder, _TABLE))
    return sorted(name.partition(".")[0] for name in names if form.fullmatch(name))


def is_unfinished(name: str) -> bool:
    """Whether it is the name of a file that this program was writing, SQLite's files beside it included."""
    return re.fullmatch(_TEMPORARY, name) is not None
