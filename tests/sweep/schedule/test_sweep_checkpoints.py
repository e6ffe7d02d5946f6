"""Checkpoints on their way between workers and the store."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sweep.ledger import Ledger
from sweep.planning import Plan
from sweep.schedule import ExecutorOptions, RunOptions, run_sweep
from sweep.trial import Trial

pytestmark = pytest.mark.slow

RESNET = Trial(
    "test", dataset="digits", network="resnet", depth=8, filters=2, train_samples=200, val_samples=50, epochs=3
)
MEASURED = ("train_loss", "val_loss", "gradient_norm")
KILLED_LOCALLY = """
from sweep.ledger import Ledger
from sweep.planning import Plan
from sweep.schedule import ExecutorOptions, RunOptions, run_sweep
from sweep.trial import Trial

class Silent:
    def update(self, progress): ...
    def note(self, line): ...

plan = Plan.of("test", [Trial.from_dict({values!r})])
options = RunOptions("local", resources=ExecutorOptions("faulty_engines:train_until_saved", "cpu", 1))
run_sweep(plan, Ledger.create({store!r}), options, Silent())
"""


def run(trials: list[Trial], store: Path, notes, executor: str = "local", engine: str = "torch"):
    resources = ExecutorOptions(engine, "cpu", 1, save_seconds=0)
    return run_sweep(Plan.of("test", trials), Ledger.create(store), RunOptions(executor, resources=resources), notes)


def curves(store: Path) -> list[list[float]]:
    table = Ledger.open(store).read("curves").sort_by([("trial_id", "ascending"), ("epoch", "ascending")])
    return [table[name].to_pylist() for name in MEASURED]


@pytest.mark.parametrize("executor", ["local", "ray"])
def test_a_worker_that_dies_is_followed_by_one_that_goes_on(tmp_path, notes, faulty, executor) -> None:
    """The engine kills its worker unless it is given a checkpoint."""
    run([RESNET], tmp_path / "whole", notes)
    store = tmp_path / "store"
    if executor == "ray":
        # Two workers would die at once, and a pack may kill two workers.
        outcome = run([RESNET], store, notes, "ray", faulty.replace("train", "train_until_saved"))
        assert any("the worker process died" in line for line in notes.lines)
        assert outcome.status["finished"] == 1
    else:
        code = KILLED_LOCALLY.format(values=RESNET.as_dict(), store=str(store))
        died = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
        assert died.returncode == -signal.SIGKILL, died.stderr
        assert not Ledger.open(store).contents.status
        assert Ledger.open(store).checkpoints.read(RESNET.training_id) is not None
        assert run([RESNET], store, notes, engine=faulty.replace("train", "train_until_saved")).status["finished"] == 1
        assert "1 of 1 trainings have a checkpoint in the store to go on from" in notes.lines
    assert curves(store) == curves(tmp_path / "whole")


def test_another_study_takes_the_trained_network(tmp_path, notes, faulty) -> None:
    run([RESNET], tmp_path / "store", notes)
    other = RESNET.but(study="other", measure="features")
    # This engine kills the worker that has to train.
    engine = faulty.replace("train", "train_until_saved")
    assert run([other], tmp_path / "store", notes, engine=engine).status["finished"] == 1
    one, two = Ledger.open(tmp_path / "store").read("trials").sort_by("study").to_pylist()
    assert two["val_loss"] == one["val_loss"]
    measurements = Ledger.open(tmp_path / "store").read("measurements")
    assert set(measurements["trial_id"].to_pylist()) == {other.trial_id}
