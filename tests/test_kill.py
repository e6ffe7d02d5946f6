"""The whole process tree is killed at random moments, and a last run finds everything in order."""

import contextlib
import json
import os
import random
import shutil
import stat
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from mlflow import MlflowClient

from sweep.data.cache import cache_base
from sweep.engine.native.library import library
from sweep.errors import SweepError
from sweep.ledger import Ledger
from sweep.tracking import tracking_uri
from tests.processes import kill_tree, tree

pytestmark = pytest.mark.slow

KILLS = 4
GROUP = 4242
RAY_ITSELF = 3
"""Processes at most of a sweep whose Ray has not begun."""
STUDY = """
study: killed
factors:
  dataset: [digits]
  depth: [1, 2, 4]
  filters: [2]
  kernel_size: [3]
  activation: [relu]
  seed: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
  architecture: [sequential, parallel]
  epochs: [8]
"""
TRIALS = 3 * 12 * 2
SHORT_LEASES = """
import sys
import sweep.ledger.lease as lease
from sweep.cli import main
lease.TIMES = lease.LeaseTimes(1, 15, 0.5)
main(sys.argv[1:])
"""


@dataclass(frozen=True)
class Place:
    """A store, and how the runs on it are started."""

    store: str
    kills: int
    options: tuple[str, ...] = ()
    users: tuple[tuple[str, ...], ...] = ((),)
    """What the command of each run begins with, in turn."""
    home: Path | None = None
    program: tuple[str, ...] = ("-m", "sweep")

    def command(self, study: Path, executor: str, run: int) -> list[str]:
        words = ["run", str(study), "--store", self.store, "--executor", executor, "--pack-size", "4", *self.options]
        sweep = [sys.executable, *self.program, *words, "--device", "cpu", "--no-report"]
        return [*self.users[run % len(self.users)], *sweep]

    @property
    def environment(self) -> dict[str, str]:
        """Of a user whose home is not this one's."""
        return {
            **os.environ,
            **({"HOME": str(self.home), "XDG_CACHE_HOME": f"{self.home}/.cache"} if self.home else {}),
        }


def a_folder(tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    return Place(str(tmp_path / "store"), KILLS)


def an_object_store(tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    server = request.getfixturevalue("object_store")
    for name, value in {**server.environment, "AWS_ENDPOINT_URL": server.url}.items():
        request.getfixturevalue("monkeypatch").setenv(name, value)
    # The next run waits for the lease of a killed one to expire, which takes a minute by default.
    tracking = ("--tracking", f"sqlite:///{tmp_path}/runs.db")
    return Place(server.unused(), 1, tracking, program=("-c", SHORT_LEASES))


def a_folder_of_two_users(tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0 or setpriv is None:
        pytest.skip("becomes another user by setpriv")
    folder = tmp_path / "shared"
    folder.mkdir()
    os.chown(folder, 0, GROUP)
    folder.chmod(0o2775)
    for parent in (tmp_path, *tmp_path.parents):
        parent.chmod(parent.stat().st_mode | stat.S_IXOTH)
    home = tmp_path / "home"
    home.mkdir(mode=0o777)
    home.chmod(0o777)
    # Otherwise every run of the other user would compile it for himself.
    library(3)
    if (kept := cache_base() / "kernels").is_dir():
        kernels = Path(shutil.copytree(kept, home / ".cache" / kept.parent.name / kept.name))
        for path in (kernels, *kernels.iterdir()):
            path.chmod(0o777)
    request.addfinalizer(partial(os.umask, os.umask(0o002)))
    # The other user may read the interpreter, wherever it is, but write only what the group may.
    reads = ("--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search")
    other = (setpriv, "--reuid", "65534", "--regid", str(GROUP), "--clear-groups", *reads)
    return Place(str(folder / "store"), 2, users=((), other, other), home=home)


@pytest.mark.timeout(900)
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds a process's descendants in Linux's /proc")
@pytest.mark.parametrize("place", [a_folder, an_object_store, a_folder_of_two_users])
def test_kills_at_random_moments_lose_and_repeat_nothing(tmp_path, request, place):
    study, where = tmp_path / "killed.yaml", place(tmp_path, request)
    study.write_text(STUDY)
    moments = random.Random(20260)
    killed = Counter()
    for number in range(where.kills):
        executor = "ray" if number % 3 == 0 and where.kills == KILLS else "local"
        # Kills fall into start-up, and into training, publishing and tracking.
        delay = moments.uniform(*[(0, 5), (1, 4), (4, 8)][number % 3 if where.kills == KILLS else 2])
        process = subprocess.Popen(
            where.command(study, executor, number),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=where.environment,
        )
        while executor == "ray" and process.poll() is None and len(tree(process.pid)) <= RAY_ITSELF:
            time.sleep(0.1)
        time.sleep(delay)
        if process.poll() is None:
            killed[executor] += kill_tree(process.pid)
        process.wait()
        with contextlib.suppress(SweepError):
            Ledger.open(where.store).read("trials")

    last = subprocess.run(
        where.command(study, "local", where.kills), capture_output=True, text=True, check=False, env=where.environment
    )
    assert last.returncode == 0, last.stderr
    assert killed["ray"] > RAY_ITSELF or where.kills != KILLS, "a killed Ray sweep has workers"
    assert killed, "no run was killed"
    in_order(Ledger.open(where.store), where.options[1] if where.options else None)


def in_order(ledger: Ledger, tracking: str | None) -> None:
    """Every trial is once in the store and once in MLflow, and no run is left RUNNING."""
    trials = ledger.read("trials")
    assert trials.num_rows == TRIALS == len(set(trials["trial_id"].to_pylist()))
    assert set(trials["status"].to_pylist()) == {"finished"}
    published = [name for name in ledger.files.list("commits") if not name.endswith("-merged.json")]
    markers = [json.loads(ledger.files.read(f"commits/{name}") or b"")["trials"] for name in published]
    assert sum(map(len, markers)) == TRIALS, "a finished pack was trained again"

    client = MlflowClient(tracking_uri=tracking_uri(ledger, tracking))
    experiment = client.get_experiment_by_name("killed")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    assert Counter(run.info.status for run in runs) == Counter(FINISHED=TRIALS + 1)
    assert Counter(run.data.tags.get("trial_id") for run in runs) == Counter([*trials["trial_id"].to_pylist(), None])
