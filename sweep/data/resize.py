"""Smaller images by exact area averaging."""

import numpy as np
from numpy.typing import NDArray

from sweep.data.specs import Pixels
from sweep.errors import SweepError

_CHUNK_BYTES = 64 * 2**20


def area_average(images: Pixels, size: int) -> Pixels:
    """``images``, uint8 (N, H, W, C), as uint8 (N, size, size, C); the same object if they have that size already.

    Each pixel is the mean of the area that it covers, with fractions of pixels, rounded half up. The arithmetic is
    exact, so every machine gives the same bytes. Raises SweepError if ``size`` is not in 1..min(H, W).
    """
    count, height, width, channels = images.shape
    if not 1 <= size <= min(height, width):
        raise SweepError(
            f"Images of {height}x{width} cannot be averaged to {size}x{size}; take 1 to {min(height, width)}."
        )
    if size == height == width:
        return images
    area = height * width
    # Sums of integers below 2**53 are exact in float64, in any order.
    down, across = _overlaps(height, size).astype(float), _overlaps(width, size).astype(float)
    result = np.empty((count, size, size, channels), np.uint8)
    step = max(1, _CHUNK_BYTES // (8 * height * width * channels))
    for start in range(0, count, step):
        chunk = images[start : start + step].astype(float)
        rows = (down @ chunk.reshape(len(chunk), height, -1)).reshape(len(chunk), size, width, channels)
        sums = rows.swapaxes(2, 3).reshape(-1, width) @ across.T
        means = (2 * sums.astype(np.int64) + area) // (2 * area)
        result[start : start + step] = means.reshape(len(chunk), size, channels, size).swapaxes(2, 3)
    return result


def _overlaps(length: int, size: int) -> NDArray[np.int64]:
    """(size, length): the part of input pixel j that output pixel i covers, in 1/size; rows sum to length."""
    inputs, outputs = np.arange(length) * size, np.arange(size)[:, np.newaxis] * length
    return np.clip(np.minimum(inputs + size, outputs + length) - np.maximum(inputs, outputs), 0, None)
