"""How fast the compiled kernel computes the gradients of every shape of the grid, against torch and a matrix product.

MNIST's image size, both arrangements, depth 4 and 16, one thread, one network. Torch computes as many networks together
as the engine would. All three are measured in turn, the median of three rounds counts, and FLOPs are those of the
layers. `--choose` writes from which number of filters torch is faster, which the engine reads.

    python -m benchmarks.kernel [--json FILE] [--choose]
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from models import FusedStack
from models.stack_shape import StackShape
from sweep.engine.fusion import fusion_groups
from sweep.engine.native import choices
from sweep.engine.native.program import Pixels, Program
from sweep.engine.resources import prepare_process
from sweep.trial import Trial

FILTERS, KERNELS, DEPTHS = (1, 2, 4, 8, 16, 32), (1, 3, 5, 7), (4, 16)
ROUNDS, SECONDS, BATCH = 3, 0.25, 128
MATRIX = 1024


def flops(shape: StackShape) -> float:
    """Floating-point operations of a gradient per image: products forward, and twice backward but for the pixels."""
    channels, height, width = shape.input_shape
    taps = height * width * shape.filters * shape.kernel_size**2
    return 2.0 * (3 * shape.depth * shape.filters * taps + 2 * channels * taps + 3 * shape.classes * shape.features)


def product() -> float:
    """GFLOP/s of a large matrix product."""
    matrix = torch.ones(MATRIX, MATRIX)
    began = time.perf_counter()
    for _ in range(4):
        torch.mm(matrix, matrix)
    return 4 * 2 * MATRIX**3 / (time.perf_counter() - began) / 1e9


def repeated(step: Callable[[], object]) -> float:
    """Seconds of a call, as the mean of as many as take about `SECONDS`."""
    began, calls = time.perf_counter(), 0
    while calls == 0 or time.perf_counter() - began < SECONDS:
        step()
        calls += 1
    return (time.perf_counter() - began) / calls


def compiled(shape: StackShape, images: int) -> tuple[Program, Pixels, NDArray[np.int64]]:
    """A stack with random parameters for the kernel, random images, and the index of them all."""
    random = np.random.default_rng(0)
    values = [random.normal(0, 1 / np.sqrt(max(1, np.prod(size[1:]))), size) for size in shape.tensors().values()]
    program = Program(shape, "relu", np.concatenate([value.ravel() for value in values]))
    pixels = Pixels(
        random.integers(0, 256, (images, *shape.input_shape), dtype=np.uint8),
        random.integers(0, shape.classes, images),
        np.full(1, 1 / 255),
        np.zeros(1),
    )
    return program, pixels, np.arange(images)


def native(shape: StackShape, images: int) -> Callable[[], object]:
    """A gradient by the kernel."""
    program, pixels, index = compiled(shape, images)
    return lambda: program.gradient(pixels, index)


def random_values(shape: StackShape, networks: int) -> dict[str, torch.Tensor]:
    """Random parameters for torch, with a leading axis of networks."""
    return {name: torch.randn(networks, *size) / max(1, size[-1]) ** 0.5 for name, size in shape.tensors().items()}


def stock(shape: StackShape, images: int, networks: int) -> Callable[[], object]:
    """The gradients of networks that torch computes as one."""
    fused = FusedStack(shape, ["relu"] * networks, random_values(shape, networks))
    pixels, labels = torch.rand(images, 28, 28, 1), torch.randint(0, 10, (networks * images,))

    def step() -> None:
        fused.zero_grad()
        F.cross_entropy(fused(pixels).flatten(0, 1), labels).backward()

    return step


def measure(filters: int, kernel: int, depth: int, parallel: bool) -> dict[str, object]:
    """One shape: microseconds per image and network of both, and the matrix product's speed beside them."""
    shape = StackShape((1, 28, 28), 10, depth, depth if parallel else 1, filters, kernel)
    trials = [Trial("kernel", dataset="mnist", filters=filters, seed=seed) for seed in range(24)]
    networks = max(map(len, fusion_groups(trials, "cpu")))
    images = max(4, min(BATCH, int(SECONDS * 5e10 / flops(shape))))
    ours, torchs = native(shape, images), stock(shape, images, networks)
    for step in (ours, torchs):
        step()
    rounds = [(repeated(ours) / images, repeated(torchs) / images / networks, product()) for _ in range(ROUNDS)]
    one, other, peak = (statistics.median(column) for column in zip(*rounds, strict=True))
    share = statistics.median(flops(shape) / seconds / 1e9 / speed for seconds, _, speed in rounds)
    gain = statistics.median(theirs / mine for mine, theirs, _ in rounds)
    return {
        "filters": filters,
        "kernel_size": kernel,
        "depth": depth,
        "architecture": "parallel" if parallel else "sequential",
        "native_us": 1e6 * one,
        "torch_us": 1e6 * other,
        "fused": networks,
        "gain": gain,
        "gflops": flops(shape) / one / 1e9,
        "product_gflops": peak,
        "share": share,
    }


def fewest_filters(rows: list[dict[str, object]]) -> dict[int, int | None]:
    """By kernel size, the fewest filters from which torch is faster in most shapes with as many or more."""
    found: dict[int, int | None] = {}
    for kernel in KERNELS:
        slower = [
            filters
            for filters in FILTERS
            if statistics.median(
                float(str(row["gain"])) for row in rows if (row["filters"], row["kernel_size"]) == (filters, kernel)
            )
            < 1
        ]
        found[kernel] = next((f for f in FILTERS if all(g in slower for g in FILTERS if g >= f)), None)
    return found


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--choose", action="store_true", help="write the table that the engine reads")
    options = parser.parse_args()
    prepare_process()
    torch.set_num_threads(1)
    rows: list[dict[str, object]] = []
    for kernel in KERNELS:
        for filters in FILTERS:
            for depth in DEPTHS:
                for parallel in (False, True):
                    row = measure(filters, kernel, depth, parallel)
                    rows.append(row)
                    print(
                        f"{filters:2} filters {kernel}x{kernel} depth {depth:2} {row['architecture']:10} "
                        f"{row['native_us']:9.1f} us, torch {row['torch_us']:9.1f} us, "
                        f"{row['gain']:5.1f} times, {row['gflops']:4.0f} GFLOP/s, share {row['share']:.2f}",
                        flush=True,
                    )
    chosen = fewest_filters(rows)
    print("torch is faster from filters:", chosen)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    if options.choose:
        choices.FILE.write_text(json.dumps({"torch_from_filters": chosen}) + "\n")


if __name__ == "__main__":
    main()
