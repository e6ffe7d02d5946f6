"""The figures of the page: findings turned into what `analysis.figures` draws."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.figure import Figure

from analysis.arrays import Array
from analysis.equivalence.mean import Estimate
from analysis.equivalence.verdict import Verdict
from analysis.figures import render
from analysis.figures.axes import drawable
from analysis.figures.forest import Group, Kind, Mark, Measure, Row, draw_forest
from analysis.figures.heat_map import HeatMap, Shades, draw_heat_maps
from analysis.figures.panels import Axis, Line, Panel, draw_panels
from analysis.figures.scatter import LossPairs, draw_scatter
from analysis.figures.style import BLUE, GREEN, MUTED, VERMILLION, Palette
from analysis.formats import NAMES, dataset_name, factor_name
from analysis.questions.equivalence.assessment import in_words
from analysis.questions.equivalence.configurations import ConfigurationCurves
from analysis.questions.equivalence.findings import PRIMARY, Findings
from analysis.questions.equivalence.sample import SIDES, by_dataset, ordered_levels
from analysis.report.content import Picture
from analysis.report.words import plain
from analysis.seeds import over_seeds

_KINDS = {
    in_words(Verdict.EQUIVALENT): Kind("equivalent", GREEN, "o"),
    in_words(Verdict.DIFFERENT_INSIDE): Kind("different, but inside the margin", GREEN, "o", open=True),
    in_words(Verdict.FIRST_BETTER): Kind("parallel better", VERMILLION, "<"),
    in_words(Verdict.SECOND_BETTER): Kind("sequential better", BLUE, ">"),
    in_words(Verdict.UNDECIDED): Kind("undecided", MUTED, "D", open=True),
}
_DEPTH, _SECONDS = Axis("depth (residual blocks)", "places"), "seconds per training run"
_LOSSES = (
    "One point per configuration, the geometric mean over its seeds. Above the line the parallel network is worse."
)


def pictures(findings: Findings, palette: Palette) -> list[Picture]:
    """Every figure that the findings have numbers for."""
    drawn: list[tuple[str, Figure | None, str]] = []
    for prefix, metric in (("", "val_loss"), ("training-", "train_loss")):
        loss = NAMES[metric]
        both = f"Scatter plot of parallel against sequential {loss}, with the identity line and the margin."
        ratio = f"Forest plot of the ratio of {loss} by level of every factor, with 90 % intervals and the margin."
        drawn.append((f"{prefix}losses", draw_losses(findings, metric), both))
        drawn.append((f"{prefix}strata", draw_strata(findings, metric), ratio))
    by_depth = "Heat map of the ratio of validation losses by depth and number of filters, one panel per data set."
    by_q = "Mean loss in intervals of the determination ratio Q for both architectures, beside the paper's Table 2."
    curves = "Learning curves of chosen configurations, training and validation loss of both architectures by epoch."
    cost = "Training seconds and forward FLOPs of parallel over sequential networks by depth."
    drawn += [
        ("heat-map", draw_heat_map(findings), by_depth),
        ("by-q", draw_by_q(findings, palette), by_q),
        ("learning-curves", draw_curves(findings, palette), curves),
        ("cost", draw_cost(findings, palette), cost),
    ]
    # The page says the others' captions.
    return [
        Picture(name, render(figure), alt, _LOSSES if name == "losses" else "") for name, figure, alt in drawn if figure
    ]


def draw_losses(findings: Findings, metric: str) -> Figure:
    """Losses of both sides, one point per configuration."""
    pairs = [
        LossPairs(dataset_name(of.dataset), of.sequential, of.parallel, of.tips)
        for of in findings.configurations[metric]
    ]
    return draw_scatter(pairs, findings.question.margins.ratio, NAMES[metric])


def draw_strata(findings: Findings, metric: str) -> Figure | None:
    """The ratio in every stratum by one factor; None without any."""
    groups: dict[str, list[Row]] = {}
    for row in findings.strata[metric]:
        if row["factor_b"] is None:
            ends = row["ratio"], row["low"], row["high"]
            mark = Mark(*ends, _KINDS[row["verdict"]], plain(2)(Estimate(*ends)))
            name = f"{dataset_name(row['dataset'])}: {factor_name(row['factor_a'])}"
            groups.setdefault(name, []).append(Row(row["level_a"], [mark], count=str(row["configurations"])))
    if not groups:
        return None
    loss, margin = NAMES[metric], findings.question.margins.ratio
    label = f"parallel / sequential {loss} (ratio, log scale)"
    measure = Measure(label, "parallel better", "sequential better", "ratio [90 % interval]", margin, "n")
    return draw_forest(f"Ratio of {loss} by stratum", [Group(*group) for group in groups.items()], measure)


def draw_by_q(findings: Findings, palette: Palette) -> Figure:
    """A row for each split, a panel for each data set that there is a mean of."""
    cells: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for row in findings.table_2:
        cells.setdefault(row["metric"], {}).setdefault(row["dataset"], []).append(row)
    names = {"train": "training", "validation": "validation"}
    rows = [
        [
            _q_panel(f"{dataset_name(name)}, {names[split]}", of)
            for name, of in by_dataset.items()
            if any(row["pairs"] for row in of)
        ]
        for split, by_dataset in cells.items()
    ]
    return draw_panels("Mean loss by determination ratio Q", rows, palette)


def _q_panel(title: str, cells: Sequence[Mapping[str, Any]]) -> Panel:
    lines: list[Line] = []
    for label, column in (("{}", "{}"), ("{}, published", "paper_{}")):
        for side in SIDES:
            losses = np.array([row[column.format(side)] for row in cells], float)
            if np.isfinite(losses).any():
                lines.append(Line(label.format(side), np.arange(float(len(losses))), losses))
    names = ("< 1", "1\N{EN DASH}3", "3\N{EN DASH}10", "\N{GREATER-THAN OR EQUAL TO} 10")
    x = Axis("Q (training samples \N{MULTIPLICATION SIGN} outputs / parameters)", names=names)
    return Panel(title, x, Axis("loss (nats)", "log"), lines)


def draw_curves(findings: Findings, palette: Palette) -> Figure | None:
    """A row of training losses above one of validation losses for each data set."""
    rows: list[list[Panel]] = []
    for dataset in findings.answer.by_dataset:
        mine = [each for each in findings.curves if each.dataset == dataset]
        rows += [
            [_curve(each, split, not place) for place, each in enumerate(mine)] for split in ("train_loss", "val_loss")
        ]
    if not any(rows):
        return None
    title = "Training and validation loss by epoch"
    return draw_panels(title, rows, palette, band="lowest to highest seed", height=1.9)


def _curve(curves: ConfigurationCurves, split: str, first: bool) -> Panel:
    lines: list[Line] = []
    for side in SIDES:
        losses = curves.losses[side, split]
        of = over_seeds(losses)
        lines.append(Line(side, np.arange(1.0, losses.shape[1] + 1), of.mean, of.lowest, of.highest))
    y = f"{NAMES[split]} (nats)" if first else ""
    title, x = (f"{dataset_name(curves.dataset)}: {curves.title}", "") if split == "train_loss" else ("", "epoch")
    return Panel(title, Axis(x, whole=True), Axis(y, "log"), lines)


def draw_heat_map(findings: Findings) -> Figure:
    """The ratio by depth and filters, one map per data set."""
    sample = findings.samples[PRIMARY]
    depths, counts = (ordered_levels(sample.columns[name]) for name in ("depth", "filters"))
    maps: list[HeatMap] = []
    for dataset, part in by_dataset(sample).items():
        contrast = part.contrast("ratio")
        grid = np.full((len(depths), len(counts)), np.nan)
        for row, column in np.ndindex(grid.shape):
            at = (part.columns["depth"] == depths[row]) & (part.columns["filters"] == counts[column])
            means = part.contrasts(np.where(at, contrast, np.nan)).means
            if len(means):
                grid[row, column] = np.exp(means.mean())
        maps.append(HeatMap(dataset_name(dataset), grid, "filters", _DEPTH.label, counts, depths))
    loss = NAMES[PRIMARY]
    shades = Shades(f"parallel / sequential {loss} (ratio)", findings.question.margins.ratio)
    return draw_heat_maps(f"Ratio of {loss} by depth and filters", maps, shades)


def draw_cost(findings: Findings, palette: Palette) -> Figure | None:
    """A row for each data set: seconds and FLOPs as ratios, seconds, and loss by seconds."""
    table = findings.cost_pairs
    rows = [
        list(_cost_panels(dataset, table.filter(pc.field("dataset") == dataset)))
        for dataset in sorted(set(table["dataset"].to_pylist()))
    ]
    names = {"seconds": "ratio of seconds", "FLOPs": "ratio of FLOPs"}
    title = "Training time of parallel and sequential networks, medians"
    return draw_panels(title, rows, palette, "half of the pairs (quartiles)", names=names) if rows else None


def _cost_panels(dataset: str, pairs: pa.Table) -> Iterator[Panel]:
    columns = {name: pairs[name].cast(pa.float64()).to_numpy() for name in pairs.column_names[2:]}
    depth, seconds = columns["depth"], [columns[f"{side}_seconds"] for side in SIDES]
    timed = drawable(*seconds)
    ratio = _by_depth("seconds", depth[timed], seconds[1][timed] / seconds[0][timed])
    flops = _by_depth("FLOPs", depth, columns["flops_ratio"])
    flops = Line(flops.label, flops.x, flops.y)
    ratios = Axis("parallel / sequential", "ratio")
    yield Panel(
        f"{dataset_name(dataset)}: parallel is\n{_faster(ratio)}", _DEPTH, ratios, [ratio, flops], levels={"": 1.0}
    )
    times = [_by_depth(side, depth, values) for side, values in zip(SIDES, seconds, strict=True)]
    yield Panel("seconds", _DEPTH, Axis(_SECONDS, "log"), times)
    lines: list[Line] = []
    for side, values in zip(SIDES, seconds, strict=True):
        loss = columns[f"{side}_loss"]
        both = drawable(values, loss)
        time, level = (_by_depth(side, depth[both], of[both]) for of in (values, loss))
        tips = [
            f"{side}, depth {at:g}\n{x:.4g} s, loss {y:.4g}" for at, x, y in zip(time.x, time.y, level.y, strict=True)
        ]
        lines.append(Line(side, time.y, level.y, tips=tips))
    path = f", depth {depth.min():g} to {depth.max():g}" if len(depth) else ""
    yield Panel(f"loss by seconds{path}", Axis(_SECONDS, "log"), Axis("validation loss (nats)", "log"), lines)


def _by_depth(label: str, depth: Array, values: Array) -> Line:
    """Medians and quartiles at each depth."""
    shown = drawable(values)
    depths = np.unique(depth[shown])
    at = [np.quantile(values[shown & (depth == each)], (0.5, 0.25, 0.75)) for each in depths]
    middle, low, high = np.array(at).reshape(-1, 3).T
    return Line(label, depths, middle, low, high)


def _faster(ratio: Line) -> str:
    if not len(ratio.y):
        return "not timed"
    last = float(ratio.y[-1])
    words = f"{1 / last:.1f} times faster" if last < 1 else f"{last:.1f} times slower"
    return f"{'as fast' if abs(np.log(last)) < np.log(1.05) else words} at depth {ratio.x[-1]:g}"
