"""Which kernel trains a pack of stacks: the compiled one, or torch."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from models.stack_shape import StackShape
from sweep.engine.native.choices import torch_is_faster
from sweep.engine.native.library import Unavailable, build_soon, fault, library
from sweep.errors import SweepError
from sweep.trial import Trial

__all__ = ["NATIVE", "TORCH", "build_for", "chosen", "fault", "kernels_said", "shares", "wanted"]

NATIVE, TORCH = "native", "torch"
_NAMES = {NATIVE: "the compiled kernel", TORCH: "torch"}


def wanted(trial: Trial, device: str, kernel: str) -> str:
    """The kernel that should train a trial, whether or not this machine has it; a rule of its sizes alone."""
    takes = trial.kind.fuses and trial.precision == "fp32" and device == "cpu"
    if kernel == TORCH or not takes:
        return TORCH
    shape = StackShape.of(trial.shape)
    return TORCH if kernel != NATIVE and torch_is_faster(shape) else NATIVE


def shares(trials: Sequence[Trial], device: str, kernel: str) -> Counter[str]:
    """How many trials each kernel trains on this machine's kind of device, most first, if it can be compiled here."""
    there = kernel != TORCH and fault() is None
    return Counter(wanted(trial, device, kernel) if there else TORCH for trial in trials)


def kernels_said(trials: Mapping[str, int], why: str | None) -> str:
    """Which kernel trains how many trials, in words; `why` says why the compiled one is missing."""
    said = ", ".join(
        f"{count} trial{'s' if count != 1 else ''} by {_NAMES[kernel]}" for kernel, count in trials.items()
    )
    return said if why is None else f"{said}, since {why}"


def build_for(trials: Sequence[Trial], device: str, kernel: str, failed: Callable[[str], None]) -> None:
    """Compile what trials need, on another thread, which tells `failed` a fault."""
    sizes = {StackShape.of(trial.shape).kernel_size for trial in trials if wanted(trial, device, kernel) == NATIVE}
    build_soon(sizes, failed)


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
