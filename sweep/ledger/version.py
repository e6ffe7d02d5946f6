"""The version of a store, in its file ``store.json``: programs read it first, and mark it before they write."""

import json
import os

from sweep.errors import SweepError
from sweep.ledger.commit import OLDEST_SCHEMA, STORE_SCHEMA
from sweep.ledger.files import StoreFiles

_NAME = "store.json"
_LOCKS = "locks/"
_HIGHEST = 1_000_000
"""No program has such a version."""


class VersionedFiles(StoreFiles):
    """Files of a store that carries this program's version before anything is written to it.

    So an older program refuses what it could misread, and a command that is refused leaves an older store as it was.
    """

    def __init__(self, uri: str | os.PathLike[str]) -> None:
        super().__init__(uri)
        self._marked = False

    def version(self) -> int | None:
        """The store's version, None if there is no store. Raises SweepError for a version this program cannot use."""
        content = self.read(_NAME)
        if content is None:
            return None
        version = _version(content)
        if version is None:
            raise SweepError(
                f"{self.uri} has a store.json that is not a store's; choose another store, or if this is one, delete "
                "that file and run its sweep again"
            )
        if version > STORE_SCHEMA:
            raise SweepError(
                f"the store {self.uri} has schema {version}, newer than this program's {STORE_SCHEMA}; upgrade it"
            )
        if version < OLDEST_SCHEMA:
            raise SweepError(
                f"the store {self.uri} has schema {version}, older than this program's {STORE_SCHEMA}; run its sweep "
                "into another store"
            )
        return version

    def mark(self) -> None:
        """Mark the store with this program's version. Raises SweepError if a newer program has marked it."""
        # The version is read anew, as another process may have written since this one opened the store.
        if not self._marked and self.version() != STORE_SCHEMA:
            super().write(_NAME, json.dumps({"schema": STORE_SCHEMA}, separators=(",", ":")).encode())
        self._marked = True

    def write(self, name: str, content: bytes) -> None:
        """Mark the store, then write a file."""
        # A lock is taken before it is known whether the command will write anything.
        if not name.startswith(_LOCKS):
            self.mark()
        super().write(name, content)


def _version(content: bytes) -> int | None:
    try:
        version = json.loads(content)["schema"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    # True is an int too.
    return version if type(version) is int and 0 < version < _HIGHEST else None
