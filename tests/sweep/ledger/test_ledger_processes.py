"""Several processes on one store, and processes that are killed."""

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from sweep.errors import SweepError
from sweep.ledger import SCHEMAS, Ledger, merge_commits
from sweep.ledger.scan import scan

LOCKER = """
import sys
from sweep.errors import SweepError
from sweep.ledger import Ledger
try:
    with Ledger.create(sys.argv[1]).lock(sys.argv[2]):
        print("held", flush=True)
        sys.stdin.read()
except SweepError as error:
    print(error, flush=True)
"""

MERGER = """
import sys
from sweep.ledger import Ledger, merge_commits
ledger = Ledger.open(sys.argv[1])
write = ledger.files.write
def stop(name, content):
    if name.startswith("commits/"):
        print("files are written", flush=True)
        sys.stdin.read()
    write(name, content)
ledger.files.write = stop
merge_commits(ledger, 2)
"""


def lines(process: subprocess.Popen[str]) -> list[str]:
    """What the process prints until it ends."""
    output, _ = process.communicate()
    return output.split()


def assert_consistent(store: Path) -> set[int]:
    """Every trial has one row and one whole curve; the seeds."""
    ledger = Ledger.open(store)
    ledger.require_whole()
    seeds = Counter(ledger.read("trials")["seed"].to_pylist())
    assert set(seeds.values()) <= {1}
    for curves in (ledger.read("curves"), scan(ledger, "curves").to_table()):
        assert Counter(curves["trial_id"].to_pylist()) == dict.fromkeys(ledger.contents.status, 1)
    return set(seeds)


def test_two_processes_publish_overlapping_packs_and_merge_at_once(tmp_path: Path, publisher) -> None:
    store = tmp_path / "store"
    both = [publisher(store, 0, 30, merge=5), publisher(store, 15, 30, merge=5)]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("\n")
        process.stdin.flush()
    kept = [int(pack) for process in both for pack in lines(process)]
    assert set(kept) == set(range(45))
    assert [process.returncode for process in both] == [0, 0]
    assert assert_consistent(store) == set(range(45 * 4))
    assert len(Ledger.open(store).contents.commits) < 20


def test_a_publisher_killed_at_any_moment_leaves_a_consistent_store(tmp_path: Path, publisher) -> None:
    store = tmp_path / "store"
    moments = random.Random(0)
    done: set[int] = set()
    processes = [publisher(store, 0, 400, 1, merge=3) for _ in range(10)]
    for number, process in enumerate(processes):
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("\n")
        process.stdin.flush()
        # A second one comes after what a first one may merge.
        reported = {int(process.stdout.readline()) for _ in range(1 + number % 2)}
        time.sleep(moments.uniform(0, 0.1))
        process.kill()
        reported |= {int(pack) for pack in lines(process)}
        now = assert_consistent(store)
        assert now >= done | reported
        done = now
    assert len(done) >= 10
    contents = Ledger.open(store).contents
    assert contents.replaced
    assert not contents.damaged


def test_a_merger_killed_before_its_marker_leaves_what_was_there(ledger: Ledger, results) -> None:
    for seed in range(3):
        ledger.publish(results([seed]))
    command = [sys.executable, "-c", MERGER, ledger.uri]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "files are written\n"
    process.kill()
    process.communicate()
    assert len(list(Path(ledger.uri, "trials").iterdir())) == 4
    reader = Ledger.open(ledger.uri)
    reader.require_whole()
    for table in SCHEMAS:
        assert reader.read(table).equals(ledger.read(table))
    assert len(reader.contents.commits) == 3
    assert merge_commits(reader, 2) == 3
    ledger.refresh()
    assert ledger.contents.commits == Ledger.open(ledger.uri).contents.commits == reader.contents.commits
    assert ledger.read("trials")["seed"].to_pylist() == [0, 1, 2]


def locker(store: Path, name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", LOCKER, str(store), name]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_sweep_runs_once_at_a_time_until_its_process_ends_however_it_ends(ledger: Ledger) -> None:
    process = locker(Path(ledger.uri), "sweep")
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        message = f"^this sweep is already running on the store {ledger.uri}; wait for it, or end it and run again$"
        with pytest.raises(SweepError, match=message), ledger.lock("sweep"):
            pass
        with ledger.lock("another sweep"):
            pass
    finally:
        process.kill()
        process.communicate()
    with ledger.lock("sweep"):
        refused = locker(Path(ledger.uri), "sweep")
        output, _ = refused.communicate()
        assert output.startswith("this sweep is already running")
    with ledger.lock("sweep"), ledger.lock("sweep2", wait=True):
        pass


def test_a_lock_is_let_go_by_an_exception(ledger: Ledger) -> None:
    with pytest.raises(KeyError), ledger.lock("sweep"):
        raise KeyError
    with ledger.lock("sweep"):
        pass
