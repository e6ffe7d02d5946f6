"""Ctrl-C, SIGTERM and SIGHUP on a real process."""

import os
import pty
import select
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


LEVELS = ("dataset=digits", "train_samples=0", "val_samples=0", "image_size=0", "depth=1,2,4")
FACTORS = [word for level in LEVELS for word in ("--set", level)]


def start(store: Path, *options: str) -> "subprocess.Popen[str]":
    options = ("--store", str(store), "--pack-size", "2", "--workers", "1", *FACTORS, *options)
    return subprocess.Popen(
        [sys.executable, "-m", "sweep", "run", "quick", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=as_in_a_terminal,
    )


def as_in_a_terminal() -> None:
    """Let signals end this process, also where the tests run in the background or under nohup."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


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
    check(store)


def check(store: Path) -> None:
    """What a store must be like after an interrupt: each result once, and no run left RUNNING."""
    ledger = Ledger.open(store)
    assert ledger.read("trials").num_rows == len(ledger.contents.status) > 0
    client = MlflowClient(tracking_uri=tracking_uri(ledger, None))
    experiment = client.get_experiment_by_name("quick")
    if experiment is not None:
        runs = client.search_runs([experiment.experiment_id], "attributes.status = 'RUNNING'")
        assert not runs


def test_a_closed_terminal_is_as_an_interrupt(tmp_path):
    store = tmp_path / "store"
    options = ("--executor", "local", "--store", str(store), "--pack-size", "2", "--workers", "1")
    pid, terminal = pty.fork()
    if pid == 0:
        as_in_a_terminal()
        os.execv(sys.executable, [sys.executable, "-m", "sweep", "run", "quick", *FACTORS, *options])
    try:
        deadline = time.monotonic() + 90
        while not list(store.glob("commits/*.json")) or not (store / "mlflow.db").exists():
            assert time.monotonic() < deadline
            # A terminal that nobody reads would stop the sweep.
            if select.select([terminal], [], [], 0.2)[0]:
                os.read(terminal, 4096)
    finally:
        os.close(terminal)
    began = time.monotonic()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130
    assert time.monotonic() - began < 20
    check(store)
