"""Which kernel trains a pack of stacks: the compiled one, or torch."""

from models.stack_shape import StackShape
from sweep.engine.native.choices import torch_is_faster
from sweep.engine.native.library import Unavailable, library
from sweep.errors import SweepError
from sweep.trial import Trial

NATIVE, TORCH = "native", "torch"


def wanted(trial: Trial, device: str, kernel: str) -> str:
    """The kernel that should train a trial, whether or not this machine has it; a rule of its sizes alone."""
    takes = trial.kind.fuses and trial.precision == "fp32" and device == "cpu"
    if kernel == TORCH or not takes:
        return TORCH
    shape = StackShape.of(trial.shape)
    return TORCH if kernel != NATIVE and torch_is_faster(shape) else NATIVE


def chosen(trial: Trial, device: str, kernel: str) -> str:
    """The kernel that trains a trial here; compiles it if that was not done before.

    Raises SweepError where the compiled one is asked for and cannot be had.
    """
    if wanted(trial, device, kernel) == TORCH:
        return TORCH
    try:
        library(StackShape.of(trial.shape).kernel_size)
    except Unavailable as error:
        if kernel == NATIVE:
            raise SweepError(
                f"there is no compiled kernel: {error}; install a compiler such as g++, or leave this out", "kernel"
            ) from None
        return TORCH
    return NATIVE
