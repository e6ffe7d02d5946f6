"""One stack as the kernel takes it: vectors of numbers, and calls that work on them."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.stack_shape import StackShape
from sweep.engine.native.library import Real, library

ACTIVATIONS = ("relu", "tanh", "gelu", "sigmoid")
OPTIMIZERS = ("adamw", "sgd", "nesterov")
TYPES: dict[Real, type[np.floating]] = {"float": np.float32, "double": np.float64}
_NO_MEMORY, _NOT_FINITE = 1, 2

Floats = NDArray[np.floating]


class NotFinite(Exception):
    """A loss or a gradient has ceased to be finite."""


class _Shape(ctypes.Structure):
    _fields_ = [  # ctypes declares it without ClassVar
        (name, ctypes.c_int32)
        for name in ("classes", "depth", "branches", "filters", "channels", "height", "width", "activation")
    ]


class _Optimizer(ctypes.Structure):
    _fields_ = [
        ("method", ctypes.c_int32),
        ("decay", ctypes.c_double),
        ("momentum", ctypes.c_double),
    ]


@dataclass(frozen=True)
class Pixels:
    """Images (N, channels, height, width) uint8, labels (N) int64, and how pixels are normalised, by channel."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    scale: Floats
    shift: Floats


class Program:
    """A stack's parameters and optimiser state, in the order of `StackShape.tensors`.

    Methods raise NotFinite where a number is no longer finite, and MemoryError. The constructor raises
    `library.Unavailable` where there is no kernel, and ValueError for an unknown activation.
    """

    def __init__(self, shape: StackShape, activation: str, parameters: Floats, real: Real = "float") -> None:
        self._library = library(shape.kernel_size, real)
        channels, height, width = shape.input_shape
        sizes = (shape.classes, shape.depth, shape.branches, shape.filters, channels, height, width)
        self._shape = _Shape(*sizes, ACTIVATIONS.index(activation))
        self._type = TYPES[real]
        self.parameters = np.ascontiguousarray(parameters, self._type).copy()
        self._state = np.zeros((2, len(self.parameters)), self._type)
        self._done = 0

    def gradient(self, pixels: Pixels, index: NDArray[np.int64]) -> tuple[float, float, Floats]:
        """Mean loss, accuracy and gradient of the mean loss over images."""
        gradient, means = np.empty_like(self.parameters), np.zeros(2)
        self._call("gradient", self.parameters, *self._images(pixels), index, len(index), gradient, means)
        return float(means[0]), float(means[1]), gradient

    def steps(
        self,
        pixels: Pixels,
        order: NDArray[np.int64],
        batch: int,
        rates: Sequence[float],
        optimizer: tuple[str, float, float],
    ) -> NDArray[np.float64]:
        """Train on images in batches, the last one shorter, with a learning rate for each; `optimizer` has its name,
        weight decay and momentum.

        Returns loss, accuracy and gradient norm of the steps, each summed over images.
        """
        sums = np.zeros(3)
        name, decay, momentum = optimizer
        how = ctypes.byref(_Optimizer(OPTIMIZERS.index(name), decay, momentum))
        at = (self.parameters, self._state[0], self._state[1], how, *self._images(pixels), order, len(order), batch)
        self._call("steps", *at, np.asarray(rates, np.float64), self._done, sums)
        self._done += len(rates)
        return sums

    def evaluate(self, pixels: Pixels, index: NDArray[np.int64], sums: NDArray[np.float64]) -> None:
        """Add the losses of images, and the number of right answers, to `sums` (2)."""
        self._call("evaluate", self.parameters, *self._images(pixels), index, len(index), sums)

    def _images(self, pixels: Pixels) -> tuple[NDArray[np.generic], ...]:
        scale, shift = (np.ascontiguousarray(each, self._type) for each in (pixels.scale, pixels.shift))
        return pixels.images, pixels.labels, scale, shift

    def _call(self, function: str, *arguments: object) -> None:
        code = getattr(self._library, function)(ctypes.byref(self._shape), *map(_passed, arguments))
        if code == _NO_MEMORY:
            raise MemoryError
        if code == _NOT_FINITE:
            raise NotFinite


def _passed(argument: object) -> object:
    if isinstance(argument, np.ndarray):
        if not argument.flags.c_contiguous:
            raise ValueError("the kernel takes contiguous arrays")
        return argument.ctypes.data_as(ctypes.c_void_p)
    return ctypes.c_int64(argument) if isinstance(argument, int) else argument
