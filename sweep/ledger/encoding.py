"""Tables as Parquet bytes that can be checked: whole by digest, or page by page while they are scanned."""

import hashlib
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sweep.errors import SweepError
from sweep.ledger.commit import FileMark

_ROW_GROUP = 1 << 17
_TRAILER = 8


def encode(table: pa.Table) -> tuple[bytes, FileMark]:
    """The table as Parquet with a checksum a page, read back before it is believed."""
    sink = pa.BufferOutputStream()
    # A dictionary of measurements, nearly all distinct, only costs time.
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
        raise SweepError("a table changed on its way into Parquet; this is a fault of the pyarrow installed")
    data = content.to_pybytes()
    footer = _TRAILER + int.from_bytes(data[-_TRAILER:-4], "little")
    return data, FileMark(len(data), digest(data), footer, digest(data[-footer:]))


def decode(content: bytes, mark: FileMark) -> pa.Table:
    """The table of bytes that are what was written. Raises SweepError if they are not."""
    if digest(content) != mark.sha256:
        raise SweepError("it is not what was written")
    # Files are read side by side already; Arrow's own threads, started from such a thread, can abort a process at exit.
    return pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
