"""Scans: what they read, what they leave alone, and what damage they notice."""

import random
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from sweep.errors import SweepError
from sweep.ledger import SCHEMAS, Ledger
from sweep.ledger.scan import name_damage, scan

SIZE = 4


def file(ledger: Ledger, table: str, place: int = 0) -> Path:
    return sorted((Path(ledger.uri) / table).iterdir())[place]


def flip_bit(path: Path, whole: bytes, place: int, bit: int) -> None:
    data = bytearray(whole)
    data[place] ^= 1 << bit
    path.write_bytes(data)


def noticed(ledger: Ledger, table: str, path: Path, original: pa.Table) -> bool:
    """Whether a scan of all fails, and `name_damage` then names the file; if it does not, it reads what was written."""
    dataset = scan(ledger, table)
    try:
        found = dataset.to_table()
    except (OSError, pa.ArrowException):
        with pytest.raises(SweepError, match=re.escape(str(path))) as named:
            name_damage(ledger, table)
        assert f"delete commits/{path.stem}.json and run its sweep again" in str(named.value)
        assert "\n" not in str(named.value)
        return True
    assert found.equals(original)
    return False


@pytest.mark.parametrize("table", SCHEMAS)
def test_a_scan_reads_what_a_read_does(ledger: Ledger, results, table: str) -> None:
    for pack in range(3):
        ledger.publish(results(range(pack * SIZE, (pack + 1) * SIZE)))
    dataset = scan(ledger, table)
    assert dataset.schema.equals(SCHEMAS[table])
    assert dataset.to_table().equals(ledger.read(table))
    assert dataset.count_rows() == ledger.read(table).num_rows
    columns = ["trial_id", SCHEMAS[table].names[-1]]
    assert dataset.to_table(columns=columns).equals(ledger.read(table).select(columns))
    one = pc.field("trial_id") == ledger.read("trials")["trial_id"][5].as_py()
    assert dataset.to_table(filter=one).equals(ledger.read(table).filter(one))


def test_trials_that_another_commit_has_are_left_out(ledger: Ledger, results, monkeypatch) -> None:
    other = Ledger.open(ledger.uri)
    monkeypatch.setattr(other, "refresh", lambda: other.contents)
    ledger.publish(results(range(2)))
    other.publish(results(range(1, 4), loss=2.0))
    other.publish(results(range(4, 6), loss=3.0))
    monkeypatch.undo()
    ledger.refresh()
    for table in SCHEMAS:
        found, read = scan(ledger, table).to_table(), ledger.read(table)
        order = [("trial_id", "ascending")]
        assert found.schema.equals(read.schema)
        assert found.sort_by(order).equals(read.sort_by(order))


@pytest.mark.parametrize("table", SCHEMAS)
def test_a_table_without_rows_is_scanned(ledger: Ledger, results, table: str) -> None:
    for _ in range(2):
        empty = scan(ledger, table)
        assert empty.schema.equals(SCHEMAS[table])
        if table != "trials":
            assert empty.to_table().num_rows == 0
        ledger.publish(results([0], "failed"))
    assert scan(ledger, "trials").to_table()["status"].to_pylist() == ["failed"]


@pytest.mark.parametrize("name", ["_hidden", ".hidden", "a=b", "ünïcode 好", "a#b%20c", "it's"])
def test_any_folder_name_can_be_scanned(tmp_path: Path, results, name: str) -> None:
    ledger = Ledger.create(tmp_path / name)
    ledger.publish(results(range(SIZE)))
    assert scan(ledger, "curves").to_table().equals(ledger.read("curves"))


@pytest.mark.parametrize("table", SCHEMAS)
def test_any_flipped_bit_is_noticed_or_changes_nothing(ledger: Ledger, results, table: str) -> None:
    ledger.publish(results(range(SIZE)))
    ledger.publish(results(range(SIZE, 2 * SIZE)))
    original = ledger.read(table)
    path = file(ledger, table, 1)
    whole = path.read_bytes()
    footer = len(whole) - ledger.contents.commits[path.stem].files[table].footer_size
    bits = random.Random(table)
    in_pages = []
    for place in range(0, footer, footer // 90):
        flip_bit(path, whole, place, bits.randrange(8))
        in_pages.append(noticed(ledger, table, path, original))
    assert sum(in_pages) > len(in_pages) / 2
    for place in (*range(footer, len(whole), 197), *range(len(whole) - 8, len(whole))):
        flip_bit(path, whole, place, bits.randrange(8))
        with pytest.raises(SweepError, match="its footer is damaged"):
            scan(ledger, table)
    path.write_bytes(whole)
    assert not noticed(ledger, table, path, original)


@pytest.mark.parametrize("garbage", [b"", b"PAR1", b"x" * 10_000, None])
def test_a_file_that_was_replaced_or_went_after_opening_is_named(ledger: Ledger, results, garbage) -> None:
    for pack in range(3):
        ledger.publish(results([pack]))
    path = file(ledger, "trials", 1)
    path.unlink() if garbage is None else path.write_bytes(garbage)
    for use in (scan, name_damage):
        with pytest.raises(SweepError, match=re.escape(str(path))):
            use(ledger, "trials")
    assert scan(ledger, "curves").to_table().equals(ledger.read("curves"))
    name_damage(ledger, "curves")


def test_a_whole_file_of_another_commit_is_not_accepted(ledger: Ledger, results) -> None:
    ledger.publish(results([0], loss=1.0))
    ledger.publish(results([1], loss=2.0))
    first, second = (file(ledger, "measurements", place) for place in range(2))
    second.write_bytes(first.read_bytes())
    with pytest.raises(SweepError, match=re.escape(str(second))):
        scan(ledger, "measurements")


@pytest.fixture
def large(ledger: Ledger, results, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """One commit with a long curve, in four row groups."""
    monkeypatch.setattr("sweep.ledger.encoding._ROW_GROUP", 5000)
    tables = results([0])
    numbers = np.random.default_rng(0)
    count = 20_000
    trial, epoch, *measured = SCHEMAS["curves"].names
    columns = {trial: np.repeat(tables["trials"]["trial_id"].to_pylist(), count), epoch: np.arange(count)}
    columns |= {name: numbers.random(count) for name in measured}
    ledger.write({**tables, "curves": pa.table(columns, schema=SCHEMAS["curves"])})
    return ledger


def test_only_the_columns_asked_for_are_read(large: Ledger) -> None:
    """Damage in what is not asked for is not noticed, in what is it is."""
    whole = large.read("curves")
    path = file(large, "curves")
    content = path.read_bytes()
    layout = pq.ParquetFile(path).metadata
    names = [layout.schema.column(i).name for i in range(layout.num_columns)]
    chunk = layout.row_group(2).column(names.index("val_loss"))
    flip_bit(path, content, chunk.data_page_offset + chunk.total_compressed_size // 2, 0)

    dataset = scan(large, "curves")
    for name in names:
        if name != "val_loss":
            assert dataset.to_table(columns=[name]).equals(whole.select([name]))
    first = pc.field("epoch") < 10_000
    assert dataset.to_table(filter=first).equals(whole.slice(0, 10_000))
    in_the_group = pc.field("epoch") == 12_000
    for columns, rows in ((["val_loss"], None), (None, None), (["val_loss"], in_the_group)):
        with pytest.raises((OSError, pa.ArrowException)):
            dataset.to_table(columns=columns, filter=rows)
    with pytest.raises(SweepError, match=re.escape(str(path))):
        name_damage(large, "curves")


def test_a_dataset_reads_when_it_is_scanned_and_again_each_time(large: Ledger) -> None:
    dataset = scan(large, "curves")
    path = file(large, "curves")
    content = path.read_bytes()
    path.unlink()
    with pytest.raises(FileNotFoundError):
        dataset.to_table()
    path.write_bytes(content)
    assert dataset.to_table().num_rows == 20_000
