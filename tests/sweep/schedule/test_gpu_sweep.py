"""Sweeps on a Ray cluster with GPUs that are there in name alone."""

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from sweep.errors import SweepError
from sweep.ledger import Ledger
from sweep.plan import Plan
from sweep.schedule import ExecutorOptions, RunOptions, run_sweep
from sweep.trial import Trial

pytestmark = [pytest.mark.fills_machine, pytest.mark.slow]

HUNGRY = 102
CLUSTER = """
import sys
import ray
context = ray.init(address="local", num_cpus=3, num_gpus=1, include_dashboard=False, log_to_driver=False)
print("address", context.address_info["gcs_address"], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def cluster(faulty: str) -> Iterator[str]:
    """Address of a cluster with a GPU and three CPUs, kept by a process of its own."""
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[3])])
    environment = os.environ | {"PYTHONPATH": path, "RAY_USAGE_STATS_ENABLED": "0"}
    with subprocess.Popen(
        ["python", "-c", CLUSTER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    ) as keeper:
        assert keeper.stdout is not None
        try:
            yield next(line.split()[1] for line in keeper.stdout if line.startswith("address"))
        finally:
            keeper.send_signal(signal.SIGTERM)


def run(packs: int, store: Path, notes, engine: str = "paced_engine:train", **options):
    """Run packs of two trials, the last of them with a trial that wants a whole GPU."""
    seeds = [*range(2 * packs - 1)]
    trials = [Trial("test", dataset="digits", filters=1, depth=1 + seed // 2, seed=seed) for seed in seeds]
    trials.append(trials[-1].but(seed=HUNGRY))
    how = RunOptions("ray", resources=ExecutorOptions(engine, **options))
    return run_sweep(Plan.of("test", trials), Ledger.create(store), how, notes)


def asked(tmp_path: Path) -> list[list[str]]:
    """Device, share, trials and process of every pack begun."""
    return [line.split() for line in (tmp_path / "asked").read_text().splitlines()]


def test_packs_share_a_gpu_and_cpus_take_their_part(cluster, tmp_path, notes):
    outcome = run(30, tmp_path / "store", notes, address=cluster, gpu_memory=12)
    assert outcome.status == Counter(finished=60)
    begun = asked(tmp_path)
    assert Counter(device for device, *_ in begun).keys() == {"cuda", "cpu"}
    assert {share for device, share, *_ in begun if device == "cuda"} <= {"0.25", "1.0"}
    # Workers are kept: a few for each share and device, not one a pack.
    assert len({process for *_, process in begun}) < len(begun) / 2


def test_a_pack_that_lacks_memory_on_a_part_of_a_gpu_gets_a_whole_one(cluster, tmp_path, notes):
    outcome = run(2, tmp_path / "store", notes, address=cluster, gpu_memory=12, device="cuda")
    assert outcome.status == Counter(finished=4)
    shares = Counter(share for _, share, *_ in asked(tmp_path))
    assert shares == Counter({"0.25": 2, "1.0": 1})


def test_a_gpu_that_cuda_does_not_know_is_one_sentence(cluster, tmp_path, notes):
    with pytest.raises(SweepError, match="torch finds no CUDA GPU"):
        run(1, tmp_path / "store", notes, "torch", address=cluster, device="cuda")
    assert any("--gpu-memory" in line for line in notes.lines)
    assert not Ledger.open(tmp_path / "store").contents.status


def test_a_machine_without_a_gpu_refuses_one(tmp_path, notes, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(SweepError, match="Ray finds no GPU on this machine"):
        run(1, tmp_path / "store", notes, device="cuda")
