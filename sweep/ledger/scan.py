"""A table of a store as an Arrow dataset, which reads only the columns and rows that a query asks for.

Every read is checked: the footer of each file against its commit's marker, each page against its checksum. Files whose
form is not this program's are read at once and brought into it.
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from sweep.ledger.encoding import digest
from sweep.ledger.forms import together, unified
from sweep.ledger.ledger import Ledger, unreadable
from sweep.ledger.schema import SCHEMAS

_FORMAT = ds.ParquetFileFormat(
    default_fragment_scan_options=ds.ParquetFragmentScanOptions(page_checksum_verification=True)
)


def scan(ledger: Ledger, table: str) -> ds.Dataset:
    """A table of all commits; each trial is read from only one commit.

    Raises SweepError for a file with a damaged footer. Scanning the dataset raises OSError or pa.ArrowException for a
    damaged page; `name_damage` then says in which file.
    """
    whole: list[str] = []
    parts: list[str] = []
    for name, commit in sorted(ledger.contents.commits.items()):
        foreign = len(ledger.contents.foreign(commit))
        if table in commit.files and foreign < len(commit.statuses):
            (parts if foreign else whole).append(name)
    known = SCHEMAS[table]
    current = ledger.parallel(lambda name: _form(ledger, table, name).equals(known), whole)
    parts += [name for name, is_current in zip(whole, current, strict=True) if not is_current]
    paths = [f"{table}/{name}.parquet" for name, is_current in zip(whole, current, strict=True) if is_current]
    datasets: list[ds.Dataset] = [ds.dataset(ledger.read(table, parts))] if parts or not paths else []
    if paths:
        places = [ledger.files.location(path) for path in paths]
        files = [path for _, path in places]
        datasets.append(ds.dataset(files, schema=known, format=_FORMAT, filesystem=places[0][0]))
    return union(datasets)


def union(datasets: Sequence[ds.Dataset]) -> ds.Dataset:
    """Several datasets of one table as one. Raises SweepError where they give a column different types."""
    if len(datasets) == 1:
        return datasets[0]
    schema = unified([dataset.schema for dataset in datasets])
    return ds.UnionDataset(schema, [_widened(dataset, schema) for dataset in datasets])


def name_damage(ledger: Ledger, table: str) -> None:
    """Raise the SweepError that names a damaged file of a table, if there is one."""
    for name, commit in ledger.contents.commits.items():
        if table in commit.files:
            ledger.read(table, [name])


def _widened(dataset: ds.Dataset, schema: pa.Schema) -> ds.Dataset:
    """The dataset with the columns of a wider schema, null where it does not have them."""
    if dataset.schema.equals(schema):
        return dataset
    if isinstance(dataset, ds.InMemoryDataset):
        rows = dataset.to_table()
        return ds.dataset(together([schema.empty_table(), rows]))
    return dataset.replace_schema(schema)


def _form(ledger: Ledger, table: str, name: str) -> pa.Schema:
    """The columns of a commit's file, from its footer."""
    mark = ledger.contents.commits[name].files[table]
    path = f"{table}/{name}.parquet"
    footer = ledger.files.read_range(path, mark.size - mark.footer_size, mark.footer_size)
    if digest(footer) != mark.footer_sha256:
        raise unreadable(ledger, table, name, "its footer is damaged")
    return pq.read_schema(pa.BufferReader(footer))
