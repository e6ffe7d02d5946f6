"""The token that authenticates users of a Ray cluster."""

import contextlib
import os
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
    with contextlib.suppress(RuntimeError):
        if any(os.environ.get(name) for name in _NAMES) or (Path.home() / _FILE).is_file():
            os.environ["RAY_AUTH_MODE"] = "token"
