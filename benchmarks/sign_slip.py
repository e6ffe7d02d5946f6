"""What a sign does to a projected kernel: the reconstruction in P4's public code against the right one (1805.07477).

A convolution is projected to a scaled isometry frequency by frequency, and its kernel is the inverse Fourier transform
of the projected spectrum R + iI. The public code takes R - iI. That is the spectrum of the kernel read backwards around
the circle, so of a 3x3 kernel only one tap stays within the cut. A 1x1 kernel has no direction and is right either way.

    python -m benchmarks.sign_slip [--json FILE]
"""

import argparse
import json
from pathlib import Path

import torch
from torch import Tensor

from models.isometry import isometric, scale_of

CASES = ((64, 3, 3, 32), (16, 16, 3, 16), (128, 64, 1, 16), (256, 128, 1, 8))
"""Outputs, inputs, side of the kernel and of the image: P4's first convolution, a square one, and both transitions."""


def backwards(kernel: Tensor) -> Tensor:
    """The kernel of the conjugate spectrum: read backwards around the circle."""
    return kernel.flip(2, 3).roll((1, 1), (2, 3))


def spread(kernel: Tensor, side: int) -> tuple[float, float]:
    """The least and the largest singular value over all frequencies of the circle, over the scale."""
    spectrum = torch.fft.rfft2(kernel, s=(side, side)).permute(2, 3, 0, 1)
    values = torch.linalg.svdvals(spectrum) / scale_of(kernel)
    return float(values.min()), float(values.max())


def measure(outputs: int, inputs: int, size: int, side: int) -> dict[str, object]:
    """A random kernel (He's initialisation, seed 0), projected once, with either sign."""
    random = torch.Generator().manual_seed(0)
    weight = torch.randn(outputs, inputs, size, size, dtype=torch.float64, generator=random)
    weight *= (2 / (outputs * size**2)) ** 0.5
    whole = isometric(weight, (side, side))
    row: dict[str, object] = {"outputs": outputs, "inputs": inputs, "kernel": size, "image": side}
    kernels = {"before": weight, "right": whole[..., :size, :size], "slipped": backwards(whole)[..., :size, :size]}
    for name, kernel in kernels.items():
        taps = kernel.square().sum((0, 1)).flatten()
        least, largest = spread(kernel, side)
        row |= {
            f"{name}_least": round(least, 4),
            f"{name}_largest": round(largest, 4),
            f"{name}_largest_tap": round(float(taps.max() / taps.sum()), 4),
            f"{name}_energy": round(float(taps.sum() / whole.square().sum()), 4),
        }
    return row


def main() -> None:
    """Measure all cases, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = [measure(*case) for case in CASES]
    for row in rows:
        print(json.dumps(row))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
