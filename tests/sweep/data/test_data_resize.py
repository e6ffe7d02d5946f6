from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sweep.data import Dataset, area_average
from sweep.data import resize as resize_module
from sweep.errors import SweepError

steady = settings(deadline=None, derandomize=True)
shapes = st.tuples(st.integers(0, 3), st.integers(1, 9), st.integers(1, 9), st.integers(1, 3))


def _exact(images: np.ndarray, size: int) -> np.ndarray:
    """Area averaging by definition, in rational numbers."""
    count, height, width, channels = images.shape
    result = np.empty((count, size, size, channels), np.uint8)

    def weights(length: int, i: int) -> list[Fraction]:
        low, high = Fraction(i * length, size), Fraction((i + 1) * length, size)
        return [max(min(Fraction(j + 1), high) - max(Fraction(j), low), Fraction(0)) for j in range(length)]

    for n, i, k, c in np.ndindex(*result.shape):
        total = sum(
            down * across * int(images[n, y, x, c])
            for y, down in enumerate(weights(height, i))
            for x, across in enumerate(weights(width, k))
        )
        result[n, i, k, c] = floor(total * size * size / (height * width) + Fraction(1, 2))
    return result


@steady
@given(st.data())
def test_the_mean_of_each_area_rounded_half_up(data: st.DataObject) -> None:
    images = data.draw(arrays(np.uint8, shapes))
    size = data.draw(st.integers(1, min(images.shape[1:3])))
    np.testing.assert_array_equal(area_average(images, size), _exact(images, size))


@steady
@given(shapes, st.integers(0, 255), st.data())
def test_constants_are_preserved(shape: tuple[int, ...], value: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, min(shape[1:3])))
    assert (area_average(np.full(shape, value, np.uint8), size) == value).all()


@pytest.mark.parametrize("size", [4, 8, 16])
def test_divisors_preserve_the_mean(size: int, cifar10: Dataset) -> None:
    images = cifar10.test_images[:500]
    averaged = area_average(images, size)
    blocks = images.reshape(500, size, 32 // size, size, 32 // size, 3).mean(axis=(2, 4))
    np.testing.assert_array_equal(averaged, np.floor(blocks + 0.5))
    assert averaged.mean() == pytest.approx(images.mean(), abs=0.6)


def test_chunks_and_large_areas_change_nothing(mnist: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    images = mnist.test_images[:100]
    whole = area_average(images, 12)
    monkeypatch.setattr(resize_module, "_CHUNK_BYTES", 30_000)
    np.testing.assert_array_equal(area_average(images, 12), whole)
    # Sums over 16 x 16 times the area go beyond float32's exact integers.
    large = images[:2].repeat(16, axis=1).repeat(16, axis=2)
    np.testing.assert_array_equal(area_average(large, 12), whole[:2])


def test_images_of_that_size_come_back_themselves(mnist: Dataset) -> None:
    assert area_average(mnist.test_images, 28) is mnist.test_images


@pytest.mark.parametrize("size", [0, -1, 29])
def test_other_sizes_are_refused(size: int) -> None:
    with pytest.raises(SweepError, match=rf"Images of 28x28 cannot be averaged to {size}x{size}; take 1 to 28\."):
        area_average(np.zeros((1, 28, 28, 1), np.uint8), size)
