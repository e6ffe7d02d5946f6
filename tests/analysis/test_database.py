"""Connections to DuckDB: none sees another's tables, wherever it is made."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pyarrow as pa
import pytest

from analysis.database import connect


def total(size: int) -> int:
    """The sum of the numbers below `size`, by a table and a view whose names all have."""
    with connect() as connection:
        connection.register("numbers", pa.table({"number": range(size)}))
        connection.execute("create temp view view as select sum(number)::bigint as total from numbers")
        return connection.sql("from view").to_arrow_table()["total"][0].as_py()


SIZES = [10, 1000, 100_000] * 4
TOTALS = [size * (size - 1) // 2 for size in SIZES]


def test_threads_have_tables_of_their_own():
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(total, SIZES)) == TOTALS


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_has_a_database_of_its_own():
    assert total(3) == 3
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(total, SIZES) == TOTALS


def test_nothing_is_left_of_a_closed_connection():
    total(3)
    with connect() as connection, pytest.raises(duckdb.CatalogException):
        connection.sql("from view")
