"""The cache's own format: an uncompressed Arrow IPC file of two record batches, train and test.

Columns: image, fixed_size_binary(height * width * channels), and label, uint8. The schema's metadata hold name, shape
and digests for readers elsewhere; here only the specification's digests count.
"""

import errno
import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from sweep.data.specs import Dataset, DatasetSpec, Pixels


class DamagedFileError(Exception):
    """The file exists but is not the data set; the message is a clause that says why."""


def _schema(spec: DatasetSpec) -> pa.Schema:
    pixels = int(np.prod(spec.shape))
    fields = [
        pa.field("image", pa.binary(pixels), nullable=False),
        pa.field("label", pa.uint8(), nullable=False),
    ]
    facts = {"name": spec.name, "shape": json.dumps(spec.shape), "digests": json.dumps(spec.digests)}
    return pa.schema(fields, metadata=facts)


def write_arrow(path: Path, dataset: Dataset) -> None:
    """Write ``dataset`` to ``path``. Raises OSError."""
    schema = _schema(dataset.spec)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for arrays in ((dataset.train_images, dataset.train_labels), (dataset.test_images, dataset.test_labels)):
            columns = [
                pa.Array.from_buffers(field.type, len(array), [None, pa.py_buffer(np.ascontiguousarray(array))])
                for field, array in zip(schema, arrays, strict=True)
            ]
            writer.write_batch(pa.record_batch(columns, schema=schema))


def read_arrow(path: Path, spec: DatasetSpec) -> Dataset:
    """The verified data set in ``path``; its arrays are read-only views of the mapped file.

    Raises DamagedFileError if any byte of an array is wrong, and OSError if the system does not let the file be read.
    """
    try:
        with pa.memory_map(str(path)) as source:
            reader = pa.ipc.open_file(source)
            if reader.num_record_batches != 2 or not reader.schema.equals(_schema(spec)):
                raise DamagedFileError("it has another layout")
            arrays = (*_views(reader.get_batch(0), spec, "train"), *_views(reader.get_batch(1), spec, "test"))
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError) as error:
        # An empty file cannot be mapped: an invalid argument.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        raise DamagedFileError(f"it cannot be read: {str(error).split('. ')[0].rstrip('.')}") from error
    dataset = Dataset(spec, *arrays)
    if fault := dataset.fault():
        raise DamagedFileError(fault)
    return dataset


def _views(batch: pa.RecordBatch, spec: DatasetSpec, split: str) -> tuple[Pixels, Pixels]:
    size = spec.size(split)
    if batch.num_rows != size:
        raise DamagedFileError(f"its {split} split has {batch.num_rows} images instead of {size}")
    images, labels = (
        np.frombuffer(batch.column(i).buffers()[1], np.uint8, count=size * width)
        for i, width in enumerate((int(np.prod(spec.shape)), 1))
    )
    return images.reshape(size, *spec.pixel_shape), labels
