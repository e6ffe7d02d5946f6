"""Every column of every table has a meaning, and the page of them is what the code says."""

import re
from pathlib import Path

import duckdb
import pytest

import sweep
from analysis.results import TABLES
from sweep.ledger import Ledger, merge_commits
from sweep.ledger.meanings import described, meanings, page

PAGE = Path(__file__).parents[3] / "docs" / "schema.md"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> sweep.Results:
    study = sweep.Study("s", {"dataset": "digits", "depth": 2, "architecture": ["sequential", "parallel"], "epochs": 1})
    return sweep.run(
        study, store=tmp_path_factory.mktemp("s") / "s", executor="local", track=False, report=False, progress=False
    )


@pytest.mark.parametrize("table", TABLES)
def test_every_column_has_a_meaning_and_no_other_has(trained: sweep.Results, table: str) -> None:
    columns = trained.sql(f"select * from {table}").schema.names
    known = meanings(table)
    assert [name for name in columns if name not in known] == []
    if table in ("trials", "curves", "measurements", "plan"):
        assert [name for name in known if name not in columns] == []
    assert all(each.text and not each.text.endswith(".") for each in known.values())


def test_a_table_carries_its_meanings(trained: sweep.Results) -> None:
    table = described("curves", trained.curves)
    assert table.equals(trained.curves)
    assert table.schema.field("val_loss").metadata == {
        b"description": b"mean cross-entropy of the validation images",
        b"unit": b"nats",
    }


def test_the_page_is_what_the_code_says(trained: sweep.Results) -> None:
    shown = ("trials", "curves", "measurements", "plan", "pairs")
    made = page([(name, TABLES[name], trained.sql(f"select * from {name}").schema) for name in shown])
    assert PAGE.read_text().partition("<!-- tables -->\n")[2] == made


def test_the_view_on_the_page_counts_each_trial_once(tmp_path: Path, results, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger.create(tmp_path)
    for seed in range(3):
        ledger.publish(results([seed], "failed" if seed == 1 else "finished"))
    merge_commits(ledger, 2)
    ledger.publish(results([1]))
    ledger.publish(results([3]))
    monkeypatch.chdir(tmp_path)
    [view] = re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
    with duckdb.connect() as database:
        every = database.sql("select count(*) from read_parquet('trials/*.parquet')").fetchall()
        database.execute(view)
        found = database.sql("select seed, status from trials order by seed").fetchall()
        names = [row[0] for row in database.sql("describe trials").fetchall()]
    assert every > [(4,)]
    assert found == [(seed, "finished") for seed in range(4)]
    assert names == Ledger.open(tmp_path).read("trials").schema.names
