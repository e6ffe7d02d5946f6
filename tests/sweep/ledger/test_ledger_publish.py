from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from sweep.errors import SweepError
from sweep.ledger import SCHEMAS, Ledger
from sweep.trial import FACTORS, Trial


def content(ledger: Ledger, column: str = "val_loss") -> dict[str, Any]:
    """Trial identity to a column of its row; every trial has one row."""
    trials = ledger.read("trials")
    ids = trials["trial_id"].to_pylist()
    assert len(set(ids)) == len(ids)
    assert set(ids) == ledger.contents.status.keys()
    return dict(zip(ids, trials[column].to_pylist(), strict=True))


def test_what_is_published_is_read(ledger: Ledger, results, ids) -> None:
    tables = results(range(3))
    assert ledger.publish(tables)
    for reader in (ledger, Ledger.open(ledger.uri)):
        for name in SCHEMAS:
            assert reader.read(name).equals(tables[name])
        assert sorted(reader.contents.status) == ids(range(3))
        reader.require_whole()


def test_a_row_has_the_whole_trial_and_its_measurements(ledger: Ledger, results) -> None:
    ledger.publish(results([7]))
    (row,) = ledger.read("trials").to_pylist()
    trial = Trial("s", seed=7)
    assert Trial.from_dict({name: row[name] for name in FACTORS}) == trial
    assert (row["trial_id"], row["pair_id"]) == (trial.trial_id, trial.pair_id)
    assert (row["status"], row["epochs_run"], row["train_loss"], row["val_loss"]) == ("finished", 2, 2.0, 1.0)
    assert row["parameters"] == trial.shape.parameters
    assert row["determination_ratio"] == trial.determination_ratio
    assert [point["epoch"] for point in ledger.read("curves").to_pylist()] == [1, 2]
    measured = ledger.read("measurements").to_pylist()
    assert [(each["subject"], each["size"], each["draw"], each["value"]) for each in measured] == [
        ("0", 1, 0, 1.0),
        ("1", 1, 0, None),
    ]
    assert {(each["trial_id"], each["measurement"], each["metric"]) for each in measured} == {
        (trial.trial_id, "deletion", "val_loss")
    }


@pytest.mark.parametrize(("status", "curve"), [("finished", 2), ("diverged", 2), ("failed", 0)])
def test_every_end_of_a_trial_is_a_row(ledger: Ledger, results, status: str, curve: int) -> None:
    ledger.publish(results([0], status))
    (row,) = ledger.read("trials").to_pylist()
    assert row["status"] == status
    assert (row["val_loss"] is None) == (status != "finished")
    assert row["error"] == ("loss 1.0" if status == "failed" else None)
    assert row["diverged_epoch"] == (2 if status == "diverged" else None)
    assert ledger.read("curves").num_rows == ledger.read("measurements").num_rows == curve
    folders = {path.parent.name for path in Path(ledger.uri).rglob("*.parquet")}
    assert folders == ({"trials"} if status == "failed" else set(SCHEMAS)), "a table without a row has no file"


def test_an_empty_store_has_empty_tables(ledger: Ledger) -> None:
    store = Ledger.open(ledger.uri)
    for name, schema in SCHEMAS.items():
        assert store.read(name).schema.equals(schema)
        assert store.read(name).num_rows == 0
    assert store.sweeps() == {}
    store.require_whole()


def test_a_store_is_made_once_and_kept(ledger: Ledger, results) -> None:
    ledger.publish(results([0]))
    assert content(Ledger.create(ledger.uri)) == content(ledger)


def test_two_publishers_of_overlapping_packs_never_double_a_trial(ledger: Ledger, results, ids) -> None:
    other = Ledger.open(ledger.uri)
    ledger.publish(results(range(4), loss=1.0))
    other.publish(results(range(2, 6), loss=2.0))
    by_id = content(other)
    assert sorted(by_id) == ids(range(6))
    assert Counter(by_id.values()) == {1.0: 4, 2.0: 2}
    assert other.publish(results(range(6), loss=3.0)) is None
    assert content(Ledger.open(ledger.uri)) == by_id == content(ledger) | by_id


def test_of_two_commits_at_the_same_moment_the_earliest_is_read(ledger: Ledger, results, monkeypatch) -> None:
    """Both publishers look before either writes."""
    other = Ledger.open(ledger.uri)
    monkeypatch.setattr(other, "refresh", lambda: other.contents)
    first = ledger.publish(results(range(4), loss=1.0))
    second = other.publish(results(range(2, 6), loss=2.0))
    assert first is not None
    assert second is not None
    assert first < second
    reader = Ledger.open(ledger.uri)
    assert Counter(content(reader).values()) == {1.0: 4, 2.0: 2}
    curves = reader.read("curves")
    assert Counter(Counter(curves["trial_id"].to_pylist()).values()) == {2: 6}
    assert reader.read("trials", [second]).num_rows == 2
    monkeypatch.undo()
    for late in (ledger, other):
        late.refresh()
        assert content(late) == content(reader)


def test_an_earlier_commit_that_appears_late_takes_over(ledger: Ledger, results, monkeypatch) -> None:
    """The other publisher took its name first and wrote its marker last."""
    other = Ledger.open(ledger.uri)
    monkeypatch.setattr(other, "refresh", lambda: other.contents)
    monkeypatch.setattr("time.time_ns", lambda: 1)
    other.publish(results(range(2), loss=1.0))
    marker = next(Path(ledger.uri, "commits").iterdir())
    late = marker.rename(marker.parents[1] / "late.json")
    monkeypatch.undo()
    ledger.publish(results(range(2), loss=2.0))
    assert set(content(ledger).values()) == {2.0}
    late.rename(marker)
    ledger.refresh()
    assert set(content(ledger).values()) == {1.0}
    assert content(Ledger.open(ledger.uri)) == content(ledger)


@pytest.mark.parametrize("end", ["finished", "diverged"])
def test_a_result_supersedes_a_failure_and_never_the_other_way(ledger: Ledger, results, end: str) -> None:
    ledger.publish(results(range(2), "failed"))
    assert ledger.publish(results([0], "failed", loss=2.0)) is None
    ledger.publish(results([0], end))
    statuses = content(ledger, "status")
    assert sorted(statuses.values()) == sorted(["failed", end])
    assert ledger.read("curves").num_rows == 2
    assert ledger.publish(results([0], "failed")) is None
    assert content(Ledger.open(ledger.uri), "status") == statuses


def test_success_beats_failure_in_commits_of_the_same_moment(ledger: Ledger, results, monkeypatch) -> None:
    other = Ledger.open(ledger.uri)
    monkeypatch.setattr(other, "refresh", lambda: other.contents)
    other_first = Ledger.open(ledger.uri)
    monkeypatch.setattr(other_first, "refresh", lambda: other_first.contents)
    ledger.publish(results([0], "failed"))
    other.publish(results([0], "finished"))
    other_first.publish(results([0], "failed"))
    assert list(content(Ledger.open(ledger.uri), "status").values()) == ["finished"]


@pytest.mark.parametrize("table", SCHEMAS)
def test_tables_without_their_marker_are_not_there(ledger: Ledger, results, table: str) -> None:
    """A writer died between two files."""
    ledger.publish(results([0]))
    tables = results([1])
    (Path(ledger.uri) / table).mkdir(exist_ok=True)
    pq.write_table(tables[table], Path(ledger.uri) / table / "00000000000000000000-dead.parquet")
    reader = Ledger.open(ledger.uri)
    assert len(content(reader)) == 1
    reader.require_whole()
    assert reader.publish(tables)
    assert len(content(Ledger.open(ledger.uri))) == 2


def test_a_fault_between_the_files_of_a_commit_leaves_nothing(ledger: Ledger, results, monkeypatch) -> None:
    ledger.publish(results([0]))
    before = sorted(Path(ledger.uri).rglob("*"))
    write = ledger.files.write
    for failing in (*(f"{table}/" for table in SCHEMAS), "commits/"):

        def faulty(name: str, data: bytes, failing: str = failing) -> None:
            if name.startswith(failing):
                raise SweepError("no")
            write(name, data)

        monkeypatch.setattr(ledger.files, "write", faulty)
        with pytest.raises(SweepError, match=r"^no$"):
            ledger.publish(results([1]))
        assert sorted(Path(ledger.uri).rglob("*")) == before
    monkeypatch.undo()
    assert len(content(Ledger.open(ledger.uri))) == 1
    assert ledger.publish(results([1]))


def test_a_reader_sees_new_commits_on_refresh_alone(ledger: Ledger, results) -> None:
    reader = Ledger.open(ledger.uri)
    first = ledger.publish(results([0]))
    assert reader.contents.status == {}
    reader.refresh()
    second = ledger.publish(results([1]))
    assert second is not None
    assert list(reader.contents.commits) == [first]
    reader.refresh()
    assert list(reader.contents.commits) == [first, second]
    assert reader.read("trials", [second])["seed"].to_pylist() == [1]


def test_only_tables_of_the_schema_are_published(ledger: Ledger, results) -> None:
    tables = results([0])
    with pytest.raises(SweepError, match="a table 'trials' does not have version 4 of its schema"):
        ledger.publish({**tables, "trials": tables["trials"].drop_columns(["seed"])})
    assert not list(Path(ledger.uri).rglob("*.parquet"))
