"""A Ray that a sweep starts for itself: how it starts, who can reach it, and what follows when it is killed."""

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sweep.errors import SweepError
from sweep.schedule.own_ray import Head, start
from tests.servers import free_port

SERVER = Path(__file__).with_name("own_ray_script.py")


@pytest.mark.slow
@pytest.mark.parametrize("server", ["raylet", "gcs_server"])
def test_it_is_the_users_alone_and_its_death_ends_the_sweep(server: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    # Whatever a working folder holds, workers import the project.
    for name in ("models", "analysis", "sweep", "numpy"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text("raise RuntimeError('not yours')")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
    done = subprocess.run(
        [sys.executable, str(SERVER), server],
        cwd=folder,
        env=environment | {"HOME": str(tmp_path), "RAY_TMPDIR": environment.get("RAY_TMPDIR", "/tmp")},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["models"] == str(Path(__file__).parents[3] / "models" / "__init__.py")
    assert found["addresses"] == ["127.0.0.1"]
    assert stat.S_IMODE((tmp_path / ".ray" / "auth_token").stat().st_mode) == 0o600
    assert found["error"].startswith(f"{server}, a process of the Ray that this sweep started, has ended")
    assert found["seconds"] < 30
    assert done.stderr == ""


def test_a_folder_for_rays_files_that_is_of_no_use_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    long = tmp_path / ("x" * 90)
    long.mkdir()
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    for folder in (tmp_path / "file", long):
        monkeypatch.setenv("RAY_TMPDIR", str(folder))
        with pytest.raises(
            SweepError, match=r"^Ray cannot start on this machine: .*RAY_TMPDIR.*\$TMPDIR.*--executor local"
        ):
            start(num_cpus=1)


def test_whatever_ray_raises_at_its_start_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def time_out(**_: object) -> None:
        raise Exception("The current node timed out during startup.\nIt may be overloaded.")

    monkeypatch.setattr("ray.init", time_out)
    with pytest.raises(
        SweepError, match=r"^Ray cannot start on this machine: The current node timed out during startup\. Ray"
    ):
        start(num_cpus=1)


def test_a_head_may_be_away_for_a_while() -> None:
    head = Head(f"127.0.0.1:{free_port()}", patience=0.3)
    assert head.fault() is None
    time.sleep(0.4)
    assert "does not answer any more" in (head.fault() or "")
