"""Where the time of networks of blocks goes, and what cheap changes of form would save, on one thread.

A training step of batch 128 on CIFAR-10 at its full size, by operator (torch's profiler), then the same step with other
forms, in turn: weights in channels-last order, and a fused optimiser. An evaluation of 1,000 images by size of batch.

    python -m benchmarks.blocks [--json FILE]
"""

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

from models import BlockNetwork
from sweep.engine.build import build
from sweep.engine.images import TrialImages
from sweep.engine.resources import prepare_process
from sweep.trial import Trial

NETWORKS = {
    "preresnet-20": {"network": "preresnet", "depth": 20, "filters": 16},
    "preresnet-20 parallel": {"network": "preresnet", "depth": 20, "filters": 16, "architecture": "parallel"},
    "vgg": {"network": "vgg", "depth": 9, "filters": 16},
}
KINDS = {
    "convolution": ("convolution", "mkldnn"),
    "batch norm": ("batch_norm",),
    "optimiser": ("Optimizer", "adam", "sgd", "lerp", "addcdiv", "addcmul", "_foreach"),
    "activation": ("relu", "threshold"),
    "addition": ("add",),
    "copies": ("copy", "clone", "contiguous", "fill", "zero"),
}
BATCH, ROUNDS, STEPS = 128, 5, 3


def stepper(trial: Trial, network: BlockNetwork, optimizer: torch.optim.Optimizer) -> Callable[[], None]:
    """A training step of a network, on images as the engine gathers them."""
    images = TrialImages([trial], "cpu", None)
    index = images.epoch_order(1)[:BATCH, 0]
    whole = trial.trained_by.evaluation(trial)

    def step() -> None:
        pixels, labels = images.train.batch(index)
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(network(pixels.permute(0, 3, 1, 2), whole), labels).backward()
        optimizer.step()

    return step


def by_operator(step: Callable[[], None]) -> dict[str, float]:
    """Shares of the time that operators take themselves."""
    with profile(activities=[ProfilerActivity.CPU]) as found:
        for _ in range(STEPS):
            step()
    spent: Counter[str] = Counter()
    for row in found.key_averages():
        kind = next((kind for kind, words in KINDS.items() if any(word in row.key for word in words)), "other")
        spent[kind] += row.self_cpu_time_total
    return {kind: round(seconds / spent.total(), 3) for kind, seconds in spent.most_common()}


def compared(trial: Trial) -> dict[str, float]:
    """How many times as fast as the engine's step other forms are, medians of rounds."""
    steps = {}
    for name in ("engine", "channels last", "fused optimiser", "both"):
        network = build(trial).train()
        if name in ("channels last", "both"):
            network = network.to(memory_format=torch.channels_last)
        fused = name in ("fused optimiser", "both")
        steps[name] = stepper(trial, network, torch.optim.SGD(network.parameters(), 0.1, 0.9, fused=fused))
        steps[name]()
    rounds = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            began = time.perf_counter()
            step()
            rounds[name].append(time.perf_counter() - began)
    engine = rounds.pop("engine")
    return {
        name: round(statistics.median(a / b for a, b in zip(engine, each, strict=True)), 2)
        for name, each in rounds.items()
    }


@torch.inference_mode()
def evaluations(trial: Trial) -> dict[str, float]:
    """Milliseconds of the evaluation of 1,000 images, by size of batch."""
    network, images = build(trial).eval(), TrialImages([trial], "cpu", None)
    pixels = images.validation.batch(images.validation_index[:1000])[0].permute(0, 3, 1, 2)
    found = {}
    for size in (50, 100, 250, 500, 1000):
        rounds = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            for chunk in pixels.split(size):
                network(chunk, trial.trained_by.evaluation(trial))
            rounds.append(1e3 * (time.perf_counter() - began))
        found[str(size)] = round(statistics.median(rounds), 1)
    return found


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    prepare_process()
    torch.set_num_threads(1)
    report = {}
    for name, factors in NETWORKS.items():
        trial = Trial.from_dict({"study": "blocks", "dataset": "cifar10", "optimizer": "sgd", **factors})
        network = build(trial).train()
        step = stepper(trial, network, torch.optim.SGD(network.parameters(), 0.1, 0.9))
        step()
        report[name] = {
            "share of a step": by_operator(step),
            "times as fast": compared(trial),
            "evaluation of 1000 images, ms": evaluations(trial),
        }
        print(name, json.dumps(report[name]), flush=True)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
