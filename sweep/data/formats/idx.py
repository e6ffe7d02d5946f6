"""IDX, the format of MNIST: a magic number, big-endian dimensions, raw bytes (MNIST's home page)."""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from sweep.data.specs import Pixels
from sweep.errors import SweepError

_UINT8 = 0x08


def _header(shape: tuple[int, ...]) -> bytes:
    return struct.pack(f">HBB{len(shape)}I", 0, _UINT8, len(shape), *shape)


def parse_idx(data: bytes, shape: tuple[int, ...], name: str | Path) -> Pixels:
    """The read-only uint8 array of ``shape`` in ``data``. Raises SweepError, which names ``name``, for other data."""
    header = _header(shape)
    if not data.startswith(header):
        raise SweepError(f"{name} is not an IDX file of {shape} unsigned bytes; get a fresh copy of it.")
    if len(data) != len(header) + math.prod(shape):
        raise SweepError(f"{name} does not have the length in its header; get a fresh copy of it.")
    return np.frombuffer(data, np.uint8, offset=len(header)).reshape(shape)


def read_idx(path: Path, shape: tuple[int, ...]) -> Pixels:
    """As :func:`parse_idx`, from a file, decompressed if its name ends in .gz."""
    # One byte more than expected shows that a file is too long, without reading a compression bomb.
    limit = len(_header(shape)) + math.prod(shape) + 1
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read(limit)
    except (OSError, EOFError, zlib.error) as error:
        raise SweepError(f"{path} cannot be read ({error}); get a fresh copy of it.") from error
    return parse_idx(data, shape, path)
