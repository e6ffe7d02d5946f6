"""Checkpoints in a store."""

from dataclasses import replace
from pathlib import Path

import pytest

from sweep.errors import SweepError
from sweep.ledger import Ledger
from sweep.result import Checkpoint

ONE = Checkpoint("a" * 20, epoch=3, complete=False, content=bytes(range(256)) * 40)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.create(tmp_path / "store")


def file_of(ledger: Ledger, checkpoint: Checkpoint) -> Path:
    assert ledger.files.local is not None
    return ledger.files.local / "checkpoints" / checkpoint.training_id


def test_what_is_written_is_read(ledger: Ledger) -> None:
    assert ledger.checkpoints.read(ONE.training_id) is None
    for content in (ONE.content, b"", b"\n" * 300):
        ledger.checkpoints.write(replace(ONE, content=content))
        assert Ledger.open(ledger.uri).checkpoints.read(ONE.training_id) == content
    assert ledger.checkpoints.read("b" * 20) is None


@pytest.mark.parametrize(
    ("held", "new", "replaced"),
    [
        ((3, False), (4, False), True),
        ((3, False), (3, False), True),
        ((4, False), (3, False), False),
        ((4, False), (2, True), True),
        ((4, True), (3, False), False),
        ((4, True), (4, True), True),
    ],
)
def test_one_that_is_further_on_stays(ledger: Ledger, held, new, replaced) -> None:
    ledger.checkpoints.write(replace(ONE, epoch=held[0], complete=held[1], content=b"held"))
    ledger.checkpoints.write(replace(ONE, epoch=new[0], complete=new[1], content=b"new"))
    assert ledger.checkpoints.read(ONE.training_id) == (b"new" if replaced else b"held")


@pytest.mark.parametrize("damage", [slice(None, -1), slice(1, None), slice(0, 0), slice(0, 100), slice(0, 256)])
def test_a_damaged_one_counts_as_none_and_is_made_good(ledger: Ledger, damage: slice) -> None:
    complete = replace(ONE, complete=True)
    ledger.checkpoints.write(complete)
    path = file_of(ledger, ONE)
    path.write_bytes(path.read_bytes()[damage])
    assert ledger.checkpoints.read(ONE.training_id) is None
    # An earlier epoch than the damaged one's.
    ledger.checkpoints.write(replace(ONE, epoch=1))
    assert ledger.checkpoints.read(ONE.training_id) == ONE.content


def test_a_changed_byte_is_noticed(ledger: Ledger) -> None:
    ledger.checkpoints.write(ONE)
    path = file_of(ledger, ONE)
    whole = path.read_bytes()
    head = whole.index(b"\n")
    for place in (*range(0, len(whole[:head].rstrip()), 3), head + 1, len(whole) - 5):
        content = bytearray(whole)
        content[place] ^= 1
        path.write_bytes(bytes(content))
        assert ledger.checkpoints.read(ONE.training_id) in (None, ONE.content)
        if place > head:
            assert not path.exists()


def test_checkpoints_under_each_others_names_count_as_none(ledger: Ledger) -> None:
    other = replace(ONE, training_id="b" * 20, content=b"another network")
    for each in (ONE, other):
        ledger.checkpoints.write(each)
    paths = [file_of(ledger, each) for each in (ONE, other)]
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, reversed(contents), strict=True):
        path.write_bytes(content)
    assert [ledger.checkpoints.read(each.training_id) for each in (ONE, other)] == [None, None]
    paths[0].write_bytes(contents[1])
    ledger.checkpoints.write(replace(ONE, epoch=1))
    assert ledger.checkpoints.read(ONE.training_id) == ONE.content


def test_a_store_that_cannot_be_written_says_so_and_keeps_what_it_had(ledger: Ledger) -> None:
    ledger.files.write("checkpoints/x", b"")
    path = file_of(ledger, ONE)
    path.mkdir()
    (path / "file").touch()
    with pytest.raises(SweepError, match="cannot be"):
        ledger.checkpoints.write(ONE)
