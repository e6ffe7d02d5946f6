"""How the time of a sweep grows: with images, depth, the size of packs, processors, and trials.

Each series changes one number and fits seconds = start + slope x number by least squares of relative errors; `worst`
is the largest relative error of the fit. Images, depth, packs and processors are trainings of the grid with 4 filters
and 3 x 3 at MNIST's size, by the engine; trials are whole `sweep run` commands over the grid with an engine that
trains nothing.

    python -m benchmarks.growth [--json FILE]
"""

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.whole import timed
from sweep.engine import find_engine
from sweep.engine.resources import prepare_process
from sweep.result import Setting
from sweep.trial import Trial

ROUNDS = 3
IMAGES, DEPTHS, PACKS, PROCESSORS, TRIALS = (
    (500, 1000, 2000, 4000, 8000),
    (1, 2, 4, 8, 16),
    (1, 4, 16),
    (1, 2),
    (
        100,
        1000,
        3000,
        6912,
    ),
)


def trial(seed: int = 0, depth: int = 4, images: int = 2000) -> Trial:
    """A trial of the series."""
    return Trial(
        "growth", dataset="mnist", depth=depth, filters=4, seed=seed, train_samples=images, val_samples=1000, epochs=2
    )


def train(trials: Sequence[Trial]) -> None:
    """Train on one thread."""
    prepare_process()
    torch.set_num_threads(1)
    for _ in find_engine("torch")(trials, Setting()):
        pass


def seconds(work: Callable[[], object]) -> float:
    """The median time of some rounds."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        rounds.append(time.perf_counter() - began)
    return statistics.median(rounds)


def on_processors(count: int) -> float:
    """Seconds per trial with so many processes, each with eight trials."""
    with multiprocessing.get_context("spawn").Pool(count) as pool:
        shares = [[trial(seed) for seed in range(8)]] * count
        pool.map(train, shares)
        return seconds(lambda: pool.map(train, shares)) / (8 * count)


def null_run(trials: int) -> float:
    """Seconds of a whole command over so many trials that trains nothing."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "sweep", "run", "grid", "--engine", "null", "--limit", str(trials)]
        return timed([*command, "--no-report", "--store", f"{folder}/store"], Path(folder) / "log")


def fitted(numbers: Sequence[int], found: Sequence[float]) -> dict[str, object]:
    """A series with the line through it."""
    x, y = np.asarray(numbers, float), np.asarray(found)
    design = np.stack([np.ones_like(x), x], 1) / y[:, None]
    (start, slope), *_ = np.linalg.lstsq(design, np.ones_like(y))
    worst = float(np.abs((start + slope * x) / y - 1).max())
    points = {str(number): round(each, 4) for number, each in zip(numbers, found, strict=True)}
    return {"seconds": points, "start_s": round(start, 4), "slope_s": slope, "worst": round(worst, 3)}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    train([trial()])
    series: dict[str, object] = {
        "images": fitted(IMAGES, [seconds(lambda n=n: train([trial(images=n)])) for n in IMAGES]),
        "depth": fitted(DEPTHS, [seconds(lambda n=n: train([trial(depth=n)])) for n in DEPTHS]),
        "trials per pack, seconds per pack": fitted(
            PACKS, [seconds(lambda n=n: train([trial(seed) for seed in range(n)])) for n in PACKS]
        ),
        "processors, seconds per trial": {str(count): round(on_processors(count), 4) for count in PROCESSORS},
        "trials, nothing trained": fitted(TRIALS, [null_run(count) for count in TRIALS]),
    }
    print(json.dumps(series, indent=1))
    if options.json:
        options.json.write_text(json.dumps(series, indent=1) + "\n")


if __name__ == "__main__":
    main()
