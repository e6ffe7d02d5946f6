"""DuckDB, which answers queries in this process."""

import functools
import os

import duckdb


def connect() -> duckdb.DuckDBPyConnection:
    """A connection whose temporary tables and views no other sees, and in which no Python variable is a table."""
    return _database(os.getpid()).cursor()


@functools.cache
def _database(process: int) -> duckdb.DuckDBPyConnection:
    """An empty database in memory, one a process, as making one takes many times as long as a small query.

    A forked process has its own: the threads of its parent's are not there.
    """
    return duckdb.connect(config={"python_enable_replacements": False})
