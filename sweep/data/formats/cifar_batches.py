"""CIFAR-10's batches of 10,000 images, as Python pickles and as binary files (CIFAR's home page)."""

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sweep.data.specs import Pixels
from sweep.errors import SweepError

BATCH = 10_000
_PIXELS = 3 * 32 * 32
_BINARY_BYTES = BATCH * (1 + _PIXELS)
_PICKLE_BYTES = 2 * _BINARY_BYTES


class _Array:
    """Stands in for numpy.ndarray: makes an array of integers from a pickled array's state."""

    def __init__(self, *_: object) -> None:
        self.value = np.empty(0, np.uint8)

    def __setstate__(self, state: tuple[int, tuple[int, ...], "_Dtype", bool, bytes]) -> None:
        _, shape, dtype, fortran, data = state
        self.value = np.frombuffer(data, dtype.value).reshape(shape, order="F" if fortran else "C")


class _Dtype:
    """Stands in for numpy.dtype: knows integers only."""

    def __init__(self, code: str | bytes, *_: object) -> None:
        text = code.decode() if isinstance(code, bytes) else code
        if text not in {"u1", "i1", "i2", "i4", "i8", "u2", "u4", "u8"}:
            raise pickle.UnpicklingError(f"an array of type {text!r}")
        self.value = np.dtype(text).newbyteorder("<")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] in (">", b">"):
            self.value = self.value.newbyteorder(">")


def _frombuffer(data: bytes, dtype: _Dtype, shape: tuple[int, ...], order: Literal["C", "F"]) -> NDArray[Any]:
    return np.frombuffer(data, dtype.value).reshape(shape, order=order)


_ADMITTED: dict[str, Callable[..., object]] = {
    "numpy.ndarray": _Array,
    "numpy.dtype": _Dtype,
    "numpy.core.multiarray._reconstruct": _Array,
    "numpy._core.multiarray._reconstruct": _Array,
    "numpy.core.numeric._frombuffer": _frombuffer,
    "numpy._core.numeric._frombuffer": _frombuffer,
    # Python 3 pickles bytes like this in protocol 2 and below, always in latin1.
    "_codecs.encode": lambda text, encoding="latin1": text.encode("latin1"),
}


class _Unpickler(pickle.Unpickler):
    """Builds dicts, lists, strings, numbers and integer arrays; never imports a name from the file."""

    def find_class(self, module: str, name: str, /) -> Any:
        try:
            return _ADMITTED[f"{module}.{name}"]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a batch") from None


def _images(planes: Pixels) -> Pixels:
    """(N, 3072), each row a red, a green and a blue plane, as (N, 32, 32, 3)."""
    return planes.reshape(BATCH, 3, 32, 32).transpose(0, 2, 3, 1)


def read_pickle(path: Path) -> tuple[Pixels, Pixels]:
    """Images uint8 (10000, 32, 32, 3) and labels uint8 (10000,) of a Python batch.

    Raises SweepError for any other content, and OSError; executes nothing in the file.
    """
    with path.open("rb") as file:
        data = io.BytesIO(file.read(_PICKLE_BYTES))
    try:
        batch = _Unpickler(data, encoding="bytes").load()
        batch = {key.decode() if isinstance(key, bytes) else key: value for key, value in batch.items()}
        pixels, labels = (v.value if isinstance(v, _Array) else v for v in (batch["data"], batch["labels"]))
        return _images(np.asarray(pixels, np.uint8)), np.asarray(labels, np.uint8).reshape(BATCH)
    except Exception as error:  # an unpickler can raise almost anything
        raise SweepError(f"{path} is not a CIFAR-10 Python batch ({error}); get a fresh copy of it.") from error


def read_binary(path: Path) -> tuple[Pixels, Pixels]:
    """Images uint8 (10000, 32, 32, 3) and labels uint8 (10000,) of a binary batch. Raises SweepError and OSError."""
    with path.open("rb") as file:
        data = file.read(_BINARY_BYTES + 1)
    if len(data) != _BINARY_BYTES:
        raise SweepError(f"{path} does not have the length of a CIFAR-10 binary batch; get a fresh copy of it.")
    records = np.frombuffer(data, np.uint8).reshape(BATCH, 1 + _PIXELS)
    return _images(records[:, 1:]), records[:, 0]
