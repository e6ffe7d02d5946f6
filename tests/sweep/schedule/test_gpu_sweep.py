"""Sweeps where Ray has a GPU that is there in name alone."""

from collections import Counter
from pathlib import Path

import pytest

from sweep.errors import SweepError
from sweep.ledger import Ledger
from sweep.planning import Plan
from sweep.schedule import ExecutorOptions, RunOptions, run_sweep
from sweep.trial import Trial

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("shared_ray")]

HUNGRY = 102


@pytest.fixture
def gpu(faulty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Ray believe that this machine has a GPU."""
    monkeypatch.setenv("RAY_OVERRIDE_RESOURCES", '{"GPU": 1}')


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


def test_all_packs_go_to_the_gpu_that_there_is_with_workers_that_are_kept(gpu, tmp_path, notes):
    outcome = run(12, tmp_path / "store", notes, workers=3)
    assert outcome.status == Counter(finished=24)
    begun = asked(tmp_path)
    assert {(device, share) for device, share, *_ in begun} == {("cuda", "1.0")}
    # Workers are kept: not one a pack.
    assert len({process for *_, process in begun}) < len(begun) / 2


def test_a_pack_that_lacks_memory_on_a_part_of_a_gpu_gets_a_whole_one(gpu, tmp_path, notes):
    outcome = run(2, tmp_path / "store", notes, workers=3, gpus_per_pack=0.25, device="cuda")
    assert outcome.status == Counter(finished=4)
    shares = Counter(share for _, share, *_ in asked(tmp_path))
    assert shares == Counter({"0.25": 2, "1.0": 1})


def test_a_gpu_that_cuda_does_not_know_is_one_sentence(gpu, tmp_path, notes):
    with pytest.raises(SweepError, match="torch finds no CUDA GPU"):
        run(1, tmp_path / "store", notes, "torch", workers=3, device="cuda")
    assert not Ledger.open(tmp_path / "store").contents.status


def test_a_machine_without_a_gpu_refuses_one(faulty, tmp_path, notes, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(SweepError, match="Ray finds no GPU on this machine"):
        run(1, tmp_path / "store", notes, workers=3, device="cuda")


def test_packs_that_wait_for_gpus_which_are_gone_go_to_cpus(faulty, tmp_path, notes, monkeypatch):
    """The cluster is believed to have a GPU until a person is told that packs wait; Ray never has one."""

    def told() -> bool:
        return any("no pack could begin" in line for line in notes.lines)

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr("sweep.schedule.tune._STALLED_SECONDS", 0)
    monkeypatch.setattr("sweep.schedule.cluster.counts", lambda: (1, 3))
    monkeypatch.setattr("sweep.schedule.tune.counts", lambda: (int(not told()), 3))
    outcome = run(6, tmp_path / "store", notes, workers=3)
    assert outcome.status == Counter(finished=12)
    assert {device for device, *_ in asked(tmp_path)} == {"cpu"}
    assert told()


def test_packs_are_taken_back_as_soon_as_handed_out_and_while_others_train(gpu, tmp_path, notes, monkeypatch):
    """The cluster has one processor. Its GPU is believed lost at the first look, and again once some packs have begun.

    No worker is kept idle for a pack that was taken back, as the only processor would then serve no other.
    """
    first = iter([1, 1, 0])

    def counts() -> tuple[int, int]:
        few_begun = not (tmp_path / "asked").exists() or len(asked(tmp_path)) < 3
        return next(first, int(few_begun)), 1

    monkeypatch.setattr("sweep.schedule.tune._LOOK_SECONDS", 0)
    monkeypatch.setattr("sweep.schedule.tune.counts", counts)
    outcome = run(7, tmp_path / "store", notes, workers=1)
    assert outcome.status == Counter(finished=14)
    assert {device for device, *_ in asked(tmp_path)} == {"cuda", "cpu"}
