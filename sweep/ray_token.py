"""The token with which a Ray cluster knows its users."""

import contextlib
import os
import sys
from pathlib import Path

_NAMES = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
_FILE = Path(".ray") / "auth_token"


def use_token() -> None:
    """Have Ray send the user's token where there is one, before Ray is imported: by itself it does so only when told.

    The token is $RAY_AUTH_TOKEN, in the file $RAY_AUTH_TOKEN_PATH or in ~/.ray/auth_token. It is Ray that reads it.
    """
    # Once Ray is imported it is too late: servers that it starts would ask for what this process does not send.
    if "RAY_AUTH_MODE" in os.environ or "ray" in sys.modules:
        return
    with contextlib.suppress(RuntimeError):
        if any(os.environ.get(name) for name in _NAMES) or (Path.home() / _FILE).is_file():
            os.environ["RAY_AUTH_MODE"] = "token"
