"""A table is declared once: what the page, the Parquet file and the JSON records make of it."""

import io
import json
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.claims import Outcome
from analysis.equivalence.mean import Estimate
from analysis.plain import plain
from analysis.report.assemble import Report
from analysis.report.content import Column, Lead, Part, Table
from analysis.report.words import plain as numbers_form
from analysis.report.words import points, ratio, share, signed
from analysis.report.write import as_json, write_report
from analysis.seeds import over_zero

NAN = math.nan
COLUMNS = (
    Column("network", "network"),
    Column("seeds", "seeds"),
    Column("error", "error, %", share()),
    Column("outcome"),
    Column("shift", "shift", signed(2)),
)
ROWS = [
    {"network": "one", "seeds": np.int64(3), "error": Estimate(0.5, 0.4, 0.6), "outcome": Outcome.HOLDS, "shift": NAN},
    {"network": "two", "seeds": 1, "error": Estimate(0.25), "outcome": Outcome.OPEN, "shift": np.float64(-1.0)},
]


def stored(table: Table) -> pa.Table:
    sink = io.BytesIO()
    pq.write_table(table.arrow, sink)
    return pq.read_table(io.BytesIO(sink.getvalue()))


def test_the_page_has_the_columns_with_heads_in_their_forms():
    table = Table("rows", COLUMNS, ROWS)
    assert table.heads == [("network", "left"), ("seeds", "right"), ("error, %", "right"), ("shift", "right")]
    assert table.cells == [["one", "3", "50.0 [40.0, 60.0]", "\N{EN DASH}"], ["two", "1", "25.0", "-1.00"]]


def test_files_have_every_column_flat_with_an_estimate_in_three():
    first, second = Table("rows", COLUMNS, ROWS).records
    assert list(first) == ["network", "seeds", "error", "error_low", "error_high", "outcome", "shift"]
    assert first == {
        "network": "one",
        "seeds": 3,
        "error": 0.5,
        "error_low": 0.4,
        "error_high": 0.6,
        "outcome": "holds",
        "shift": None,
    }
    assert (second["error"], second["error_low"], second["error_high"], second["shift"]) == (0.25, None, None, -1.0)
    assert {type(value) for value in (first["seeds"], second["shift"])} == {int, float}


def test_parquet_has_the_rows_of_json_with_null_for_what_is_no_number():
    rows = [*ROWS, {**ROWS[0], "shift": math.inf, "error": Estimate(NAN, -math.inf, NAN)}]
    table = Table("rows", COLUMNS, rows)
    file = stored(table)
    assert file.to_pylist() == table.records
    assert file["shift"].null_count == 2
    assert file["error_low"].type == pa.float64()
    assert file["seeds"].type == pa.int64()


def test_a_column_without_any_value_is_of_floats():
    table = Table("rows", [Column("x", "x", numbers_form()), Column("y")], [{"x": NAN, "y": None}] * 2)
    assert stored(table).schema.types == [pa.float64(), pa.float64()]
    assert stored(table).to_pylist() == table.records == [{"x": None, "y": None}] * 2
    assert table.cells == [["\N{EN DASH}"]] * 2


def test_an_empty_table_has_its_columns_and_no_rows():
    table = Table("rows", [Column("x", "x"), Column("y")], [])
    assert (table.heads, table.cells, table.records) == ([("x", "left")], [], [])
    assert (stored(table).column_names, stored(table).num_rows) == (["x", "y"], 0)


def test_rows_above_are_the_pages_and_so_is_a_choice_of_rows():
    table = Table("rows", COLUMNS, ROWS, shown=ROWS[1:], above=[("published", "", "6.4", "")])
    assert table.cells == [["published", "", "6.4", ""], ["two", "1", "25.0", "-1.00"]]
    assert [record["network"] for record in table.records] == ["one", "two"]
    assert stored(table).num_rows == 2


def test_a_text_among_the_rows_shown_turns_its_column_to_the_left():
    columns = (Column("a", "a"), Column("b", "b"))
    rows = [{"a": 1, "b": 1}, {"a": 2, "b": "none"}]
    assert [side for _, side in Table("rows", columns, rows).heads] == ["left", "left"]
    assert [side for _, side in Table("rows", columns, rows, shown=rows[:1]).heads] == ["left", "right"]


@pytest.mark.parametrize("fields", [{"above": [("one text",)]}, {"above": [("too", "many", "texts")]}])
def test_a_row_above_has_a_text_per_head(fields: dict[str, Any]):
    with pytest.raises(ValueError, match="texts is above a table of 2 heads"):
        _ = Table("rows", (Column("a", "a"), Column("b", "b"), Column("c")), [], **fields).cells


def test_a_row_without_one_of_the_columns_is_an_error():
    with pytest.raises(KeyError, match="b"):
        _ = Table("rows", (Column("a", "a"), Column("b")), [{"a": 1}]).records


def test_a_bulky_table_is_a_file_alone(tmp_path):
    bulk = pa.table({"x": [1.0, None]})
    part = Part("one", "t", Lead("v", "d", "info"), "v", tables=[Table("bulk", (), (), bulk=bulk)])
    report = Report("test", "key", ("store",), {"planned": 1, "missing": 0}, (part,))
    assert json.loads(as_json(report))["parts"]["one"] == {"claims": []}
    folder = write_report(report, tmp_path / "report").parent
    assert pq.read_table(folder / "tables" / "bulk.parquet").equals(bulk)


def test_json_and_parquet_of_a_report_agree(tmp_path, numbers):
    tables = [Table("files", [Column(column.key) for column in COLUMNS], ROWS), Table("none", [Column("x")], [])]
    part = Part("one", "t", Lead("v", "d", "info"), "v", tables=tables, numbers={"found": {"p": NAN, "n": 3}})
    report = Report("test", "key", ("store",), {"planned": 1, "missing": 0}, (part,))
    folder = write_report(report, tmp_path / "report").parent
    found = numbers(folder)["parts"]["one"]
    assert found["found"] == {"p": None, "n": 3}
    for name in ("files", "none"):
        assert pq.read_table(folder / "tables" / f"{name}.parquet").to_pylist() == found[name]


def test_json_has_numbers_where_it_can_and_null_elsewhere():
    given = {
        1: [NAN, math.inf, 0.5, np.float64(NAN), np.int64(2)],
        "array": np.array([[1.0, NAN]]),
        "estimate": Estimate(1.0),
        "outcome": Outcome.MIXED,
        "texts": ("a", None, True),
    }
    made = plain(given)
    assert made == {
        "1": [None, None, 0.5, None, 2],
        "array": [[1.0, None]],
        "estimate": {"value": 1.0, "low": None, "high": None},
        "outcome": "holds in some and is contradicted in others",
        "texts": ["a", None, True],
    }
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert plain(over_zero([1.0]))["n"] == 1


@pytest.mark.parametrize(
    ("form", "value", "text"),
    [
        (numbers_form(2), 1.234, "1.23"),
        (numbers_form(2), NAN, "\N{EN DASH}"),
        (numbers_form(1), Estimate(1.0, 0.5, 1.5), "1.0 [0.5, 1.5]"),
        (signed(1), 0.25, "+0.2"),
        (signed(1), -0.02, "0.0"),
        (share(), Estimate(0.123), "12.3"),
        (points(1), Estimate(-0.01, -0.02, 0.0), "-1.0 [-2.0, 0.0]"),
        (ratio(2), Estimate(0.0, -math.log(2), math.log(2)), "1.00 [0.50, 2.00]"),
        (ratio(2), Estimate(NAN), "\N{EN DASH}"),
    ],
)
def test_numbers_have_one_form_with_and_without_an_interval(form, value: float | Estimate, text: str):
    assert form(value) == text
