"""Trials of the grid as Ray Tune's own PyTorch tutorial would train them; `whole.py` times it as a command.

A function trainable, torchvision's data set and transforms, a DataLoader, one network per trial, as many trials at once
as there are processors, and a report per epoch. Networks, optimiser and numbers of images are those of the trials.

    python -m benchmarks.stock_tune TRIALS DATA RESULTS

TRIALS is a JSON list of factors, DATA a folder in torchvision's layout, RESULTS the file for the last losses.
"""

import json
import sys
from pathlib import Path
from typing import Any

import ray
import torch
import torchvision
from ray import tune
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision import transforms

from sweep.data import balanced_subset
from sweep.engine.build import build
from sweep.trial import Trial

MEAN, DEVIATION = 0.1307, 0.3081


def train(config: dict[str, Any]) -> None:
    """Train one trial, as the tutorial's `train_cifar` does."""
    torch.set_num_threads(1)
    trial = Trial.from_dict(config["trial"])
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((MEAN,), (DEVIATION,))])
    trainset = torchvision.datasets.MNIST(config["data"], train=True, transform=transform)
    testset = torchvision.datasets.MNIST(config["data"], train=False, transform=transform)
    chosen = balanced_subset(trainset.targets.numpy(), trial.train_samples, trial.draw_seed)
    trainloader = DataLoader(Subset(trainset, chosen.tolist()), batch_size=trial.batch_size, shuffle=True)
    testloader = DataLoader(testset, batch_size=1000)
    network = build(trial)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(network.parameters(), lr=trial.learning_rate, weight_decay=trial.weight_decay)
    for _ in range(trial.epochs):
        for inputs, labels in trainloader:
            optimizer.zero_grad()
            loss = criterion(network(inputs), labels)
            loss.backward()
            optimizer.step()
        val_loss, correct, total = 0.0, 0, 0
        with torch.no_grad():
            for inputs, labels in testloader:
                outputs = network(inputs)
                total += labels.size(0)
                correct += int((outputs.argmax(1) == labels).sum())
                val_loss += criterion(outputs, labels).item() * labels.size(0)
        tune.report({"loss": val_loss / total, "accuracy": correct / total})


def main() -> None:
    """Run all trials by one Tuner."""
    trials, data, results = sys.argv[1:]
    ray.init(include_dashboard=False)
    tuner = tune.Tuner(
        tune.with_resources(train, {"cpu": 1}),
        param_space={"trial": tune.grid_search(json.loads(Path(trials).read_text())), "data": data},
    )
    found = tuner.fit()
    losses: list[float] = []
    for result in found:
        assert result.metrics is not None
        losses.append(result.metrics["loss"])
    Path(results).write_text(json.dumps(losses))


if __name__ == "__main__":
    main()
