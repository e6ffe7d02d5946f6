"""The figures of a report: findings turned into what `analysis.figures` draws."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.figure import Figure

from analysis import equivalence as eq
from analysis import figures as fig
from analysis.equivalence import Verdict
from analysis.formats import NAMES
from analysis.questions.equivalence.assessment import in_words
from analysis.questions.equivalence.findings import PRIMARY, Findings
from analysis.questions.equivalence.learning import ConfigurationCurves
from analysis.questions.equivalence.sample import Q_INTERVALS, Array, Sample, ordered_levels

_VERDICTS: dict[str, fig.Verdict] = {
    in_words(Verdict.EQUIVALENT): "equivalent",
    in_words(Verdict.DIFFERENT_INSIDE): "inside",
    in_words(Verdict.FIRST_BETTER): "parallel",
    in_words(Verdict.SECOND_BETTER): "sequential",
    in_words(Verdict.UNDECIDED): "undecided",
}
_COST_COLUMNS = (
    "depth",
    "sequential_seconds",
    "parallel_seconds",
    "flops_ratio",
    "sequential_loss",
    "parallel_loss",
)


@dataclass(frozen=True)
class Picture:
    """A drawn figure, named for its files, with what it shows in words."""

    name: str
    drawn: fig.Rendered
    alt: str
    caption: str


def draw(findings: Findings) -> dict[str, Picture]:
    """Every figure that the findings have numbers for, by name."""
    pictures: dict[str, Picture] = {}
    for name, (make, alt, caption) in PICTURES.items():
        figure = make(findings)
        if figure is not None:
            pictures[name] = Picture(name, fig.render(figure), alt, caption)
    return pictures


def _loss_pairs(sample: Sample) -> Iterator[fig.LossPairs]:
    """Geometric means over the seeds of each configuration, a group a data set."""
    for dataset in ordered_levels(sample.columns["dataset"]):
        part = sample.where(np.isfinite(sample.contrast("ratio")) & (sample.columns["dataset"] == dataset))
        sides = [np.exp(eq.configuration_means(np.log(side), part.configuration)) for side in part.outcomes]
        yield fig.LossPairs(dataset, sides[0], sides[1])


def _scatter(metric: str) -> Callable[[Findings], Figure]:
    def make(findings: Findings) -> Figure:
        pairs = list(_loss_pairs(findings.samples[metric]))
        return fig.draw_scatter(pairs, findings.question.margins.ratio, NAMES[metric])

    return make


def _forest(metric: str) -> Callable[[Findings], Figure | None]:
    def make(findings: Findings) -> Figure | None:
        groups: dict[str, list[fig.Stratum]] = {}
        for row in findings.strata[metric].to_pylist():
            if row["factor_b"] is None:
                verdict = _VERDICTS[row["verdict"]]
                size = row["ratio"], row["low"], row["high"]
                stratum = fig.Stratum(row["level_a"], row["configurations"], *size, verdict)
                name = f"{row['dataset']}: {row['factor_a'].replace('_', ' ')}"
                groups.setdefault(name, []).append(stratum)
        if not groups:
            return None
        shown = [fig.StratumGroup(factor, rows) for factor, rows in groups.items()]
        return fig.draw_forest(shown, findings.question.margins.ratio, loss=NAMES[metric])

    return make


def _by_q(findings: Findings) -> Figure:
    series: list[fig.QLosses] = []
    table = findings.table_2.to_pylist()
    splits: dict[Literal["training", "validation"], str] = {"training": "train_loss", "validation": "val_loss"}
    for split, metric in splits.items():
        sample = findings.samples[metric]
        complete = sample.where(sample.complete)
        for dataset in ordered_levels(complete.columns["dataset"]):
            part = complete.where(complete.columns["dataset"] == dataset)
            ratio = eq.configuration_means(part.determination_ratio, part.configuration)
            rows = [row for row in table if row["dataset"] == dataset and split.startswith(row["metric"])]
            sides: dict[fig.Architecture, Array] = {"sequential": part.sequential, "parallel": part.parallel}
            for side, losses in sides.items():
                series.append(
                    fig.QLosses(
                        dataset=dataset,
                        split=split,
                        architecture=side,
                        q=ratio,
                        loss=eq.configuration_means(losses, part.configuration),
                        means=_column(rows, side),
                        published=_column(rows, f"paper_{side}") if rows else None,
                    )
                )
    return fig.draw_by_q(series)


def _column(rows: list[dict[str, float | None]], name: str) -> Array:
    values = [np.nan if row[name] is None else row[name] for row in rows]
    return np.array(values or [np.nan] * len(Q_INTERVALS), dtype=float)


def _curves(findings: Findings) -> Figure | None:
    if not findings.curves:
        return None
    # A log axis has no place for a loss of zero.
    return fig.draw_curves(
        [
            fig.LearningCurves(each.title, *(np.where(losses > 0, losses, np.nan) for losses in _losses(each)))
            for each in findings.curves
        ]
    )


def _losses(curves: ConfigurationCurves) -> tuple[Array, Array, Array, Array]:
    return curves.sequential_train, curves.sequential_val, curves.parallel_train, curves.parallel_val


def _heat_map(findings: Findings) -> Figure:
    sample = findings.samples[PRIMARY]
    contrast = sample.contrast("ratio")
    depths, filters = (ordered_levels(sample.columns[name]) for name in ("depth", "filters"))
    grids: list[fig.RatioGrid] = []
    for dataset in ordered_levels(sample.columns["dataset"]):
        grid = np.full((len(depths), len(filters)), np.nan)
        for row, depth in enumerate(depths):
            for column, count in enumerate(filters):
                cell = (sample.columns["depth"] == depth) & (sample.columns["filters"] == count) & np.isfinite(contrast)
                cell &= sample.columns["dataset"] == dataset
                if cell.any():
                    means = eq.configuration_means(contrast[cell], sample.configuration[cell])
                    grid[row, column] = np.exp(means.mean())
        grids.append(fig.RatioGrid(dataset, depths, filters, grid))
    return fig.draw_heat_map(grids, findings.question.margins.ratio, NAMES[PRIMARY])


def _cost(findings: Findings) -> Figure | None:
    table = findings.cost_pairs
    groups: list[fig.CostPairs] = []
    for dataset in sorted(set(table["dataset"].to_pylist())):
        part = table.filter(pc.field("dataset") == dataset)
        columns = {name: part[name].cast(pa.float64()).to_numpy() for name in _COST_COLUMNS}
        groups.append(fig.CostPairs(label=dataset, **columns))
    return fig.draw_cost(groups) if groups else None


PICTURES: dict[str, tuple[Callable[[Findings], Figure | None], str, str]] = {
    "losses": (
        _scatter("val_loss"),
        "Scatter plot of parallel against sequential validation loss, with the identity line and the margin.",
        "One point per configuration, the geometric mean over its seeds. Above the line the parallel network is worse.",
    ),
    "training-losses": (
        _scatter("train_loss"),
        "Scatter plot of parallel against sequential training loss, with the identity line and the margin.",
        "The same for the training loss.",
    ),
    "strata": (
        _forest("val_loss"),
        "Forest plot of the ratio of validation losses by level of every factor, with 90 % intervals and the margin.",
        "Geometric mean ratio parallel / sequential over configurations, with its 90 % interval for these networks on "
        "new seeds. Marks follow the tests after Holm's correction over the rows of a data set; a row with too few "
        "pairs is undecided.",
    ),
    "training-strata": (
        _forest("train_loss"),
        "Forest plot of the ratio of training losses by level of every factor, with 90 % intervals and the margin.",
        "The same for the training loss.",
    ),
    "heat-map": (
        _heat_map,
        "Heat map of the ratio of validation losses by depth and number of filters, one panel per data set.",
        "Geometric mean ratio parallel / sequential; framed cells lie beyond the margin.",
    ),
    "by-q": (
        _by_q,
        "Loss against the determination ratio Q for both architectures, with the paper's means of Table 2.",
        "Points are configurations, means over seeds; lines join our means in the paper's four intervals, open markers "
        "are the published ones.",
    ),
    "learning-curves": (
        _curves,
        "Learning curves of chosen configurations, training and validation loss of both architectures by epoch.",
        "Per data set the configuration in which parallel is most ahead in validation loss, the one nearest to equal, "
        "and the one in which sequential is most ahead: extremes, chosen by their outcome. Bands span the seeds.",
    ),
    "cost": (
        _cost,
        "Training seconds and forward FLOPs of parallel over sequential networks by depth.",
        "Seconds are a trial's share of the time of all networks trained with it, on the devices named; medians with "
        "quartiles over matched pairs.",
    ),
}
"""Name to what draws it, what it shows for those who do not see it, and its caption."""
