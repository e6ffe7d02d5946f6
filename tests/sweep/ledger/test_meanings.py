"""Every column of every table has a meaning, and the page of them is what the code says."""

from pathlib import Path

import pytest

import sweep
from analysis.results import TABLES
from sweep.ledger.meanings import described, meanings, page

PAGE = Path(__file__).parents[3] / "docs" / "schema.md"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> sweep.Results:
    study = sweep.Study("s", {"dataset": "digits", "depth": 2, "architecture": ["sequential", "parallel"], "epochs": 1})
    return sweep.run(
        study, store=tmp_path_factory.mktemp("s") / "s", executor="local", track=False, report=False, progress=False
    )


@pytest.mark.parametrize("table", TABLES)
def test_every_column_has_a_meaning_and_no_other_has(results: sweep.Results, table: str) -> None:
    columns = results.sql(f"select * from {table}").schema.names
    known = meanings(table)
    assert [name for name in columns if name not in known] == []
    if table in ("trials", "curves", "measurements", "plan"):
        assert [name for name in known if name not in columns] == []
    assert all(each.text and not each.text.endswith(".") for each in known.values())


def test_a_table_carries_its_meanings(results: sweep.Results) -> None:
    table = described("curves", results.curves)
    assert table.equals(results.curves)
    assert table.schema.field("val_loss").metadata == {
        b"description": b"mean cross-entropy of the validation images",
        b"unit": b"nats",
    }


def test_the_page_is_what_the_code_says(results: sweep.Results) -> None:
    shown = ("trials", "curves", "measurements", "plan", "pairs")
    made = page([(name, TABLES[name], results.sql(f"select * from {name}").schema) for name in shown])
    assert PAGE.read_text().partition("<!-- tables -->\n")[2] == made
