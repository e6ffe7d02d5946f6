"""Whole command against whole command: `sweep run` and stock Ray Tune train the same trials on this machine.

48 trials of the grid (MNIST at full size, 5,000 images, two epochs, validation on 10,000; depth 1 and 4, 1 to 8
filters, kernels 1 to 5, both arrangements). Stock Ray Tune is `stock_tune.py`. `sweep run` starts Ray, trains, writes
the store, MLflow's runs and the report. Both are measured from start to end, in turn, `--rounds` times, and the kernels
are compiled anew for the first round alone.

    python -m benchmarks.whole [--rounds N] [--json FILE]
"""

import argparse
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml

import analysis
from sweep.data import load
from sweep.data.cache import cache_dir
from sweep.studyfile import find_study

FACTORS = {
    "dataset": ["mnist"],
    "depth": [1, 4],
    "filters": [1, 2, 4, 8],
    "kernel_size": [1, 3, 5],
    "architecture": ["sequential", "parallel"],
    "train_samples": [5000],
    "batch_size": [128],
    "epochs": [2],
}


def idx(path: Path, array: np.ndarray) -> None:
    """Write an array of bytes as an IDX file, which is what torchvision reads."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    path.write_bytes(head + array.astype(np.uint8).tobytes())


def torchvision_folder(folder: Path) -> None:
    """MNIST in torchvision's layout."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    data = load("mnist")
    for name, images, labels in (
        ("train", data.train_images, data.train_labels),
        ("t10k", data.test_images, data.test_labels),
    ):
        idx(raw / f"{name}-images-idx3-ubyte", images[..., 0])
        idx(raw / f"{name}-labels-idx1-ubyte", labels)
        for kind in ("images-idx3", "labels-idx1"):
            (raw / f"{name}-{kind}-ubyte.gz").write_bytes(gzip.compress(b""))


def timed(command: Sequence[str], log: Path, **environment: str) -> float:
    """Seconds of a command; raises if it fails."""
    began = time.perf_counter()
    with log.open("wb") as output:
        subprocess.run(command, check=True, stdout=output, stderr=output, env={**os.environ, **environment})
    return time.perf_counter() - began


def main() -> None:
    """Time both commands in turn, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        study = folder / "whole.yaml"
        study.write_text(yaml.safe_dump({"study": "whole", "factors": FACTORS}))
        trials = list(find_study(str(study)).trials())
        (folder / "trials.json").write_text(json.dumps([trial.identity() for trial in trials]))
        torchvision_folder(folder / "data")
        rows = []
        for number in range(options.rounds):
            store, results = folder / f"store-{number}", folder / f"losses-{number}.json"
            stock = [sys.executable, "-m", "benchmarks.stock_tune", str(folder / "trials.json")]
            rows.append(
                {
                    "stock_s": timed([*stock, str(folder / "data"), str(results)], folder / "stock.log"),
                    "sweep_s": timed(
                        [sys.executable, "-m", "sweep", "run", str(study), "--store", str(store)],
                        folder / "sweep.log",
                        XDG_CACHE_HOME=str(folder / "cache"),
                        SWEEP_DATA=str(cache_dir()),
                    ),
                    "stock_loss": statistics.mean(json.loads(results.read_text())),
                    "sweep_loss": statistics.mean(analysis.open(str(store)).trials["val_loss"].to_pylist()),
                }
            )
            print(json.dumps(rows[-1]), flush=True)
            shutil.rmtree(store)
        report = {
            "trials": len(trials),
            "processors": len(os.sched_getaffinity(0)),
            "rounds": rows,
            "times faster, median": round(statistics.median(row["stock_s"] / row["sweep_s"] for row in rows), 2),
        }
        print(json.dumps(report, indent=1))
        if options.json:
            options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
