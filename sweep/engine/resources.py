"""Memory and processor settings of a worker process, and what a training used of them."""

import ctypes
import platform
import resource
import sys
from pathlib import Path

import torch

from sweep.errors import SweepError
from sweep.result import Setting

PROCESS_BYTES = 1 << 30
"""GPU memory that a process takes besides its networks: the CUDA context, libraries and images. A guess, not measured.
"""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")


def prepare_process() -> None:
    """Make this process fit for training; idempotent."""
    # By default cuDNN rounds the inputs of a convolution to TF32, but fp32 is part of a trial's identity.
    torch.backends.cudnn.allow_tf32 = False
    # By default glibc hands every large freed block back to the system, so each activation is paged in anew.
    if platform.libc_ver()[0] == "glibc":
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, 1 << 30)
        mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1)


def claim_device(setting: Setting) -> None:
    """Limit this process to its share of a GPU's memory. Raises SweepError where there is no such GPU."""
    device = torch.device(setting.device)
    if device.type != "cuda":
        return
    if not torch.cuda.is_available():
        raise SweepError(
            f"torch finds no CUDA GPU for the device {setting.device!r}; look at `nvidia-smi` on the worker, "
            "or run on the device cpu",
            "device",
        )
    fraction = float(setting.gpu_share)
    if fraction < 1:
        # The cap holds for PyTorch's allocations; the context comes on top of them.
        _, memory = torch.cuda.mem_get_info(device)
        fraction = max(fraction / 2, fraction - PROCESS_BYTES / memory)
    torch.cuda.set_per_process_memory_fraction(fraction, device if device.index is not None else None)


class PeakMemory:
    """Peak memory since construction: the device's allocations on a GPU, the process's resident set on the CPU."""

    def __init__(self, device: str) -> None:
        self._device = torch.device(device)
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        elif _CLEAR_REFS.exists():
            try:
                _CLEAR_REFS.write_text("5")
            except OSError:
                # Some sandboxes forbid the reset; the peak is then that of the process so far.
                return

    def bytes(self) -> int:
        """The peak in bytes."""
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated(self._device)
        if _STATUS.exists():
            for line in _STATUS.read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        # In KiB, but on macOS in bytes.
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def device_name(device: str) -> str:
    """The GPU's name, or ``cpu``."""
    return torch.cuda.get_device_name(device) if torch.device(device).type == "cuda" else "cpu"
