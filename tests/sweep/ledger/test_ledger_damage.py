import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sweep.errors import SweepError
from sweep.ledger import SCHEMAS, STORE_SCHEMA, Commit, Ledger, merge_commits, unmarked_note
from sweep.ledger.commit import OLDEST_SCHEMA
from sweep.ledger.litter import unmarked
from sweep.trial import Trial

PACKS = 3
SIZE = 4


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, results) -> Path:
    """A store of three packs of four."""
    ledger = Ledger.create(tmp_path_factory.mktemp("original") / "store")
    for pack in range(PACKS):
        ledger.publish(results(range(pack * SIZE, (pack + 1) * SIZE)))
    return Path(ledger.uri)


@pytest.fixture
def store(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "store"))


def second(store: Path, table: str) -> Path:
    """The file of the second commit."""
    return sorted((store / table).iterdir())[1]


def sentence(error: pytest.ExceptionInfo[SweepError], store: Path) -> str:
    message = str(error.value)
    assert "\n" not in message
    assert str(store) in message
    return message


def flip_bit(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "truncated": (lambda path: os.truncate(path, path.stat().st_size - 1), "bytes were written|bytes where"),
    "emptied": (lambda path: os.truncate(path, 0), "has 0 bytes where"),
    "missing": (Path.unlink, "is missing"),
}


@pytest.mark.parametrize("table", SCHEMAS)
@pytest.mark.parametrize(("damage", "words"), DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_commit_is_named_costs_its_own_trials_only_and_is_made_good(
    store: Path, results, ids, table: str, damage: Callable[[Path], None], words: str
) -> None:
    path = second(store, table)
    damage(path)
    ledger = Ledger.open(store)
    assert list(ledger.contents.damaged) == [path.stem]
    assert sorted(ledger.contents.status) == ids([*range(SIZE), *range(2 * SIZE, 3 * SIZE)])
    assert ledger.read("trials").num_rows == 2 * SIZE
    with pytest.raises(SweepError, match=words) as error:
        ledger.require_whole()
    assert f"{table}/{path.name}" in sentence(error, store)
    assert "run its sweep again" in str(error.value)

    assert ledger.publish(results(range(3 * SIZE)))
    for reader in (ledger, Ledger.open(store)):
        reader.require_whole()
        assert sorted(reader.read("trials")["trial_id"].to_pylist()) == ids(range(3 * SIZE))


@pytest.mark.parametrize("table", SCHEMAS)
def test_any_flipped_bit_is_noticed_on_reading(store: Path, results, ids, table: str) -> None:
    path = second(store, table)
    whole = path.read_bytes()
    for place in range(0, len(whole), 97):
        flip_bit(path, place)
        with pytest.raises(SweepError, match="cannot be read") as error:
            Ledger.open(store).read(table)
        assert f"delete commits/{path.stem}.json and run its sweep again" in sentence(error, store)
        path.write_bytes(whole)

    flip_bit(path, len(whole) // 2)
    second(store, "commits").unlink()
    ledger = Ledger.open(store)
    assert ledger.publish(results(range(3 * SIZE)))
    assert sorted(Ledger.open(store).read(table)["trial_id"].unique().to_pylist()) == ids(range(3 * SIZE))


def test_a_file_that_goes_after_opening_is_one_sentence(store: Path) -> None:
    ledger = Ledger.open(store)
    second(store, "trials").unlink()
    with pytest.raises(SweepError, match="cannot be read") as error:
        ledger.read("trials")
    sentence(error, store)


MARKERS = [
    b"",
    b"{",
    b"\xff\xfe",
    b"[]",
    b"null",
    b"5",
    b"{}",
    b'"x"',
    b'{"trials": {}, "bytes": {}, "sha256": {}}',
    b'{"trials": {}, "files": {"trials": 1}, "replaces": []}',
    b'{"trials": {}, "files": {"trials": [1, "a", 1]}, "replaces": []}',
    b'{"trials": {}, "files": [], "replaces": []}',
    b'{"trials": 1, "files": {}, "replaces": []}',
    b'{"trials": {}, "files": {}, "replaces": 1}',
    b'{"trials": {}, "files": {}}',
]


@pytest.mark.parametrize("garbage", MARKERS)
def test_a_garbage_marker_is_named_until_its_trials_are_done(store: Path, results, ids, garbage: bytes) -> None:
    path = second(store, "commits")
    path.write_bytes(garbage)
    ledger = Ledger.open(store)
    assert ledger.read("trials").num_rows == 2 * SIZE
    assert ledger.contents.damaged == {path.stem: f"commits/{path.name} is not the marker that was written"}
    ledger.publish(results(range(SIZE, 2 * SIZE - 1)))
    for reader in (ledger, Ledger.open(store)):
        with pytest.raises(SweepError, match=r"put a copy of it back, or run its sweep again") as error:
            reader.require_whole()
        assert path.name in sentence(error, store)
    ledger.publish(results(range(3 * SIZE)))
    for reader in (ledger, Ledger.open(store)):
        reader.require_whole()
        assert reader.hiding() == {}
        assert sorted(reader.contents.status) == ids(range(3 * SIZE))
    assert path.read_bytes() == garbage


@pytest.mark.parametrize("planned", [0, 1, 12])
def test_a_marker_of_which_nothing_is_left_hides_nothing_once_all_that_was_planned_is_done(
    store: Path, results, planned: int
) -> None:
    second(store, "commits").write_bytes(b"")
    second(store, "trials").write_bytes(b"")
    ledger = Ledger.open(store)
    if planned:
        ledger.record_sweep("abc", "s", [Trial("s", seed=seed) for seed in range(planned)])
    assert list(Ledger.open(store).hiding()) == ([] if planned == 1 else [second(store, "commits").stem])
    ledger.publish(results(range(3 * SIZE)))
    assert bool(Ledger.open(store).hiding()) == (planned == 0)


STRAY = [".DS_Store", ".nfs0001", "README.txt", "notes.json", "X.json~", "keep.parquet", "a copy.json", ".tmp-mine"]


@pytest.mark.parametrize("folder", [*SCHEMAS, "commits", "sweeps", "checkpoints", "locks", "tracking", "."])
def test_files_of_other_names_are_ignored_and_stay(store: Path, results, ids, folder: str) -> None:
    (store / folder).mkdir(exist_ok=True)
    files = [store / folder / name for name in STRAY]
    for path in files:
        path.write_bytes(b"somebody else's")
        os.utime(path, (0, 0))
    ledger = Ledger.create(store)
    ledger.require_whole()
    with ledger.lock("abc"):
        assert ledger.publish(results(range(4 * SIZE)))
    assert sorted(Ledger.open(store).contents.status) == ids(range(4 * SIZE))
    assert Ledger.open(store).checkpoints.kept() == set()
    assert unmarked(ledger) == []
    assert [path.read_bytes() for path in files] == [b"somebody else's"] * len(STRAY)


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("sealed", [True, False])
def test_no_changed_bit_of_a_marker_passes_with_other_content(store: Path, results, merged: bool, sealed: bool) -> None:
    if merged:
        merge_commits(Ledger.open(store), 2)
    path = max((store / "commits").iterdir()) if merged else second(store, "commits")
    if not sealed:
        marker = json.loads(path.read_bytes())
        del marker["sha256"]
        path.write_text(json.dumps(marker))
    whole, original = path.read_bytes(), Commit.from_json(path.stem, path.read_bytes())
    rows = Ledger.open(store).read("trials").num_rows
    for place in range(0, len(whole), 3):
        content = bytearray(whole)
        content[place] ^= 1 << place % 7
        found = Commit.from_json(path.stem, bytes(content))
        if sealed:
            assert found is None or (found.statuses, found.files, found.replaces) == (
                original and (original.statuses, original.files, original.replaces)
            )
        elif place % 15 == 0 and found is not None:
            # The rows are what such a marker is compared with.
            path.write_bytes(content)
            status = Ledger.open(store).contents.status
            assert len(status) in (rows, rows - SIZE, 0)
            assert set(status.values()) <= {"finished"}
    path.write_bytes(whole)


def test_a_marker_under_another_commits_name_is_none(store: Path) -> None:
    one, other = sorted((store / "commits").iterdir())[:2]
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    assert sorted(Ledger.open(store).contents.damaged) == sorted([one.stem, other.stem])


@pytest.mark.parametrize(
    "garbage",
    [
        *(b"", b"{", b"\xff", b"[]", b"null", b"4", b'"4"', b"[4]", b"{}", b"[" * 100_000),
        *(f'{{"schema": {value}}}'.encode() for value in ("null", '"1"', "[4]", "{}", "true", "false", "4.0")),
        *(f'{{"schema": {value}}}'.encode() for value in ("-1", "0", "Infinity", "NaN", "1" * 30, "1" * 5000)),
    ],
    ids=lambda garbage: garbage[:30].decode(errors="replace"),
)
def test_a_garbage_store_file_is_refused_and_made_good(store: Path, garbage: bytes) -> None:
    path = store / "store.json"
    path.write_bytes(garbage)
    for use in (Ledger.open, Ledger.create):
        with pytest.raises(SweepError, match=r"has a store\.json that is not a store's; choose another store") as error:
            use(store)
        sentence(error, store)
    path.unlink()
    assert Ledger.create(store).read("trials").num_rows == PACKS * SIZE


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (OLDEST_SCHEMA - 1, r"older than this program's \d+; run its sweep into another store$"),
        (STORE_SCHEMA + 1, r"newer than this program's \d+; upgrade it$"),
    ],
)
def test_an_older_or_newer_store_is_refused(store: Path, schema: int, words: str) -> None:
    (store / "store.json").write_text(json.dumps({"schema": schema}))
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    for use in (Ledger.open, Ledger.create):
        with pytest.raises(SweepError, match=words) as error:
            use(store)
        sentence(error, store)
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "missing"):
        with pytest.raises(
            SweepError, match=r"^there is no store at .*; `sweep run STUDY --store .*` makes one$"
        ) as error:
            Ledger.open(place)
        sentence(error, place)
    assert not (tmp_path / "missing").exists()
    file = tmp_path / "file"
    file.write_text("")
    for use in (Ledger.open, Ledger.create):
        with pytest.raises(SweepError, match="cannot be read: Not a directory; fix that or choose another") as error:
            use(file)
        sentence(error, file)


@pytest.mark.parametrize("uri", ["ftp://a/b", "s3://", "file://relative/x", "://", "s3://bucket/a?nonsense=1"])
def test_a_uri_that_is_none_is_refused(uri: str) -> None:
    with pytest.raises(SweepError, match=r"^the store \S+ cannot be (opened|read): [^\n]*$"):
        Ledger.create(uri)


@pytest.mark.parametrize("name", ["with space", "ünïcode 好", "a#b%20c", "it's"])
def test_any_folder_name_will_do(tmp_path: Path, results, name: str) -> None:
    ledger = Ledger.create(tmp_path / name)
    ledger.publish(results([0]))
    assert Ledger.open(str(tmp_path / name)).read("trials").num_rows == 1
    assert (tmp_path / name / "store.json").exists()


def test_home_and_file_uris_are_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, results) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    Ledger.create("~/store").publish(results([0]))
    assert (tmp_path / "store/store.json").exists()
    ledger = Ledger.open(f"file://{tmp_path}/store")
    assert ledger.read("trials").num_rows == 1
    assert ledger.files.local == tmp_path / "store"


OLD, YOUNG = time.time() - 2 * 24 * 3600, time.time()


def test_what_killed_writers_left_unfinished_goes_after_a_day_and_nothing_else(store: Path) -> None:
    for folder in ("sweeps", "checkpoints", "locks", "tracking"):
        (store / folder).mkdir(exist_ok=True)
    kept = {path for path in store.rglob("*") if path.is_file()}
    every = [store / folder for folder in (*SCHEMAS, "commits", "sweeps", "checkpoints", "locks", "tracking", ".")]
    unfinished = f".tmp-{'0a' * 16}"
    litter = [folder / f"{unfinished}{end}" for folder in every for end in ("", "-journal", "-wal")]
    mine = [folder / name for folder in every for name in (".tmp-1", ".tmp-mine.txt", f"{unfinished}.parquet")]
    young = [folder / f".tmp-{'0b' * 16}" for folder in every]
    for path in (*litter, *mine, *young):
        path.write_bytes(b"x")
    for path in (*kept, *litter, *mine):
        os.utime(path, (OLD, OLD))
    assert Ledger.open(store).contents.damaged == {}
    Ledger.create(store)
    assert {path for path in store.rglob("*") if path.is_file()} == {*kept, *mine, *young}


@pytest.mark.parametrize("lost", ["all", "one"])
def test_tables_without_markers_are_reported_and_stay(store: Path, results, lost: str) -> None:
    markers = sorted((store / "commits").iterdir())
    for path in markers if lost == "all" else markers[1:2]:
        path.unlink()
    tables = [path for table in SCHEMAS for path in sorted((store / table).iterdir())]
    for path in tables:
        os.utime(path, (OLD, OLD))
    ledger = Ledger.create(store)
    # A commit's name says when it was written, and a writer may be at work on one of this hour.
    assert unmarked(ledger) == []
    for path in tables:
        before = f"{int(path.stem[:20]) - 2 * 3600 * 10**9:020d}{path.stem[20:]}"
        path.rename(path.with_stem(before))
        if lost == "one" and path.parent.name == "trials" and path.stem != markers[1].stem:
            (store / "commits" / f"{path.stem}.json").unlink()
    names = {path.stem for path in (store / "trials").iterdir()}
    again = Ledger.create(store)
    assert sorted(unmarked(again)) == sorted(f"{table}/{name}.parquet" for table in SCHEMAS for name in names)
    note = unmarked_note(again)
    assert note is not None
    assert f"and {len(names) * len(SCHEMAS) - 1} more have no marker in commits/" in note
    again.publish(results(range(2)))
    assert names < {path.stem for path in (store / "trials").iterdir()}
