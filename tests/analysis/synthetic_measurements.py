"""Trials with made-up figures and measurements, put into a store as an engine's results are."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import analysis
from analysis.results import Results
from sweep.ledger import Ledger, Margins, to_tables
from sweep.result import Epoch, Measurement, Status, TrialResult
from sweep.trial import Trial

STUDY = "synthetic"


def preresnet(depth: int = 20, seed: int = 0, **fields: Any) -> Trial:
    """A pre-activation ResNet on a few small images."""
    same = {"dataset": "cifar10", "train_samples": 1000, "val_samples": 500, "epochs": 10}
    return Trial(STUDY, network="preresnet", depth=depth, seed=seed, **{**same, **fields})


def ended(
    trial: Trial,
    error: float = 0.5,
    loss: float = 1.0,
    *,
    seconds: float = 1.0,
    status: Status = "finished",
    device: str = "cpu",
    measurements: Iterable[Measurement] = (),
) -> TrialResult:
    """A trial's result from its error, a share of images, and validation loss."""
    epoch = Epoch(trial.epochs, 0.5 * loss, 1 - error, loss, 1 - error, 1.0, seconds)
    return TrialResult(
        trial,
        status,
        (epoch,) if status == "finished" else (),
        diverged_epoch=1 if status == "diverged" else None,
        seconds=seconds,
        fused_with=1,
        device=device,
        measurements=tuple(measurements) if status == "finished" else (),
    )


def opened(
    folder: Path, results: Sequence[TrialResult], planned: Sequence[Trial] = (), margins: Margins | None = None
) -> Results:
    """A store of the results, opened; its sweep planned them all, and what else is given."""
    ledger = Ledger.create(folder / "store")
    trials = dict.fromkeys([*(result.trial for result in results), *planned])
    ledger.record_sweep("0" * 20, STUDY, list(trials), margins)
    assert ledger.publish(to_tables(results))
    return analysis.open(ledger.uri)


def path_rows(norms: Mapping[int, Sequence[float | None]], blocks: int) -> list[Measurement]:
    """Numbers of paths of each length through so many blocks, and norms by length and draw."""
    counts = [Measurement("path-count", "paths", float(math.comb(blocks, k)), size=k) for k in range(blocks + 1)]
    return counts + [
        Measurement("path-gradient", "norm", norm, size=k, draw=draw)
        for k, drawn in norms.items()
        for draw, norm in enumerate(drawn)
    ]


def path_trial(seed: int, factor: float, *, depth: int = 56, error: float = 0.3, **fields: Any) -> TrialResult:
    """A trial with two draws a length, around factor to the k."""
    blocks = (depth - 2) // 6 * 3
    norms = {k: [0.9 * factor**k, 1.1 * factor**k] for k in range(blocks + 1)}
    trial = preresnet(depth, seed, measure="paths", **fields)
    return ended(trial, error, measurements=path_rows(norms, blocks))


def path_stack(architecture: str, seed: int, norms: Mapping[int, Sequence[float]]) -> TrialResult:
    """A stack of 8 blocks, with so many draws a length as there are norms."""
    draws = max(map(len, norms.values()))
    trial = preresnet(8, seed, measure="paths", path_draws=draws).but(network="stack", architecture=architecture)
    return ended(trial, measurements=path_rows(norms, max(norms)))


def lesion_rows(
    untreated: float, one: Mapping[int, float], some: Mapping[int, Sequence[float]] | None = None
) -> list[Measurement]:
    """Errors: of the whole network, without each block, and by number of deleted blocks and draw."""
    rows = [Measurement("untreated", "error", untreated), Measurement("untreated", "loss", 9.0)]
    for block, error in one.items():
        rows.append(Measurement("delete-one", "error", error, subject=str(block), size=1))
        rows.append(Measurement("delete-one", "loss", 9.0, subject=str(block), size=1))
    for size, errors in (some or {}).items():
        rows += [Measurement("delete-some", "error", error, size=size, draw=draw) for draw, error in enumerate(errors)]
    return rows


def feature_rows(
    before: Mapping[tuple[int, int], tuple[float | None, float | None]],
    after: Mapping[tuple[int, int], tuple[float | None, float | None]],
) -> list[Measurement]:
    """CKA and distance of pairs of states, before and after training; None where a row is not written."""
    return [
        Measurement(f"features-{when}", metric, value, subject=f"{one}:{other}", size=other - one)
        for when, states in (("before", before), ("after", after))
        for (one, other), pair in states.items()
        for metric, value in zip(("cka", "distance"), pair, strict=True)
        if value is not None
    ]


def norm_rows(
    stages: Sequence[float | None], transitions: Mapping[int, float | None] | None = None, epoch: int | None = None
) -> list[Measurement]:
    """Ratios of gradient norms from their logarithms, by stage, and by the stage before a transition."""
    every = [("gradient-stage", size, log) for size, log in enumerate(stages)]
    every += [("gradient-transition", size, log) for size, log in (transitions or {}).items()]
    return [
        Measurement(name, "ratio", None if log is None else math.exp(log), size=size, epoch=epoch)
        for name, size, log in every
    ]


def spread(count: int, deviation: float, mean: float = 0.0) -> list[float]:
    """So many evenly spaced numbers of this mean and standard deviation."""
    middle = (count - 1) / 2
    scale = math.sqrt(sum((place - middle) ** 2 for place in range(count)) / (count - 1))
    return [mean + deviation * (place - middle) / scale for place in range(count)]


def preresnet_logs(depth: int, kept: Sequence[float], changing: float = 2.0) -> list[float]:
    """Log ratios of a pre-activation ResNet's blocks, the first of the second and third group as given apart."""
    count, left = (depth - 2) // 6, iter(kept)
    return [changing if block in (count, 2 * count) else next(left) for block in range(3 * count)]


def norm_trial(depth: int, seed: int, deviation: float, error: float = 0.3, **fields: Any) -> TrialResult:
    """A pre-activation ResNet whose blocks that keep the shape have log ratios of this spread around 0."""
    logs = preresnet_logs(depth, spread((depth - 2) // 2 - 2, deviation))
    trial = preresnet(depth, seed, measure="gradient-norms", **fields)
    return ended(trial, error, measurements=norm_rows(logs))


def in_training(by_epoch: Mapping[int, Iterable[Measurement]]) -> list[Measurement]:
    """What was measured after each number of epochs, the last of which is the end of the training."""
    last = max(by_epoch)
    return [replace(row, epoch=None if epoch == last else epoch) for epoch, rows in by_epoch.items() for row in rows]


def subnetwork_rows(accuracies: Mapping[int, Sequence[float | None]]) -> list[Measurement]:
    """Errors by blocks kept and draw, from accuracies; losses are all 1."""
    return [
        Measurement("subnetwork", metric, value, subject=f"draw {draw}", size=size, draw=draw)
        for size, drawn in accuracies.items()
        for draw, accuracy in enumerate(drawn)
        for metric, value in (("error", None if accuracy is None else 1 - accuracy), ("loss", 1.0))
    ]


def truncated_rows(losses: Mapping[int, float | None]) -> list[Measurement]:
    """Losses by the stages that are left; errors are all 0.5."""
    return [
        Measurement("truncate", metric, value, subject=f"{order}", size=order)
        for order, loss in losses.items()
        for metric, value in (("loss", loss), ("error", 0.5))
    ]
