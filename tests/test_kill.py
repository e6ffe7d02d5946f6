"""The whole process tree is killed at random moments, and a last run finds everything in order."""

import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from mlflow import MlflowClient

from sweep.ledger import Ledger
from sweep.tracking import tracking_uri
from tests.processes import kill_tree, tree

pytestmark = pytest.mark.slow

KILLS = 4
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


def command(study: Path, store: Path, executor: str) -> list[str]:
    options = ["--executor", executor, "--pack-size", "4", "--device", "cpu", "--no-report"]
    return [sys.executable, "-m", "sweep", "run", str(study), "--store", str(store), *options]


@pytest.mark.timeout(900)
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds a process's descendants in Linux's /proc")
def test_kills_at_random_moments_lose_and_repeat_nothing(tmp_path):
    study, store = tmp_path / "killed.yaml", tmp_path / "store"
    study.write_text(STUDY)
    moments = random.Random(20260)
    killed = Counter()
    for number in range(KILLS):
        executor = "ray" if number % 3 == 0 else "local"
        # Kills fall into start-up, and into training, publishing and tracking.
        delay = moments.uniform(*[(0, 5), (1, 4), (4, 8)][number % 3])
        process = subprocess.Popen(
            command(study, store, executor), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while executor == "ray" and process.poll() is None and len(tree(process.pid)) <= RAY_ITSELF:
            time.sleep(0.1)
        time.sleep(delay)
        if process.poll() is None:
            killed[executor] += kill_tree(process.pid)
        process.wait()
        if (store / "store.json").exists():
            Ledger.open(store).read("trials")

    last = subprocess.run(command(study, store, "local"), capture_output=True, text=True, check=False)
    assert last.returncode == 0, last.stderr
    assert killed["ray"] > RAY_ITSELF, "a killed Ray sweep has workers"

    trials = Ledger.open(store).read("trials")
    assert trials.num_rows == TRIALS == len(set(trials["trial_id"].to_pylist()))
    assert set(trials["status"].to_pylist()) == {"finished"}
    published = [path for path in (store / "commits").glob("*.json") if not path.stem.endswith("-merged")]
    markers = [json.loads(path.read_text())["trials"] for path in published]
    assert sum(map(len, markers)) == TRIALS, "a finished pack was trained again"

    client = MlflowClient(tracking_uri=tracking_uri(Ledger.open(store), None))
    experiment = client.get_experiment_by_name("killed")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    assert Counter(run.info.status for run in runs) == Counter(FINISHED=TRIALS + 1)
    assert Counter(run.data.tags.get("trial_id") for run in runs) == Counter([*trials["trial_id"].to_pylist(), None])
