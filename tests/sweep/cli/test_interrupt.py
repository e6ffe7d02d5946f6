"""Ctrl-C and SIGTERM on a real process."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from sweep.ledger import Ledger
from sweep.tracking import tracking_uri

pytestmark = pytest.mark.slow


def start(store: Path, *options: str) -> "subprocess.Popen[str]":
    levels = ["dataset=digits", "train_samples=0", "val_samples=0", "image_size=0", "depth=1,2,4"]
    factors = [word for level in levels for word in ("--set", level)]
    options = ("--store", str(store), "--pack-size", "2", "--workers", "1", *factors, *options)
    return subprocess.Popen(
        [sys.executable, "-m", "sweep", "run", "quick", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_commit(process: "subprocess.Popen[str]", store: Path) -> None:
    """Wait until a pack is published and MLflow's database exists, since making that cannot be interrupted."""
    deadline = time.monotonic() + 90
    while not list(store.glob("commits/*.json")) or not (store / "mlflow.db").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("executor", "number"), [("local", signal.SIGTERM), ("ray", signal.SIGINT), ("ray", signal.SIGTERM)]
)
def test_an_interrupt_ends_within_seconds_and_says_how_to_go_on(tmp_path, executor, number):
    store = tmp_path / "store"
    process = start(store, "--executor", executor)
    wait_for_commit(process, store)
    process.send_signal(number)
    began = time.monotonic()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert time.monotonic() - began < 20
    assert f"go on with: sweep run quick --store {store}" in " ".join(out.split())
    assert "Traceback" not in err

    ledger = Ledger.open(store)
    assert ledger.read("trials").num_rows == len(ledger.contents.status) > 0
    client = MlflowClient(tracking_uri=tracking_uri(ledger, None))
    experiment = client.get_experiment_by_name("quick")
    if experiment is not None:
        runs = client.search_runs([experiment.experiment_id], "attributes.status = 'RUNNING'")
        assert not runs
