"""Merging: fewer files, the same rows."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow as pa
import pytest

from sweep.errors import SweepError
from sweep.ledger import SCHEMAS, STORE_SCHEMA, Ledger, merge_commits
from sweep.ledger.scan import scan

PACKS = 4
SIZE = 3


@pytest.fixture
def store(ledger: Ledger, results) -> Ledger:
    """A store of four packs of three."""
    for pack in range(PACKS):
        ledger.publish(results(range(pack * SIZE, (pack + 1) * SIZE), loss=pack + 1.0))
    return ledger


def rows(ledger: Ledger) -> dict[str, pa.Table]:
    """Every table, in order."""
    return {table: ledger.read(table) for table in SCHEMAS}


def files(ledger: Ledger) -> set[str]:
    root = Path(ledger.uri)
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def of(names: Iterable[str | None], tables: Iterable[str] = SCHEMAS) -> set[str]:
    """The files of commits."""
    return {f"commits/{name}.json" for name in names} | {f"{table}/{n}.parquet" for n in names for table in tables}


def test_rows_and_their_order_stay(store: Ledger, ids) -> None:
    before, names, stale = rows(store), list(store.contents.commits), Ledger.open(store.uri)
    assert merge_commits(store, PACKS) == PACKS
    stale.refresh()
    for ledger in (store, stale, Ledger.open(store.uri)):
        (merged,) = ledger.contents.commits.values()
        assert merged.name.endswith("-merged")
        assert list(merged.parts) == names
        assert ledger.contents.replaced == dict.fromkeys(names, merged.name)
        assert rows(ledger) == before
        for table in SCHEMAS:
            assert scan(ledger, table).to_table().equals(before[table])
            name = f"{table}/{merged.name}.parquet"
            assert ledger.files.list(table)[f"{merged.name}.parquet"] == merged.files[table].size, name
        assert sorted(ledger.contents.status) == ids(range(PACKS * SIZE))
        ledger.require_whole()
    assert merge_commits(store, 2) == 0


def test_a_reader_that_does_not_look_keeps_reading(store: Ledger, results) -> None:
    reader = Ledger.open(store.uri)
    before, datasets = rows(reader), {table: scan(reader, table) for table in SCHEMAS}
    merge_commits(store, 2)
    store.publish(results([100]))
    merge_commits(store, 2)
    assert rows(reader) == before
    for table in SCHEMAS:
        assert scan(reader, table).to_table().equals(before[table])
        assert datasets[table].to_table().equals(before[table])


@pytest.mark.parametrize(("least", "merged"), [(0, 4), (2, 4), (4, 4), (5, 0), (64, 0)])
def test_nothing_is_merged_below_the_least_number(store: Ledger, least: int, merged: int) -> None:
    before = files(store)
    assert merge_commits(store, least) == merged
    assert (files(store) == before) == (merged == 0)


@pytest.mark.parametrize("least", [0, 1, 2])
def test_one_commit_is_not_merged(ledger: Ledger, results, least: int) -> None:
    assert merge_commits(ledger, least) == 0
    ledger.publish(results([0]))
    before = files(ledger)
    assert merge_commits(ledger, least) == 0
    assert files(ledger) == before


def test_large_commits_stay_as_they_are(store: Ledger, results, monkeypatch) -> None:
    before = rows(store)
    sizes = [commit.size for commit in store.contents.commits.values()]
    large = store.publish(results(range(100, 160), epochs=30))
    monkeypatch.setattr("sweep.ledger.merging._SMALL", max(sizes) + 1)
    assert merge_commits(store, 5) == 0, "of five commits four are small"
    assert merge_commits(store, 4) == 4
    assert large in store.contents.commits
    assert len(store.contents.commits) == 2
    assert rows(Ledger.open(store.uri))["trials"].num_rows == before["trials"].num_rows + 60
    monkeypatch.setattr("sweep.ledger.merging._SMALL", 0)
    assert merge_commits(store, 2) == 0


def test_many_are_merged_into_several_of_a_size(store: Ledger, results, monkeypatch) -> None:
    store.publish(results([100]))
    before = rows(store)
    size = max(commit.size for commit in store.contents.commits.values())
    monkeypatch.setattr("sweep.ledger.merging._LARGE", size + 1)
    assert merge_commits(store, 2) == 4, "the last would be alone"
    assert [len(commit.parts) for _, commit in sorted(store.contents.commits.items())] == [1, 2, 2]
    fresh = Ledger.open(store.uri)
    for table in SCHEMAS:
        assert fresh.read(table).sort_by("trial_id").equals(before[table].sort_by("trial_id"))


def test_what_a_later_commit_made_good_is_merged_as_that(ledger: Ledger, results) -> None:
    ledger.publish(results(range(4), "failed"))
    ledger.publish(results([1, 2], "finished", loss=7.0))
    ledger.publish(results([2, 3], "diverged"))
    before = rows(ledger)
    assert merge_commits(ledger, 2) == 3
    reader = Ledger.open(ledger.uri)
    assert rows(reader) == before
    (commit,) = reader.contents.commits.values()
    assert [len(trials) for trials in commit.parts.values()] == [1, 2, 1]
    assert sorted(reader.contents.status.values()) == ["diverged", "failed", "finished", "finished"]
    assert reader.publish(results(range(4), "failed")) is None
    assert reader.publish(results(range(4)))
    assert sorted(Ledger.open(ledger.uri).contents.status.values()) == ["diverged", *["finished"] * 3]


def test_failures_alone_are_merged(ledger: Ledger, results) -> None:
    """Their curves have no row, so the merged commit has no file of them."""
    for seed in range(3):
        ledger.publish(results([seed], "failed"))
    assert merge_commits(ledger, 2) == 3
    reader = Ledger.open(ledger.uri)
    assert [list(commit.files) for commit in reader.contents.commits.values()] == [["trials"]]
    assert reader.read("curves").num_rows == 0
    assert set(reader.contents.status.values()) == {"failed"}


def test_merged_commits_are_merged(store: Ledger, results) -> None:
    superseded = store.publish(results([100, 101], "failed"))
    published, merged = set(store.contents.commits), set[str]()
    for round in range(3):
        published |= {store.publish(results([100 + 2 * round, 101 + 2 * round], loss=round))}
        before, stale = rows(store), Ledger.open(store.uri)
        assert merge_commits(store, 2) == (PACKS + 2 if round == 0 else 2)
        stale.refresh()
        for ledger in (store, stale, Ledger.open(store.uri)):
            (last,) = ledger.contents.commits
            assert rows(ledger) == before
            assert ledger.contents.replaced == dict.fromkeys(published | merged, last)
            assert ledger.contents.commits[last].parts.keys() == published - {superseded}
        merged |= set(store.contents.commits)
    assert files(store) == of(published - {superseded} | merged) | of([superseded], ["trials"]) | {"store.json"}


def test_two_mergers_at_once_keep_every_trial_single(store: Ledger, results, monkeypatch) -> None:
    other = Ledger.open(store.uri)
    monkeypatch.setattr(other, "refresh", lambda: other.contents)
    before = rows(store)
    published = {name: list(commit.statuses) for name, commit in store.contents.commits.items()}
    assert merge_commits(store, 2) == PACKS
    assert merge_commits(other, 2) == PACKS
    assert rows(store) == rows(other) == before
    monkeypatch.undo()
    for ledger in (store, other, Ledger.open(store.uri)):
        assert len(ledger.refresh().commits) == 2
        assert rows(ledger) == before
        for table in SCHEMAS:
            assert scan(ledger, table).to_table().equals(before[table])
    assert merge_commits(other, 2) == 2
    store.refresh()
    for ledger in (store, other, Ledger.open(store.uri)):
        (commit,) = ledger.contents.commits.values()
        assert {name: list(trials) for name, trials in commit.parts.items()} == published
        assert rows(ledger) == before


def test_what_another_has_merged_meanwhile_is_not_merged_again(store: Ledger) -> None:
    other = Ledger.open(store.uri)
    merge_commits(store, 2)
    assert merge_commits(other, 2) == 0
    assert other.contents.commits == store.contents.commits


def test_a_trial_that_several_commits_hold_is_read_from_the_same_after_merging(
    ledger: Ledger, results, monkeypatch
) -> None:
    """Its earliest commit is small, and merged; a later one is large, and stays."""
    other = Ledger.open(ledger.uri)
    monkeypatch.setattr(other, "refresh", lambda: other.contents)
    ledger.publish(results([0], loss=1.0))
    ledger.publish(results([1], loss=1.0))
    other.publish(results(range(40), loss=2.0, epochs=20))
    monkeypatch.undo()
    before, stale = rows(Ledger.open(ledger.uri)), Ledger.open(ledger.uri)
    small = max(commit.size for commit in ledger.contents.commits.values())
    monkeypatch.setattr("sweep.ledger.merging._SMALL", small + 1)
    assert merge_commits(ledger, 2) == 2
    stale.refresh()
    for reader in (ledger, stale, Ledger.open(ledger.uri)):
        for table in SCHEMAS:
            assert reader.read(table).sort_by("trial_id").equals(before[table].sort_by("trial_id"))


DAMAGE: dict[str, Callable[[Path], None]] = {
    "truncated": lambda path: os.truncate(path, path.stat().st_size - 1),
    "emptied": lambda path: os.truncate(path, 0),
    "missing": Path.unlink,
}


@pytest.mark.parametrize("table", SCHEMAS)
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_merged_commit_is_passed_over_while_the_others_are_there(
    store: Ledger, table: str, damage: Callable[[Path], None]
) -> None:
    before, originals = rows(store), set(store.contents.commits)
    merge_commits(store, 2)
    (merged,) = store.contents.commits
    damage(Path(store.uri, f"{table}/{merged}.parquet"))
    reader = Ledger.open(store.uri)
    assert reader.contents.commits.keys() == originals
    assert list(reader.contents.damaged) == [merged]
    assert rows(reader) == before
    reader.require_whole()
    assert merge_commits(reader, 2) == PACKS
    fresh = Ledger.open(store.uri)
    assert rows(reader) == rows(fresh) == before
    assert len(fresh.contents.commits) == 1
    fresh.require_whole()


def test_a_commit_that_one_reader_found_damaged_is_whole_where_it_was_merged(store: Ledger) -> None:
    victim = sorted(Path(store.uri, "curves").iterdir())[1]
    away = victim.rename(Path(store.uri, "away"))
    reader = Ledger.open(store.uri)
    assert list(reader.contents.damaged) == [victim.stem]
    away.rename(victim)
    merge_commits(store, 2)
    reader.refresh()
    assert reader.contents.damaged == {}
    assert rows(reader) == rows(store)


def test_a_merged_commit_that_is_damaged_gives_way_to_the_ones_before(store: Ledger, results) -> None:
    merge_commits(store, 2)
    (first,) = store.contents.commits
    late = store.publish(results([100]))
    before = rows(store)
    merge_commits(store, 2)
    (second,) = store.contents.commits
    Path(store.uri, f"curves/{second}.parquet").unlink()
    reader = Ledger.open(store.uri)
    assert reader.contents.commits.keys() == {first, late}
    assert rows(reader) == before


def test_a_merged_commit_changed_within_is_named_and_can_be_deleted(store: Ledger) -> None:
    before = rows(store)
    merge_commits(store, 2)
    (merged,) = store.contents.commits
    path = Path(store.uri, f"curves/{merged}.parquet")
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)
    with pytest.raises(SweepError, match=f"delete commits/{merged}.json"):
        Ledger.open(store.uri).read("curves")
    Path(store.uri, f"commits/{merged}.json").unlink()
    assert rows(Ledger.open(store.uri)) == before


def test_a_commit_that_cannot_be_read_is_left_and_the_others_are_merged(store: Ledger) -> None:
    victim = sorted(store.contents.commits)[1]
    path = Path(store.uri, f"curves/{victim}.parquet")
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)
    assert merge_commits(store, 2) == PACKS - 1
    reader = Ledger.open(store.uri)
    assert len(reader.contents.commits) == 2
    assert reader.read("trials").num_rows == PACKS * SIZE
    with pytest.raises(SweepError, match=f"delete commits/{victim}.json"):
        reader.read("curves")
    assert merge_commits(store, 2) == 0
    Path(store.uri, f"commits/{victim}.json").unlink()
    assert Ledger.open(store.uri).read("curves").num_rows == (PACKS - 1) * SIZE * 2


@pytest.mark.parametrize("failing", [*(f"{table}/" for table in SCHEMAS), "commits/"])
def test_a_fault_while_merging_leaves_what_was_there(store: Ledger, monkeypatch, failing: str) -> None:
    before, there = rows(store), files(store)
    write = store.files.write

    def faulty(name: str, data: bytes) -> None:
        if name.startswith(failing):
            raise SweepError("no")
        write(name, data)

    monkeypatch.setattr(store.files, "write", faulty)
    with pytest.raises(SweepError, match=r"^no$"):
        merge_commits(store, 2)
    assert files(store) == there
    monkeypatch.undo()
    assert rows(store) == rows(Ledger.open(store.uri)) == before
    assert merge_commits(store, 2) == PACKS
    assert rows(Ledger.open(store.uri)) == before


HOUR = 3600


def test_what_was_merged_is_deleted_after_a_day_and_nothing_else(ledger: Ledger, results, clock) -> None:
    for seed in range(3):
        ledger.publish(results([seed]))
    old = set(ledger.contents.commits)
    merge_commits(ledger, 2)
    (merged,) = ledger.contents.commits
    clock.now += 23 * HOUR
    young = {ledger.publish(results([seed])) for seed in (3, 4)}
    failed = ledger.publish(results([5], "failed"))
    there, before = files(ledger), rows(ledger)
    assert there == of(old | young | {merged}) | of([failed], ["trials"]) | {"store.json"}

    Ledger.create(ledger.uri)
    assert files(ledger) == there
    clock.now += 2 * HOUR
    Ledger.open(ledger.uri)
    assert files(ledger) == there, "a reader deletes nothing"
    assert rows(Ledger.create(ledger.uri)) == before
    assert files(ledger) == there - of(old)
    assert rows(ledger) == rows(Ledger.open(ledger.uri)) == before


def test_the_day_is_counted_from_the_last_merge(ledger: Ledger, results, clock) -> None:
    for seed in range(2):
        ledger.publish(results([seed]))
    merge_commits(ledger, 2)
    ledger.publish(results([2]))
    clock.now += 25 * HOUR
    merge_commits(ledger, 2)
    there, before = files(ledger), rows(ledger)
    Ledger.create(ledger.uri)
    assert files(ledger) == there
    clock.now += 25 * HOUR
    assert rows(Ledger.create(ledger.uri)) == before
    assert files(ledger) == of(ledger.contents.commits) | {"store.json"}


def test_nothing_is_deleted_for_a_merged_commit_that_is_damaged(ledger: Ledger, results, clock) -> None:
    for seed in range(3):
        ledger.publish(results([seed]))
    before, originals = rows(ledger), set(ledger.contents.commits)
    merge_commits(ledger, 2)
    (merged,) = ledger.contents.commits
    Path(ledger.uri, f"trials/{merged}.parquet").unlink()
    clock.now += 50 * HOUR
    assert rows(Ledger.create(ledger.uri)) == before
    assert files(ledger) >= of(originals)


def test_a_marker_says_what_is_in_the_commit(store: Ledger) -> None:
    merge_commits(store, 2)
    (merged,) = store.contents.commits
    marker = json.loads(Path(store.uri, f"commits/{merged}.json").read_text())
    assert marker["schema"] == STORE_SCHEMA
    assert marker["trials"] == store.contents.status
    assert marker["files"].keys() == set(SCHEMAS)
    assert [trial for trials in marker["replaces"].values() for trial in trials] == list(marker["trials"])
