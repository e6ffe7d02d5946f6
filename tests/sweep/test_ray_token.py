"""Which processes send the token of a user's clusters."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(("before", "mode"), [("", "token"), ("import ray; ", "None")])
def test_a_token_is_sent_unless_ray_was_imported_before(before: str, mode: str, tmp_path: Path) -> None:
    token = tmp_path / ".ray" / "auth_token"
    token.parent.mkdir()
    token.write_text("0" * 64)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    script = (
        f"{before}import os; from sweep.ray_token import use_token; use_token(); print(os.environ.get('RAY_AUTH_MODE'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment | {"HOME": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.stdout == f"{mode}\n", done.stderr
