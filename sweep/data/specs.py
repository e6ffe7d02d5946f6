"""The specification of a data set, and its four arrays."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Log = Callable[[str], None]
Pixels = NDArray[np.uint8]

ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")


def silent(line: str) -> None:
    """The log of a caller who wants none."""


@dataclass(frozen=True)
class DatasetSpec:
    """The published facts of a data set.

    ``shape`` is (channels, height, width); ``mean`` and ``std`` are per channel, of pixels in 0..1; ``digests`` maps
    the name of each array in :class:`Dataset` to the SHA-256 of its bytes in C order.
    """

    name: str
    shape: tuple[int, int, int]
    classes: int
    train_size: int
    test_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    digests: Mapping[str, str] = field(hash=False, repr=False)

    @property
    def pixel_shape(self) -> tuple[int, int, int]:
        """(height, width, channels): the shape of one stored image."""
        channels, height, width = self.shape
        return height, width, channels

    def size(self, split: str) -> int:
        """The number of images in ``split``, "train" or "test"."""
        return {"train": self.train_size, "test": self.test_size}[split]


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set's arrays: images uint8 (N, height, width, channels) in 0..255, labels uint8 (N,).

    :func:`sweep.data.load` returns read-only views of the memory-mapped cache file.
    """

    spec: DatasetSpec
    train_images: Pixels
    train_labels: Pixels
    test_images: Pixels
    test_labels: Pixels

    def fault(self) -> str | None:
        """What is wrong with the first array that breaks the specification, as a clause; None if none does."""
        for name in ARRAYS:
            array: Pixels = getattr(self, name)
            split, kind = name.split("_")
            expected = (self.spec.size(split), *(self.spec.pixel_shape if kind == "images" else ()))
            if array.dtype != np.uint8 or array.shape != expected:
                return f"its {split} {kind} are {array.dtype} {array.shape} instead of uint8 {expected}"
            published = self.spec.digests[name]
            digest = hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
            if digest != published:
                return f"its {split} {kind} have SHA-256 {digest[:12]}… instead of {published[:12]}…"
        return None
