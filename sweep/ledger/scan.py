"""A table of a store as an Arrow dataset: scanned when asked, only the columns and rows that are asked for.

What is scanned is checked as it is read: the footer of each file against its commit's marker, each page against its
checksum. Files of another form than this program's are read at once, and brought into it.
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from sweep.ledger.encoding import digest
from sweep.ledger.forms import unified
from sweep.ledger.ledger import Ledger, unreadable
from sweep.ledger.schema import SCHEMAS

_FORMAT = ds.ParquetFileFormat(
    default_fragment_scan_options=ds.ParquetFragmentScanOptions(page_checksum_verification=True)
)


def scan(ledger: Ledger, table: str) -> ds.Dataset:
    """A table of all commits, each trial from the one commit that it is read from.

    Raises SweepError for a file whose footer is not what was written; scanning raises OSError or pa.ArrowException for
    a page that is not, and `name_damage` then says which file.
    """
    whole: list[str] = []
    parts: list[str] = []
    for name, commit in sorted(ledger.contents.commits.items()):
        foreign = len(ledger.contents.foreign(commit))
        if table in commit.files and foreign < len(commit.statuses):
            (parts if foreign else whole).append(name)
    forms = ledger.parallel(lambda name: _form(ledger, table, name), whole)
    known = SCHEMAS[table]
    parts += [name for name, form in zip(whole, forms, strict=True) if not form.equals(known)]
    whole = [name for name, form in zip(whole, forms, strict=True) if form.equals(known)]
    datasets: list[ds.Dataset] = [ds.dataset(ledger.read(table, parts))] if parts or not whole else []
    if whole:
        datasets.append(_files(ledger, table, whole))
    return union(datasets)


def union(datasets: Sequence[ds.Dataset]) -> ds.Dataset:
    """Several datasets of one table as one. Raises SweepError where they give a column different types."""
    if len(datasets) == 1:
        return datasets[0]
    schema = unified([dataset.schema for dataset in datasets])
    return ds.UnionDataset(schema, [_widened(dataset, schema) for dataset in datasets])


def name_damage(ledger: Ledger, table: str) -> None:
    """Raise SweepError that names a file of a table which is not what was written, if there is one."""
    for name, commit in ledger.contents.commits.items():
        if table in commit.files:
            ledger.read(table, [name])


def _widened(dataset: ds.Dataset, schema: pa.Schema) -> ds.Dataset:
    """A dataset with further columns, which are null in it."""
    if dataset.schema.equals(schema):
        return dataset
    if isinstance(dataset, ds.InMemoryDataset):
        rows = dataset.to_table()
        return ds.dataset(pa.concat_tables([schema.empty_table(), rows], promote_options="default"))
    return dataset.replace_schema(schema)


def _files(ledger: Ledger, table: str, commits: Sequence[str]) -> ds.Dataset:
    places = [ledger.files.location(f"{table}/{name}.parquet") for name in commits]
    paths = [path for _, path in places]
    return ds.dataset(paths, schema=SCHEMAS[table], format=_FORMAT, filesystem=places[0][0])


def _form(ledger: Ledger, table: str, name: str) -> pa.Schema:
    """The columns of a commit's file, from its footer."""
    mark = ledger.contents.commits[name].files[table]
    path = f"{table}/{name}.parquet"
    footer = ledger.files.read_range(path, mark.size - mark.footer_size, mark.footer_size)
    if digest(footer) != mark.footer_sha256:
        raise unreadable(ledger, table, name, "its footer is not what was written")
    return pq.read_schema(pa.BufferReader(footer))
