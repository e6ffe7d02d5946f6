"""What one store holds is brought into another: each trial once, margins with their plans, whatever is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sweep.errors import SweepError
from sweep.ledger import Ledger, Margins, join
from sweep.planning import Plan
from sweep.trial import Trial


def plan_of(seeds: range, margins: Margins | None = None) -> Plan:
    return Plan.of("s", [Trial("s", seed=seed) for seed in seeds], margins)


def store(path: Path, results, seeds: range, loss: float = 1.0, status: str = "finished", margins=None) -> Ledger:
    ledger, plan = Ledger.create(path), plan_of(seeds, margins)
    ledger.record_sweep(plan.sweep_id, plan.study, plan.trials, plan.margins)
    for seed in seeds:
        ledger.publish(results([seed], status, loss))
    return ledger


def losses(path: Path) -> dict[int, tuple[str, float | None]]:
    rows = Ledger.open(path).read("trials").to_pylist()
    assert len({row["trial_id"] for row in rows}) == len(rows)
    return {row["seed"]: (row["status"], row["val_loss"]) for row in rows}


def test_trials_and_plans_come_once_and_the_source_stays(tmp_path: Path, results) -> None:
    target, source = store(tmp_path / "a", results, range(3)), store(tmp_path / "b", results, range(2, 5), 2.0)
    before = {path: path.read_bytes() for path in sorted((tmp_path / "b").rglob("*")) if path.is_file()}
    found = join(target, Ledger.open(source.uri))
    assert (found.trials, found.there, found.sweeps) == (2, 1, 1)
    assert losses(tmp_path / "a") == {seed: ("finished", 1.0 if seed < 3 else 2.0) for seed in range(5)}
    merged = Ledger.open(tmp_path / "a")
    assert merged.read("curves").num_rows == merged.read("measurements").num_rows == 2 * 5
    assert set(merged.sweeps()) == {plan_of(range(3)).sweep_id, plan_of(range(2, 5)).sweep_id}
    declared = source.sweeps()[plan_of(range(2, 5)).sweep_id].declared_at
    assert merged.sweeps()[plan_of(range(2, 5)).sweep_id].declared_at == declared
    assert before == {path: path.read_bytes() for path in sorted((tmp_path / "b").rglob("*")) if path.is_file()}
    again = join(Ledger.open(tmp_path / "a"), Ledger.open(source.uri))
    assert (again.trials, again.there, again.sweeps) == (0, 3, 0)


def test_a_result_replaces_a_failure_and_a_failure_nothing(tmp_path: Path, results) -> None:
    target = store(tmp_path / "a", results, range(2), status="failed")
    target.publish(results([5]))
    source = store(tmp_path / "b", results, range(1), 2.0)
    source.publish(results([5], "failed"))
    assert join(target, source).trials == 1
    assert losses(tmp_path / "a") == {0: ("finished", 2.0), 1: ("failed", None), 5: ("finished", 1.0)}


def test_sweeps_with_other_margins_are_refused_before_anything_is_written(tmp_path: Path, results) -> None:
    target = store(tmp_path / "a", results, range(2))
    source = store(tmp_path / "b", results, range(2), margins=Margins(ratio=0.2))
    store(tmp_path / "b", results, range(3, 5))
    before = sorted((tmp_path / "a").rglob("*"))
    with pytest.raises(SweepError, match=r"has margins of 20 % .* results cannot be judged by both, so keep these"):
        join(target, Ledger.open(source.uri))
    assert sorted((tmp_path / "a").rglob("*")) == before


def test_a_store_is_not_merged_with_itself_under_another_name(tmp_path: Path, results) -> None:
    target = store(tmp_path / "a", results, range(2))
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.raises(SweepError, match="is the store to merge into"):
        join(target, Ledger.open(tmp_path / "link"))


def test_a_damaged_source_is_refused(tmp_path: Path, results) -> None:
    target, source = store(tmp_path / "a", results, range(2)), store(tmp_path / "b", results, range(2, 4))
    next((tmp_path / "b" / "trials").glob("*.parquet")).write_bytes(b"")
    with pytest.raises(SweepError, match="is damaged"):
        join(target, Ledger.open(source.uri))


KILLED = """
import sys
from sweep.ledger import Ledger, join, joining
joining._AT_ONCE = 1
print("ready", flush=True)
join(Ledger.open(sys.argv[1]), Ledger.open(sys.argv[2]))
"""


@pytest.mark.parametrize("written", [1, 5])
def test_what_is_killed_on_the_way_is_completed_by_the_next(tmp_path: Path, results, written: int) -> None:
    store(tmp_path / "a", results, range(1))
    store(tmp_path / "b", results, range(1, 40), 2.0)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path / "a"), str(tmp_path / "b")], stdout=subprocess.PIPE
    )
    deadline = time.monotonic() + 30
    while len(list((tmp_path / "a" / "commits").glob("*.json"))) < 1 + written and time.monotonic() < deadline:
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    done = len(losses(tmp_path / "a"))
    assert 1 < done <= 40
    found = join(Ledger.create(tmp_path / "a"), Ledger.open(tmp_path / "b"))
    assert (found.trials, found.there) == (40 - done, done - 1)
    assert losses(tmp_path / "a") == {seed: ("finished", 2.0 if seed else 1.0) for seed in range(40)}
