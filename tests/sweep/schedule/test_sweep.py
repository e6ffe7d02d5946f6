"""Sweeps through each executor, with engines that fail for real."""

import contextlib
import math
import os
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from sweep.cost import CostModel
from sweep.errors import SweepError
from sweep.ledger import Ledger, Margins
from sweep.planning import Plan
from sweep.schedule import ExecutorOptions, RunOptions, run_sweep
from sweep.tracking import tracking_uri
from sweep.trial import Trial

pytestmark = pytest.mark.slow

RAISES, HUNGRY, KILLS, KILLS_ONCE = 101, 102, 103, 104
HEALTHY = (0, 1, 2)


def plan_of(*seeds: int) -> Plan:
    """Packs that differ in depth, so that each fault has a pack of its own with healthy neighbours."""
    trials = [
        Trial("test", dataset="digits", depth=depth, seed=s)
        for depth, seed in enumerate(seeds, 1)
        for s in (*HEALTHY, seed)
    ]
    return Plan.of("test", trials)


def run(plan: Plan, store: Path, notes, engine: str = "null", executor: str = "local", **options):
    resources = ExecutorOptions(engine=engine, workers=2)
    return run_sweep(plan, Ledger.create(store), RunOptions(executor, resources=resources, **options), notes)


def statuses(store: Path) -> dict[int, Counter[str]]:
    """Status counts by seed."""
    counts: dict[int, Counter[str]] = {}
    for row in Ledger.open(store).read("trials").to_pylist():
        counts.setdefault(row["seed"], Counter())[row["status"]] += 1
    return counts


def test_one_poisoned_trial_does_not_take_its_pack_down(tmp_path, notes, faulty):
    plan = plan_of(RAISES, HUNGRY)
    outcome = run(plan, tmp_path / "store", notes, faulty)
    assert outcome.status == Counter(finished=7, failed=1)
    assert statuses(tmp_path / "store")[RAISES] == Counter(failed=1)
    errors = Ledger.open(tmp_path / "store").read("trials")["error"].drop_null().to_pylist()
    assert errors == ["ValueError: this trial cannot be trained"]
    assert any("is tried again" in line and "out of memory" in line for line in notes.lines)


@pytest.mark.parametrize("seeds", [range(2), range(9)])
def test_a_fault_of_all_trials_ends_the_sweep_and_of_a_few_that_are_all_does_not(tmp_path, notes, faulty, seeds):
    trials = [
        Trial("test", dataset="digits", learning_rate=rate, seed=RAISES) for rate in (1e-4 * (n + 1) for n in seeds)
    ]
    plan = Plan.of("test", trials)
    if len(seeds) < 8:
        assert run(plan, tmp_path / "store", notes, faulty).status == Counter(failed=len(seeds))
        return
    with pytest.raises(
        SweepError, match=r"every trial fails for one reason, 8 by now .* ValueError: this trial cannot be"
    ):
        run(plan, tmp_path / "store", notes, faulty)
    assert not Ledger.open(tmp_path / "store").contents.status
    # Mended, the same sweep trains them all.
    assert run(plan, tmp_path / "store", notes).status == Counter(finished=len(seeds))


def test_with_little_time_packs_are_small(tmp_path, notes):
    trials = [Trial("test", dataset="digits", epochs=1, learning_rate=1e-3 + n / 1e5) for n in range(48)]
    plan = Plan.of("test", trials)

    class Sizes(list):
        """Sizes of packs, as a display sees them."""

        def update(self, book):
            self.extend(len(attempt.pack) for attempt in (*book.pending, *book.out.values()))

        def note(self, line):
            """Nothing."""

    seen = {}
    for seconds in (math.inf, 20 * CostModel().seconds(trials[:4])):
        seen[seconds] = Sizes()
        run(plan, tmp_path / f"{seconds}", seen[seconds], seconds=seconds)
    sizes = [max(each) for each in seen.values()]
    assert sizes[0] == 24
    assert 2 <= sizes[1] <= 8


@pytest.mark.parametrize(("engine", "done"), [("train", 2), ("train_when_released", 0)])
def test_when_the_time_is_up_what_is_done_is_kept_and_the_next_run_trains_the_rest(
    tmp_path, notes, faulty, engine, done
):
    """The first engine takes a second per pack, so the third would not fit; the second never ends by itself."""
    plan = plan_of(3, 4)
    began = time.monotonic()
    found = run(plan, tmp_path / "store", notes, f"paced_engine:{engine}", seconds=2.6, pack_size=1)
    assert time.monotonic() - began < 20
    assert (found.status.total(), found.missing) == (done, len(plan) - done)
    assert (found.time_is_up, found.interrupted) == (True, False)
    found = run(plan, tmp_path / "store", notes, seconds=600.0, order="random")
    assert (found.missing, found.time_is_up) == (0, False)


def test_ray_survives_dying_workers_and_gives_up_only_the_guilty(shared_ray, tmp_path, notes, faulty):
    plan = plan_of(KILLS, KILLS_ONCE, RAISES)
    outcome = run(plan, tmp_path / "store", notes, faulty, executor="ray")
    assert outcome.status == Counter(finished=10, failed=2)
    assert outcome.missing == 0
    found = statuses(tmp_path / "store")
    assert found[KILLS] == found[RAISES] == Counter(failed=1)
    assert found[KILLS_ONCE] == Counter(finished=1)
    assert all(found[seed] == Counter(finished=3) for seed in HEALTHY)


def test_a_worker_that_dies_before_it_begins_costs_its_pack_a_try(shared_ray, tmp_path, notes, faulty):
    stopped = threading.Event()
    with ThreadPoolExecutor() as pool:
        killed = pool.submit(kill_a_worker_that_starts, stopped)
        outcome = run(plan_of(3, 4), tmp_path / "store", notes, faulty, executor="ray")
        stopped.set()
    assert killed.result()
    assert outcome.status == Counter(finished=8)
    assert any("the worker process died" in line for line in notes.lines)


def kill_a_worker_that_starts(stopped: threading.Event) -> bool:
    """Kill the first of this Ray's workers that makes its trainable; whether there was one."""
    ours = f"FAULTY_ENGINES_FOLDER={os.environ['FAULTY_ENGINES_FOLDER']}".encode()
    while not stopped.wait(0.005):
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                starts = b"ray::" in (title := (process / "cmdline").read_bytes()) and b".__init__" in title
                if starts and ours in (process / "environ").read_bytes():
                    os.kill(int(process.name), signal.SIGKILL)
                    return True
    return False


def test_a_second_run_trains_nothing(tmp_path, notes, faulty):
    plan = plan_of(RAISES)
    run(plan, tmp_path / "store", notes, faulty)
    before = sorted((tmp_path / "store" / "commits").iterdir())
    assert run(plan, tmp_path / "store", notes, "no-such:engine").status == Counter(finished=3, failed=1)
    assert sorted((tmp_path / "store" / "commits").iterdir()) == before


def test_a_finished_and_merged_sweep_asks_mlflow_nothing(tmp_path, notes, monkeypatch):
    plan = Plan.of("test", [Trial("test", dataset="digits", seed=seed) for seed in range(9)])
    ledger = Ledger.create(tmp_path / "store")
    tracked = {"pack_size": 1, "tracking": tracking_uri(ledger, None)}
    assert run(plan, tmp_path / "store", notes, **tracked).tracking_fault is None
    assert len(ledger.refresh().commits) == 1

    def no_tracker(*_):
        raise AssertionError("MLflow is asked")

    monkeypatch.setattr("sweep.schedule.sweep.Tracker", no_tracker)
    for part in (plan, plan.limit(4)):
        assert run(part, tmp_path / "store", notes, **tracked).status == Counter(finished=len(part))
    with pytest.raises(AssertionError, match="MLflow is asked"):
        run(plan_of(3, 4), tmp_path / "store", notes, **tracked)


def test_other_margins_are_refused_once_there_are_results(tmp_path, notes):
    plan = plan_of(3)
    other = replace(plan, margins=Margins(ratio=0.5))
    with pytest.raises(SweepError, match="did you mean 'null'"):
        run(plan, tmp_path / "store", notes, "nul")
    run(other, tmp_path / "store", notes)
    with pytest.raises(SweepError, match=r"margins were declared on \S+ as 50 % of the loss"):
        run(plan, tmp_path / "store", notes, "no-such:engine")
    assert run(other, tmp_path / "store", notes, "no-such:engine").status == Counter(finished=4)
    (sweep,) = Ledger.open(tmp_path / "store").sweeps().values()
    assert sweep.margins == Margins(ratio=0.5)
    assert sweep.trial_ids == [trial.trial_id for trial in plan.trials]


def test_failed_trials_are_trained_again_on_request(tmp_path, notes, faulty):
    plan = plan_of(RAISES)
    run(plan, tmp_path / "store", notes, faulty)
    outcome = run(plan, tmp_path / "store", notes, "null", retry_failed=True)
    assert outcome.status == Counter(finished=4)
    assert Ledger.open(tmp_path / "store").read("trials").num_rows == 4


def test_shards_of_one_plan_fill_one_store(tmp_path, notes):
    plan = plan_of(3, 4, 5, 6)
    for part in (1, 2, 3):
        run(plan.shard(part, 3), tmp_path / "store", notes)
    assert run(plan, tmp_path / "store", notes, "no-such:engine").status == Counter(finished=len(plan))


def test_the_same_sweep_twice_at_once_is_refused(tmp_path, notes):
    plan = plan_of(3)
    ledger = Ledger.create(tmp_path / "store")
    with ledger.lock(plan.sweep_id), pytest.raises(SweepError, match="already running"):
        run(plan, tmp_path / "store", notes)


def test_trials_of_a_damaged_commit_are_trained_again(tmp_path, notes):
    plan = plan_of(3, 4)
    run(plan, tmp_path / "store", notes)
    victim = next((tmp_path / "store" / "trials").iterdir())
    victim.write_bytes(victim.read_bytes()[:-10])
    outcome = run(plan, tmp_path / "store", notes)
    assert outcome.status == Counter(finished=len(plan))
    assert any("bytes where" in line for line in notes.lines)
    assert Ledger.open(tmp_path / "store").read("trials").num_rows == len(plan)


@pytest.mark.parametrize("executor", ["local", "ray"])
def test_a_store_that_cannot_be_written_ends_the_sweep_in_one_sentence(shared_ray, faulty, tmp_path, notes, executor):
    ledger = Ledger.create(tmp_path / "store")
    plan = plan_of(3, 4)
    (tmp_path / "store" / "curves").write_text("a file where a folder belongs")
    options = RunOptions(executor, resources=ExecutorOptions(engine="null", workers=2))
    with pytest.raises(SweepError, match="cannot be written"):
        run_sweep(plan, ledger, options, notes)


@pytest.mark.parametrize("executor", ["local", "ray"])
def test_what_a_user_must_mend_ends_the_sweep_and_fails_no_trial(shared_ray, faulty, tmp_path, notes, executor):
    with pytest.raises(SweepError, match="did you mean 'null'"):
        run(plan_of(3), tmp_path / "store", notes, "nul", executor=executor)
    assert not Ledger.open(tmp_path / "store").contents.status


def test_an_unreachable_cluster_is_one_sentence(tmp_path, notes):
    options = RunOptions("ray", resources=ExecutorOptions(engine="null", address="127.0.0.1:1"))
    with pytest.raises(SweepError, match=r"Ray cannot be reached at 127\.0\.0\.1:1"):
        run_sweep(plan_of(3), Ledger.create(tmp_path / "store"), options, notes)


def test_workers_that_cannot_begin_end_the_sweep_in_their_own_words_and_fail_no_trial(
    tmp_path, notes, kept_ray, monkeypatch
):
    kept_ray.end()
    (tmp_path / "pyarrow").mkdir()
    (tmp_path / "pyarrow" / "__init__.py").write_text("raise ImportError('libfoo.so: no such file')")
    # This process has the real one already.
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(
        SweepError, match=r"^every worker died before .*\bImportError: libfoo\.so: no such file.; no trial"
    ):
        run(plan_of(3, 4), tmp_path / "store", notes, executor="ray")
    assert not Ledger.open(tmp_path / "store").contents.status
