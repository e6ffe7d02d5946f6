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
_GZIP, _GZIP_DEFLATE = b"\x1f\x8b", b"\x1f\x8b\x08"


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
    """As :func:`parse_idx`, from a file, decompressed if it is gzipped, whatever its name. Raises OSError too."""
    # One byte more than expected shows that a file is too long, without reading a compression bomb.
    limit = len(_header(shape)) + math.prod(shape) + 1
    try:
        with path.open("rb") as file:
            magic = file.read(3)
            file.seek(0)
            # A program that unpacks a file may leave it its name.
            gzipped = magic.startswith(_GZIP if path.suffix == ".gz" else _GZIP_DEFLATE)
            with gzip.open(file) if gzipped else file as content:
                data = content.read(limit)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SweepError(f"{path} cannot be read ({error}); get a fresh copy of it.") from error
    return parse_idx(data, shape, path)
