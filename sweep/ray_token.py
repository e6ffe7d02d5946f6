"""The token that authenticates users of a Ray cluster."""

import contextlib
import os
import secrets
import sys
from pathlib import Path

_NAMES = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
_FILE = Path(".ray") / "auth_token"


def use_token() -> None:
    """Have Ray send the user's token if there is one; call this before importing Ray, which by default sends none.

    Ray itself reads the token from $RAY_AUTH_TOKEN, the file $RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token.
    """
    # After the import it is too late: Ray's servers would ask for a token that this process does not send.
    if "RAY_AUTH_MODE" in os.environ or "ray" in sys.modules:
        return
    if _has_token():
        os.environ["RAY_AUTH_MODE"] = "token"


def make_token() -> None:
    """Make the user's token if a Ray that asks for one would make it: Ray's is readable for everyone.

    Raises OSError or RuntimeError if there is no home folder that can be written.
    """
    if os.environ.get("RAY_AUTH_MODE", "token").lower() != "token" or _has_token():
        return
    file = Path.home() / _FILE
    file.parent.mkdir(mode=0o700, exist_ok=True)
    # Another sweep that begins may have been faster.
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as opened:
            opened.write(secrets.token_hex(32))


def _has_token() -> bool:
    with contextlib.suppress(RuntimeError):
        return any(os.environ.get(name) for name in _NAMES) or (Path.home() / _FILE).is_file()
    return False
