"""How fast the engine trains against the stock pattern, trial for trial, on this machine's processor.

The stock pattern is that of Ray's PyTorch tutorial: one network at a time, a DataLoader over a TensorDataset, a step a
batch. Both train configurations of the grid (MNIST, depth 1 and 4, 1 to 8 filters, kernel 3, both arrangements) for two
epochs of 5,000 images with a validation pass of 10,000 after each, on one thread; the engine trains three seeds
together. Needs no Ray: what scheduling costs is in overhead.py.

    python -m benchmarks.stock [--json FILE]
"""

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from sweep.data import balanced_subset, load
from sweep.engine import find_engine
from sweep.engine.build import build
from sweep.pack import make_packs
from sweep.result import Setting
from sweep.study import Study
from sweep.trial import Trial

STUDY = Study(
    name="stock",
    factors={
        "dataset": ["mnist"],
        "depth": [1, 4],
        "filters": [1, 2, 4, 8],
        "kernel_size": [3],
        "architecture": ["sequential", "parallel"],
        "train_samples": [5000],
        "batch_size": [128],
        "epochs": [2],
    },
)
SEEDS = 3
"""Seeds that a sweep trains of each configuration; the stock pattern gains nothing from having several."""


def stock(trial: Trial) -> float:
    """Train one trial in the stock pattern; its final validation loss."""
    data = load("mnist")
    chosen = balanced_subset(data.train_labels, trial.train_samples, trial.seed)
    train = DataLoader(_set(data.train_images[chosen], data.train_labels[chosen]), trial.batch_size, shuffle=True)
    test = DataLoader(_set(data.test_images, data.test_labels), 1000)
    network = build(trial)
    optimizer = torch.optim.AdamW(network.parameters(), trial.learning_rate, weight_decay=trial.weight_decay)
    loss = 0.0
    for _ in range(trial.epochs):
        for images, labels in train:
            optimizer.zero_grad()
            F.cross_entropy(network(images), labels).backward()
            optimizer.step()
        with torch.no_grad():
            loss = sum(F.cross_entropy(network(images), labels).item() for images, labels in test) / len(test)
    return loss


def fused(trials: Sequence[Trial]) -> None:
    """Train trials of one shape with the engine."""
    for _ in find_engine("torch")(trials, Setting()):
        pass


def main() -> None:
    """Time each shape both ways, in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    trials = [trial for seed in range(SEEDS) for trial in STUDY.override({"seed": [seed]}).trials()]
    packs = make_packs(trials)
    fused(packs[-1].trials)
    rows = []
    for pack in packs:
        began = time.perf_counter()
        stock(pack.trials[0])
        alone = time.perf_counter() - began
        began = time.perf_counter()
        fused(pack.trials)
        together = (time.perf_counter() - began) / len(pack)
        trial = pack.trials[0]
        rows.append((trial, alone, together))
        print(
            f"depth {trial.depth} stages {trial.stages} filters {trial.filters} kernel {trial.kernel_size}: "
            f"{alone:.2f} s stock, {together:.2f} s engine, {alone / together:.1f} x",
            flush=True,
        )
    ratios = {
        f"{filters} filters": round(statistics.median(a / t for trial, a, t in rows if trial.filters == filters), 2)
        for filters in (1, 2, 4, 8)
    }
    report = {
        "threads": 1,
        "torch": torch.__version__,
        "stock, seconds a trial, mean": round(statistics.mean(alone for _, alone, _ in rows), 2),
        "engine, seconds a trial, mean": round(statistics.mean(together for _, _, together in rows), 2),
        "speed-up, median by filters": ratios,
        "speed-up, all trials": round(sum(a for _, a, _ in rows) / sum(t for _, _, t in rows), 2),
    }
    print(json.dumps(report, indent=1))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


def _set(images, labels) -> TensorDataset:
    pixels = torch.from_numpy(images.copy()).permute(0, 3, 1, 2).float().div(255).sub(0.1307).div(0.3081)
    return TensorDataset(pixels.contiguous(), torch.from_numpy(labels.copy()).long())


if __name__ == "__main__":
    main()
