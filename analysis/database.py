"""DuckDB, which answers queries in this process."""

import functools
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

import duckdb

T = TypeVar("T")


def connect(outside: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection whose temporary tables and views no other sees, and in which no Python variable is a table.

    A query sees what is registered with it; only with `outside` can it also read files and addresses, or load
    extensions.
    """
    return _database(os.getpid(), outside).cursor()


@functools.cache
def _database(process: int, outside: bool) -> duckdb.DuckDBPyConnection:
    """An empty database in memory, one a process, as making one takes many times as long as a small query.

    A forked process has its own: the threads of its parent's are not there.
    """
    return duckdb.connect(config={"python_enable_replacements": False, "enable_external_access": outside})


def interruptible(connection: duckdb.DuckDBPyConnection, answer: Callable[[], T]) -> T:
    """What `answer` returns, which asks the connection; Ctrl-C ends the query, however long it would take."""
    if threading.current_thread() is not threading.main_thread():
        return answer()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(answer)
        try:
            return asked.result()
        except KeyboardInterrupt:
            # DuckDB listens only while it works, so it may have to be told again.
            while not asked.done():
                connection.interrupt()
                wait([asked], timeout=0.1)
            raise
