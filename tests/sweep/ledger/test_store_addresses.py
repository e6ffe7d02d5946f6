"""Addresses of stores with blanks, other letters and escapes in them."""

import pytest

from sweep.ledger.files import StoreFiles
from tests.servers import ObjectStore


@pytest.mark.parametrize(
    ("folder", "kept"),
    [
        ("a b", "a b"),
        ("größe", "größe"),
        ("研究 1", "研究 1"),
        ("a%20b", "a b"),
        ("100%", "100%"),
        ("50%off", "50%off"),
        ('<"{x}">', '<"{x}">'),
        ("a+b=c&d", "a+b=c&d"),
    ],
)
def test_an_address_may_hold_what_a_key_may(
    folder: str, kept: str, object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in object_store.environment.items():
        monkeypatch.setenv(name, value)
    files = StoreFiles(f"s3://bucket/names/{folder}?scheme=http&endpoint_override={object_store.endpoint}")
    files.write("x/y.json", b"1")
    assert files.read("x/y.json") == b"1"
    assert list(files.list("x")) == ["y.json"]
    assert files.location("x")[1] == f"bucket/names/{kept}/x"
