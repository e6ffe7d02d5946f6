"""The single writer: what it publishes, and when it merges."""

import threading
from collections import Counter
from pathlib import Path

import pytest

from sweep.engine.null import train
from sweep.errors import SweepError
from sweep.ledger import Ledger, Tables, to_tables
from sweep.result import Checkpoint, Setting, TrialResult
from sweep.schedule.writer import Writer
from sweep.trial import Trial


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    # Nothing here loses power.
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
    return Ledger.create(tmp_path / "store")


def tables(seed: int) -> Tables:
    (results,) = [each for each in train([Trial("s", seed=seed)], Setting()) if isinstance(each, list)]
    return to_tables(results)


def write(ledger: Ledger, packs: int) -> list[int]:
    """How many commits there were to be read after each of the packs, before any merging."""
    found: list[int] = []
    writer = Writer(ledger, lambda ended: found.append(len(ledger.contents.commits)))
    for seed in range(packs):
        writer.publish(tables(seed))
    writer.close()
    writer.check()
    return found


@pytest.mark.parametrize(("packs", "left"), [(0, 0), (7, 7), (8, 1), (66, 3)])
def test_64_small_commits_are_merged_as_they_come_and_8_at_the_end(ledger: Ledger, packs: int, left: int) -> None:
    assert write(ledger, packs) == ([*range(1, 65), 2, 3] if packs > 64 else [*range(1, packs + 1)])
    reader = Ledger.open(ledger.uri)
    assert len(reader.contents.commits) == left
    assert reader.read("trials")["seed"].to_pylist() == list(range(packs))


def test_what_was_published_is_told_by_status_and_what_another_has_is_not(ledger: Ledger) -> None:
    told: list[Counter[str]] = []
    Ledger.open(ledger.uri).publish(tables(0))
    writer = Writer(ledger, told.append)
    writer.publish(tables(0))
    writer.publish(to_tables([TrialResult(Trial("s", seed=1), "failed", error="no")]))
    writer.publish(tables(2))
    writer.close()
    assert told == [Counter(failed=1), Counter(finished=1)]


def test_a_fault_of_merging_is_raised_by_check_and_costs_no_result(ledger: Ledger, monkeypatch) -> None:
    store = ledger.files.write

    def faulty(name: str, content: bytes) -> None:
        if "-merged" in name:
            raise SweepError("no")
        store(name, content)

    monkeypatch.setattr(ledger.files, "write", faulty)
    with pytest.raises(SweepError, match=r"^no$"):
        write(ledger, 8)
    assert Ledger.open(ledger.uri).read("trials").num_rows == 8


def test_a_damaged_commit_of_another_sweep_does_not_end_this_one(ledger: Ledger) -> None:
    name = Ledger.open(ledger.uri).publish(tables(100))
    path = Path(ledger.uri, f"curves/{name}.parquet")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    write(ledger, 8)
    reader = Ledger.open(ledger.uri)
    assert len(reader.contents.commits) == 2
    assert reader.read("trials").num_rows == 9
    with pytest.raises(SweepError, match=f"delete commits/{name}.json"):
        reader.read("curves")


def test_of_a_trainings_checkpoints_the_latest_is_written_and_results_go_first(ledger: Ledger, monkeypatch) -> None:
    done: list[object] = []
    held, released = threading.Event(), threading.Event()
    store, keep = ledger.publish, ledger.checkpoints.write

    def publish(content: Tables) -> str | None:
        held.set()
        assert released.wait(10)
        done.append(content["trials"]["seed"].to_pylist())
        return store(content)

    def write_checkpoint(checkpoint: Checkpoint) -> None:
        done.append((checkpoint.training_id, checkpoint.epoch))
        keep(checkpoint)

    monkeypatch.setattr(ledger, "publish", publish)
    monkeypatch.setattr(ledger.checkpoints, "write", write_checkpoint)
    writer = Writer(ledger, lambda ended: None)
    writer.publish(tables(0))
    assert held.wait(10)
    for epoch in (1, 2, 3):
        writer.keep(Checkpoint("a", epoch, complete=False, content=b""))
    writer.keep(Checkpoint("b", 1, complete=True, content=b""))
    writer.publish(tables(1))
    released.set()
    writer.close()
    assert done == [[0], [1], ("a", 3), ("b", 1)]
