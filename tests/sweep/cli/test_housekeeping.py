"""Answers that fit a terminal, files for other programs, and stores that become one, from the command line."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest

from analysis.export import EXPORTED
from sweep.ledger import Ledger

STUDY = """
study: kept
factors:
  dataset: digits
  depth: [1, 2]
  seed: 0..2
  architecture: [sequential, parallel]
  epochs: 1
"""
NULL = ("--engine", "null", "--executor", "local", "--no-track", "--no-report")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of twelve trials."""
    folder = tmp_path_factory.mktemp("kept")
    (folder / "kept.yaml").write_text(STUDY)
    command = [sys.executable, "-m", "sweep", "run", str(folder / "kept.yaml"), "--store", str(folder / "store"), *NULL]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "store"


def on_a_terminal(columns: int, *arguments: str) -> str:
    """What the command prints on a terminal of so many columns."""
    reader, writer = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "LINES": "50", "TERM": "dumb"}
    process = subprocess.Popen(
        [sys.executable, "-m", "sweep", *arguments], stdout=writer, stderr=writer, stdin=writer, env=environment
    )
    os.close(writer)
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(reader, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        parts.append(part)
    os.close(reader)
    assert process.wait() == 0
    return b"".join(parts).decode().replace("\r\n", "\n")


def test_a_wide_answer_fits_a_narrow_terminal(kept: Path) -> None:
    columns = "trial_id, study, dataset, architecture, depth, seed, optimizer, precision, activation, status"
    ask = ("query", f"select {columns} from trials order by depth, seed", "--store", str(kept))
    wide = on_a_terminal(200, *ask)
    assert all(name in wide for name in columns.split(", "))
    assert "constant" not in wide
    narrow = on_a_terminal(70, *ask)
    table, _, constant = narrow.partition("constant: ")
    assert "trial_id" in table
    assert "optimizer" not in table
    assert max(map(len, table.splitlines())) <= 70
    assert "study kept, dataset digits" in constant
    rows = on_a_terminal(30, *ask)
    assert rows.count("row ") == 12
    assert "architecture  parallel" in rows


def test_in_a_pipe_an_answer_is_whole(kept: Path, call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("query", "select * from trials", "--store", str(kept)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "learning_rate" in lines[1]
    assert len({len(line) for line in lines}) == 1
    assert len(lines) == 12 + 4


def test_tables_are_listed_described_and_suggested(kept: Path, call, capsys: pytest.CaptureFixture[str]) -> None:
    def asked(query: str) -> list[dict]:
        assert call("query", query, "--store", str(kept), "--format", "json") == 0
        return json.loads(capsys.readouterr().out)

    listed = asked("show tables")
    assert {"trials", "curves", "measurements", "plan", "pairs"} <= {row["table"] for row in listed}
    for row in listed:
        assert asked(f"describe {row['table']}")
    assert {row["column_name"]: row["max"] for row in asked("summarize trials")}["seed"] == "2"
    assert call("query", "select * from trails", "--store", str(kept)) == 2
    assert capsys.readouterr().err == (
        "sweep: the query cannot be answered: table 'trails' is not known; did you mean 'trials'?\n"
    )


@pytest.mark.parametrize("ending", ["csv", "json", "arrow", "parquet", "table"])
def test_an_answer_goes_to_a_new_file_whole_or_not_at_all(
    kept: Path, call, tmp_path: Path, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"answer.{ending}"
    ask = ("query", "select seed, count(*) as n from trials group by seed order by seed", "--store", str(kept))
    assert call(*ask, "-o", str(path)) == 0
    content = path.read_bytes()
    if ending == "parquet":
        assert pq.read_table(path).to_pylist() == [{"seed": seed, "n": 4} for seed in range(3)]
    assert call(*ask, "-o", str(path)) == 2
    assert "is there already; remove it" in capsys.readouterr().err
    assert path.read_bytes() == content
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_file_without_a_known_ending_needs_a_format(kept: Path, call, tmp_path: Path, capsys) -> None:
    ask = ("query", "select 1 as a", "--store", str(kept), "-o", str(tmp_path / "x.dat"))
    assert call(*ask) == 2
    assert "give --format (--output)" in capsys.readouterr().err
    assert call(*ask, "--format", "csv") == 0
    assert call("query", "select 1 as a", "--store", str(kept), "-o", str(tmp_path / "none" / "x.csv")) == 2
    assert "cannot be written: No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["parquet", "csv", "duckdb"])
def test_every_table_is_exported_with_each_trial_once(kept: Path, call, tmp_path: Path, form: str, capsys) -> None:
    target = tmp_path / "new" / "out"
    assert call("export", str(target), "--store", str(kept), "--format", form) == 0
    if form == "duckdb":
        with duckdb.connect(str(target), read_only=True) as database:
            rows = {name: database.sql(f"select * from {name}").to_arrow_table() for name in EXPORTED}
            comments = database.sql(
                "select column_name from duckdb_columns() where not internal and comment is null"
            ).fetchall()
        assert comments == []
    elif form == "csv":
        rows = {name: pcsv.read_csv(target / f"{name}.csv") for name in ("trials", "curves", "plan", "pairs")}
    else:
        rows = {name: pq.read_table(target / f"{name}.parquet") for name in EXPORTED}
        assert rows["trials"].schema.field("val_loss").metadata[b"unit"] == b"nats"
        assert all(field.metadata for table in rows.values() for field in table.schema)
    assert {name: table.num_rows for name, table in rows.items() if name != "measurements"} == {
        "trials": 12,
        "curves": 12,
        "plan": 12,
        "pairs": 6,
    }
    assert [each.name for each in target.parent.iterdir()] == ["out"]
    capsys.readouterr()
    assert call("export", str(target), "--store", str(kept), "--format", form) == 2
    assert "is there already; remove it" in capsys.readouterr().err


def test_stores_become_one(kept: Path, call, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = str(kept.parent / "kept.yaml")
    for seed in ("1", "7"):
        where = ("--store", str(tmp_path / seed), "--set", f"seed={seed}")
        assert call("run", study, *where, *NULL) == 0
    capsys.readouterr()
    target = str(tmp_path / "all")
    assert call("merge", str(kept), str(tmp_path / "1"), str(tmp_path / "7"), "--store", target) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[2] for line in lines[:3]] == [
        "12 trials and 1 sweeps brought",
        "0 trials and 1 sweeps brought, 4 were there",
        "4 trials and 1 sweeps brought",
    ]
    assert f"sweep track --store {target}" in lines[3]
    assert len(Ledger.open(target).contents.status) == 16
    assert call("run", study, "--store", target, *NULL) == 0
    assert "12 trials planned, 12 finished" in capsys.readouterr().out
    assert call("merge", "--store", target) == 2
    assert call("merge", str(tmp_path / "none"), "--store", target) == 2
    assert "there is no store at" in capsys.readouterr().err
