"""Mirrors stores whose small commits were merged."""

from pathlib import Path

import pytest

from sweep.engine.null import train
from sweep.ledger import Ledger, Tables, merge_commits, to_tables
from sweep.result import Setting
from sweep.tracking import is_complete
from sweep.tracking.mirror import Mirror
from sweep.tracking.outcome import Outcome
from sweep.trial import Trial

URI = "http://tracking"
FIRST, SECOND, PART = "a" * 20, "b" * 20, "c" * 20
TRIALS = {
    FIRST: [Trial("first", seed=seed) for seed in range(8)],
    SECOND: [Trial("second", seed=seed) for seed in range(8)],
    PART: [Trial("first", seed=seed) for seed in range(3)],
}


class Recorder:
    """Stands for MLflow: records what is written, and has no other methods."""

    at_once = 3

    def __init__(self) -> None:
        self.written: list[str] = []

    def open_sweep(self, study: str, sweep_id: str, running: bool = False) -> None:
        pass

    def write(self, outcomes: list[Outcome]) -> None:
        assert 1 <= len(outcomes) <= self.at_once
        for outcome in outcomes:
            assert [point["trial_id"] for point in outcome.curve] == [outcome.trial_id]
            assert outcome.sweep_id in (PART, FIRST if outcome.row["study"] == "first" else SECOND)
            self.written.append(outcome.trial_id)


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr("sweep.tracking.mirror._connect", lambda ledger, uri: recorder)
    return recorder


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger.create(tmp_path / "store")
    for sweep_id, trials in TRIALS.items():
        ledger.record_sweep(sweep_id, trials[0].study, trials)
    return ledger


def tables(trials: list[Trial]) -> Tables:
    (found,) = [result for result in train(trials, Setting()) if isinstance(result, list)]
    return to_tables(found)


def publish(ledger: Ledger, sweep_id: str, first: int, last: int) -> None:
    """Publish trials in packs of two."""
    for start in range(first, last, 2):
        assert ledger.publish(tables(TRIALS[sweep_id][start : start + 2]))


def write(ledger: Ledger, sweep_id: str | None = None) -> None:
    """Do what a sweep's tracker or ``sweep track`` does."""
    mirror = Mirror(Ledger.open(ledger.uri), URI)
    mirror.write_new(sweep_id=sweep_id)
    mirror.note.save()


def ids(*sweeps: str) -> list[str]:
    return sorted(trial.trial_id for sweep_id in sweeps for trial in TRIALS[sweep_id])


@pytest.mark.parametrize("sweep_id", [FIRST, None])
@pytest.mark.parametrize("times", [1, 2])
def test_commits_written_before_they_are_merged_are_not_written_again(ledger, mlflow, sweep_id, times) -> None:
    for end in (4, 8)[-times:]:
        publish(ledger, FIRST, end - 8 // times, end)
        write(ledger, sweep_id)
        merge_commits(ledger, 2)
    assert sorted(mlflow.written) == ids(FIRST)
    assert len(ledger.contents.commits) == 1
    write(ledger, sweep_id)
    assert len(mlflow.written) == 8
    for each in (ledger, Ledger.open(ledger.uri)):
        assert is_complete(each, URI)
        assert is_complete(each, URI, ids(FIRST))


def test_commits_merged_before_they_are_written_are_written(ledger, mlflow) -> None:
    publish(ledger, FIRST, 0, 4)
    write(ledger)
    publish(ledger, FIRST, 4, 8)
    merge_commits(ledger, 2)
    assert not is_complete(ledger, URI)
    assert not is_complete(ledger, URI, ids(FIRST))
    write(ledger)
    assert set(mlflow.written) == set(ids(FIRST))
    assert is_complete(ledger, URI)
    merge_commits(ledger, 2)
    written = len(mlflow.written)
    write(ledger)
    assert len(mlflow.written) == written


def test_a_damaged_merged_commit_leaves_the_note_right(ledger, mlflow) -> None:
    """Readers fall back to the commits that were merged, and MLflow has all of those."""
    publish(ledger, FIRST, 0, 8)
    merge_commits(ledger, 2)
    write(ledger)
    (merged,) = ledger.contents.commits
    Path(ledger.uri, f"curves/{merged}.parquet").unlink()
    reader = Ledger.open(ledger.uri)
    assert len(reader.contents.commits) == 4
    assert is_complete(reader, URI)


@pytest.mark.parametrize("again", [False, True])
def test_concurrent_sweeps_write_only_their_own_trials_of_a_merged_commit(ledger, mlflow, again) -> None:
    first, second = (Mirror(Ledger.open(ledger.uri), URI) for _ in range(2))
    for start in (0, 4):
        publish(ledger, FIRST, start, start + 4)
        publish(ledger, SECOND, start, start + 4)
        if again:
            merge_commits(ledger, 2)
    merge_commits(ledger, 2)
    first.write_new(sweep_id=FIRST)
    first.note.save()
    assert sorted(mlflow.written) == ids(FIRST)
    assert is_complete(ledger, URI, ids(FIRST))
    assert not is_complete(ledger, URI, ids(SECOND))
    assert not is_complete(ledger, URI)
    second.write_new(sweep_id=SECOND)
    second.note.save()
    assert sorted(mlflow.written) == ids(FIRST, SECOND)
    for _ in range(2):
        first.write_new(sweep_id=FIRST)
        second.write_new(sweep_id=SECOND)
        write(ledger, FIRST)
        write(ledger, SECOND)
    assert len(mlflow.written) == 16
    assert is_complete(ledger, URI, ids(FIRST))
    assert is_complete(ledger, URI, ids(SECOND))


@pytest.mark.parametrize("merged", [False, True])
def test_a_sweep_of_some_trials_writes_the_packs_that_hold_them(ledger, mlflow, merged) -> None:
    publish(ledger, FIRST, 0, 8)
    if merged:
        merge_commits(ledger, 2)
    write(ledger, PART)
    assert sorted(mlflow.written) == sorted(trial.trial_id for trial in TRIALS[FIRST][:4])
    assert is_complete(ledger, URI, ids(PART))
    assert not is_complete(ledger, URI, ids(FIRST))
    write(ledger, PART)
    write(ledger, FIRST)
    assert sorted(mlflow.written) == ids(FIRST)
    assert is_complete(ledger, URI)
