"""The published Table 2 and ours, side by side, and what becomes of the paper's claims."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.claims import Claim, Outcome, outcome
from analysis.equivalence.statistic import exp
from analysis.equivalence.verdict import AHEAD, Verdict
from analysis.formats import NAMES, dataset_name, factor_name, listed, number, with_ends
from analysis.questions.equivalence.assessment import Answer, Assessment
from analysis.questions.equivalence.sample import Q_INTERVALS, SIDES, Sample, ordered_levels, q_interval

SOURCE = "Bermeitinger, Hrycej, Handschuh, Make Deep Networks Shallow Again (arXiv 2309.08414, KDIR 2023), Table 2"
TABLE_2 = {
    ("mnist", "train", "sequential"): (0.00013, 0.01702, 0.03620, 0.11246),
    ("mnist", "train", "parallel"): (0.00009, 0.02679, 0.05238, 0.13310),
    ("mnist", "validation", "sequential"): (0.05201, 0.12449, 0.11743, 0.13550),
    ("mnist", "validation", "parallel"): (0.07551, 0.11468, 0.11467, 0.14900),
    ("cifar10", "train", "sequential"): (0.25326, 0.72510, 1.07333, 1.58608),
    ("cifar10", "train", "parallel"): (0.52658, 0.88701, 1.17085, 1.63449),
    ("cifar10", "validation", "sequential"): (2.03107, 1.31691, 1.34721, 1.65354),
    ("cifar10", "validation", "parallel"): (1.32386, 1.24884, 1.34227, 1.68879),
}
"""Mean losses as published, by data set, split and architecture, in the intervals of `Q_INTERVALS`."""
_PUBLISHED = {
    "optimizer": ("adamw",),
    "weight_decay": (1e-4,),
    "batch_size": (256,),
    "epochs": (100,),
    "precision": ("fp32",),
    "normalisation": ("published",),
    "validation": ("test",),
}
"""The authors' habits (KDIR 2022); their paper does not list them for this experiment."""
_WHOLE = {
    "mnist": {"train_samples": 60_000, "val_samples": 10_000, "image_size": 28},
    "cifar10": {"train_samples": 50_000, "val_samples": 10_000, "image_size": 32},
}


def table_2(training: Sample, validation: Sample) -> list[dict[str, Any]]:
    """One row per data set, determination-ratio interval and metric: the paper's mean losses and ours.

    Ours are means over complete pairs deeper than one block, each configuration weighing alike; None in intervals that
    no configuration reaches. Data sets that the paper has not come last.
    """
    rows: list[dict[str, Any]] = []
    own = ordered_levels(validation.columns["dataset"])
    for dataset in dict.fromkeys([*(name for name, *_ in TABLE_2), *own]):
        for interval, label in enumerate(Q_INTERVALS):
            for metric, sample in (("train", training), ("validation", validation)):
                cells = [TABLE_2.get((dataset, metric, side)) for side in SIDES]
                published = [cell and cell[interval] for cell in cells]
                at = (q_interval(sample.determination_ratio) == interval) & (sample.columns["dataset"] == dataset)
                part = sample.where(sample.complete & at)
                rows.append(
                    {"dataset": dataset, "Q": label, "metric": metric, "pairs": len(part)}
                    | {"configurations": part.configurations, **_losses(_means(part))}
                    | {f"paper_{name}": value for name, value in _losses(published).items()}
                )
    return rows


def _means(part: Sample) -> list[float | None]:
    if not len(part):
        return [None, None]
    weight = 1 / np.bincount(part.configuration)[part.configuration] / part.configurations
    return [float(weight @ side) for side in (part.sequential, part.parallel)]


def _losses(sides: Sequence[float | None]) -> dict[str, float | None]:
    """Those of both sides, and their ratio."""
    sequential, parallel = sides
    ratio = parallel / sequential if sequential and parallel is not None else None
    return {"sequential": sequential, "parallel": parallel, "ratio": ratio}


def claims(training: Answer, validation: Answer) -> list[Claim]:
    """The three claims of the paper's abstract and section 5, by the declared rules."""
    return [
        _close(training, validation),
        _ahead(
            "The parallel network is slightly ahead in loss on the validation set.", validation, Verdict.FIRST_BETTER
        ),
        _ahead("The sequential network is marginally better on the training set.", training, Verdict.SECOND_BETTER),
    ]


def _close(training: Answer, validation: Answer) -> Claim:
    every = [each for answer in (validation, training) for each in answer.by_dataset.values()]
    outcome = Outcome.OPEN
    if all(each.is_equivalent for each in every):
        outcome = Outcome.HOLDS
    elif any(each.beyond for each in every):
        outcome = Outcome.CONTRADICTED
    words = "; ".join(
        f"{NAMES[each.metric]} on {dataset_name(name)} {_found(each)}"
        for answer in (validation, training)
        for name, each in answer.by_dataset.items()
    )
    return Claim("The two architectures are close.", outcome, f"{words} (margin {100 * every[0].margins.ratio:g} %)")


def _ahead(claim: str, answer: Answer, claimed: Verdict) -> Claim:
    """A claim that one side is ahead, by little, on every data set: a difference, with the interval in the margin."""
    shown = [each for each in answer.by_dataset.values() if each.verdict in (Verdict.DIFFERENT_INSIDE, *AHEAD)]
    ahead = [Verdict.FIRST_BETTER if each.grid.estimate < 0 else Verdict.SECOND_BETTER for each in shown]
    rest = [0] * (len(answer.by_dataset) - len(shown))
    found = outcome([1 if side is claimed else -1 for side in ahead] + rest)
    if found is Outcome.HOLDS and any(each.verdict is not Verdict.DIFFERENT_INSIDE for each in shown):
        found = Outcome.IN_PART
    because = "; ".join(f"on {dataset_name(name)} {_found(each)}" for name, each in answer.by_dataset.items())
    return Claim(claim, found, f"parallel / sequential {because}")


def _found(assessment: Assessment) -> str:
    ratio = with_ends(lambda value: number(exp(value)), *assessment.interval)
    return f"{ratio}, {assessment.words}"


def differences_in_budget(trials: pa.Table) -> list[str]:
    """What differs from the paper's data and training, a sentence each; the grid's levels are never the paper's."""
    found: list[str] = []
    for name, published in _PUBLISHED.items():
        levels = sorted(trials[name].unique().to_pylist())
        if any(level not in published for level in levels):
            found.append(f"{factor_name(name).capitalize()} {listed(levels)} instead of {listed(published)}.")
    for dataset in sorted(set(trials["dataset"].to_pylist()) - _WHOLE.keys()):
        found.append(f"{dataset_name(dataset)} is not a data set of the paper's.")
    for dataset, whole in _WHOLE.items():
        rows = trials.filter(pc.field("dataset") == dataset)
        for name, size in whole.items() if rows.num_rows else ():
            levels = sorted(rows[name].unique().to_pylist())
            if levels != [size]:
                found.append(f"{dataset_name(dataset)}: {factor_name(name)} {listed(levels)} instead of {size}.")
    return found
