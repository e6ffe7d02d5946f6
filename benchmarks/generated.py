"""Stores with the grid's trials and made-up figures, to measure and to try the analysis at full size.

The losses follow no network: they fall with parameters and epochs, differ by architecture in a known way, and scatter
by configuration and seed. A few unstable trials diverge.

    python -m benchmarks.generated FOLDER [--seeds 3] [--epochs 100]
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa

from sweep.ledger import SCHEMAS, Ledger, Tables, merge_commits, to_tables
from sweep.planning import Plan
from sweep.result import Epoch, TrialResult
from sweep.studies import STUDIES
from sweep.trial import Trial

PACK = 24
_CHANCE = {"mnist": 2.3, "cifar10": 2.3}
_FLOOR = {"mnist": 0.05, "cifar10": 1.1}


def generate(folder: str | Path, seeds: int = 3, epochs: int = 100, pack: int = PACK) -> Ledger:
    """A finished sweep of the grid with so many seeds, published in commits of `pack` trials."""
    space = STUDIES["grid"].override({"seed": list(range(seeds)), "epochs": [epochs]})
    plan = Plan.of("grid", space.trials())
    ledger = Ledger.create(folder)
    ledger.record_sweep(plan.sweep_id, plan.study, plan.trials, plan.margins)
    for start in range(0, len(plan), pack):
        trials = plan.trials[start : start + pack]
        ledger.write(_tables(trials, epochs))
        merge_commits(ledger, 64)
    merge_commits(ledger, 2)
    return ledger


def _tables(trials: tuple[Trial, ...], epochs: int) -> Tables:
    curves = np.stack([_curves(trial, epochs) for trial in trials])
    results = [_result(trial, curve, epochs) for trial, curve in zip(trials, curves, strict=True)]
    tables = to_tables(results)
    rows = len(trials) * epochs
    columns = dict(zip(SCHEMAS["curves"].names[2:], curves.transpose(2, 0, 1).reshape(-1, rows), strict=True))
    identity = np.repeat(tables["trials"]["trial_id"].to_numpy(zero_copy_only=False), epochs)
    epoch = np.tile(np.arange(1, epochs + 1), len(trials))
    tables["curves"] = pa.table({"trial_id": identity, "epoch": epoch, **columns}, schema=SCHEMAS["curves"])
    return tables


def _curves(trial: Trial, epochs: int) -> np.ndarray:
    """Shape (epochs, 6): training loss and accuracy, validation loss and accuracy, gradient norm, seconds."""
    configuration = trial.but(seed=0, architecture="sequential").trial_id
    of_configuration = np.random.default_rng(int(configuration[:12], 16))
    of_seed = np.random.default_rng([int(trial.pair_id[:12], 16)])
    own = np.random.default_rng([int(trial.trial_id[:12], 16)])
    size = np.log10(trial.shape.parameters)
    floor = _FLOOR[trial.dataset] * (1 + np.exp(3.2 - size))
    effect = 0.0
    if trial.architecture == "parallel" and trial.depth > 1:
        # Broad stacks generalise better at few parameters a sample, worse the deeper they would have been.
        effect = 0.02 * np.log2(trial.depth) * (size - 3.8) + of_configuration.normal(scale=0.04)
    noise = 0.03 * (of_seed.normal() if trial.depth == 1 else 0.7 * of_seed.normal() + 0.7 * own.normal())
    progress = np.arange(1, epochs + 1) / (1 + 3e-4 / trial.learning_rate)
    decay = 1 / (1 + 0.3 * progress)
    validation = (floor + (_CHANCE[trial.dataset] - floor).clip(0.05) * decay) * np.exp(effect + noise)
    training = validation * (0.4 + 0.6 * decay) * np.exp(-0.5 * effect + 0.03 * (0.2 if effect else 0.0))
    accuracy = np.exp(-validation)
    slow = 1.0 if trial.architecture == "sequential" else 1 / (1 + 0.05 * trial.depth)
    seconds = np.full(epochs, 1e-10 * trial.shape.forward_flops * 3 * trial.train_samples / 1e3 * slow)
    return np.stack([training, np.exp(-training), validation, accuracy, 0.1 + decay, seconds], axis=1)


def _result(trial: Trial, curve: np.ndarray, epochs: int) -> TrialResult:
    unstable = trial.depth == 32 and trial.kernel_size == 7 and trial.filters >= 16 and trial.activation == "relu"
    if unstable and trial.architecture == "sequential" and trial.seed % 3 == 0:
        return TrialResult(trial, "diverged", diverged_epoch=epochs, seconds=1.0, fused_with=1, device="generated")
    last = Epoch(epochs, *curve[-1].tolist())
    return TrialResult(trial, "finished", (last,), seconds=float(curve[:, 5].sum()), fused_with=1, device="generated")


def main() -> None:
    """Write a store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=100)
    options = parser.parse_args()
    ledger = generate(options.folder, options.seeds, options.epochs)
    print(f"{len(ledger.contents.status)} trials in {len(ledger.contents.commits)} commits")


if __name__ == "__main__":
    main()
