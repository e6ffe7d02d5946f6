"""Tables as Parquet bytes that can be checked: as a whole by their digest, or page by page during a scan."""

import hashlib
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sweep.errors import SweepError
from sweep.ledger.commit import FileMark

_ROW_GROUP = 1 << 17
_TRAILER = 8


def encode(table: pa.Table) -> tuple[bytes, FileMark]:
    """The table as Parquet with a checksum per page, read back as a test."""
    sink = pa.BufferOutputStream()
    # Nearly all measured numbers are distinct, so that a dictionary of them only costs time.
    dictionaries: Any = [field.name for field in table.schema if pa.types.is_string(field.type)]
    pq.write_table(
        table,
        sink,
        compression="zstd",
        use_dictionary=dictionaries,
        row_group_size=_ROW_GROUP,
        write_page_checksum=True,
    )
    content = sink.getvalue()
    back = pq.read_table(pa.BufferReader(content))
    if back.num_rows != table.num_rows or not back.schema.equals(table.schema):
        raise SweepError("a table changed on its way into Parquet, a fault of the installed pyarrow; install another")
    data = content.to_pybytes()
    footer = _TRAILER + int.from_bytes(data[-_TRAILER:-4], "little")
    return data, FileMark(len(data), digest(data), footer, digest(data[-footer:]))


def decode(content: bytes) -> pa.Table:
    """The table of a file's bytes. Raises pa.ArrowException or OSError for what this program's Arrow cannot read."""
    # Files are read in parallel already; Arrow's own threads, started from such a thread, can abort a process at exit.
    return pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
