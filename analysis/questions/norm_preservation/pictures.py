"""The figures on norms: by stage and epoch, by depth, training of projected networks, and twins."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from analysis.arrays import Array
from analysis.figures import render
from analysis.figures.heat_map import HeatMap, Shades, draw_heat_maps
from analysis.figures.panels import Axis, Line, Panel, draw_panels, in_rows
from analysis.figures.style import Palette
from analysis.formats import number
from analysis.questions.norm_preservation.depths import Depths, bound
from analysis.questions.norm_preservation.findings import Findings
from analysis.questions.norm_preservation.projection import Comparison, Side
from analysis.questions.norm_preservation.stacks import Twins, by_arrangement
from analysis.questions.norm_preservation.summary import NetworkNorms
from analysis.report.content import Picture
from analysis.seeds import over_seeds
from analysis.training_curves import Curves

_SHAPE = "shape of the bound"
# More maps than these are not looked at, and more lines than these hide each other.
_MAPS, _LINES = 12, 5
_RATIO, _STAGE = Axis("ratio of norms", "ratio"), Axis("stage, from the first", whole=True)


def pictures(found: Findings, palette: Palette) -> list[Picture]:
    """Those that there is something to show in."""
    course = [each for each in found.networks if each.in_training]
    end = [each for each in found.networks if not each.in_training]
    return [
        *([_course(course)] if course else []),
        *([_end(end, palette)] if end else []),
        *([_depths(found.depths, palette)] if found.depths else []),
        *([_training(found.compared, found.curves, palette)] if found.curves else []),
        *([_twins(found.twins, palette)] if found.twins else []),
    ]


def _left_out(shown: int, every: int) -> str:
    return (
        f" The first {shown} of {every} networks; all are in `tables/gradient_ratios.parquet`." if every > shown else ""
    )


def _course(networks: Sequence[NetworkNorms]) -> Picture:
    maps = [
        HeatMap(each.label, over_seeds(each.stages).mean.T / math.log(2), "epochs of training", "stage", each.epochs)
        for each in networks[:_MAPS]
    ]
    shades = Shades("log2 of the ratio: 0 keeps the norm, 1 doubles it, -1 halves it", signed=True)
    return Picture(
        "gradient-norms",
        render(draw_heat_maps("The gradient's norm at a stage's input over that at its output", maps, shades)),
        "Heat maps of the log ratio of gradient norms, by stage and epochs of training, one per network.",
        "Stage 0 is the first after the stem; 0 epochs are before training, the last column is the trained network. "
        f"Means over seeds; grey where there is none.{_left_out(_MAPS, len(networks))}",
    )


def _end(networks: Sequence[NetworkNorms], palette: Palette) -> Picture:
    shown = networks[: _LINES * 2]
    rows = [[_by_stage(part) for part in pair] for pair in in_rows(in_rows(shown, _LINES), 2)]
    drawn = draw_panels(
        "The gradient's norm at a stage's input over that at its output",
        rows,
        palette,
        "lowest to highest seed",
        keys="row",
    )
    return Picture(
        "gradient-norms-end",
        render(drawn),
        "Ratio of gradient norms by stage of trained networks, one line per network.",
        "Networks that were measured once trained alone. Means over seeds of logarithms."
        f"{_left_out(len(shown), len(networks))}",
    )


def _by_stage(networks: Sequence[NetworkNorms]) -> Panel:
    lines = [
        Line(each.label, np.arange(float(each.depth)), *np.exp(over_seeds(each.stages[:, -1]).band))
        for each in networks
    ]
    return Panel("", _STAGE, _RATIO, lines)


def _depths(sets: Sequence[Depths], palette: Palette) -> Picture:
    shown = {"Trained network": "spread"}
    if any(np.isfinite(each.mean_spread).any() for of in sets for each in of.networks):
        shown["Mean over training"] = "mean_spread"
    axes = Axis("blocks", "places"), Axis("spread of the log ratio", "log")
    rows = [
        [
            Panel(title, *axes, [line for each in some for line in _by_depth(each, name)])
            for title, name in shown.items()
        ]
        for some in in_rows(sets, _LINES)
    ]
    drawn = draw_panels(
        "How far blocks are from keeping the norm, by depth", rows, palette, "lowest to highest seed", keys="row"
    )
    return Picture(
        "gradient-depths",
        render(drawn),
        "Spread of the log ratio of gradient norms over blocks, against the number of blocks, with the bound's shape.",
        "Networks that differ in depth alone, means over seeds. The dotted line has the shape of the published bound, "
        "log(2L) / L of L blocks, through the shallowest network.",
    )


def _by_depth(of: Depths, name: str) -> list[Line]:
    x = of.blocks.astype(float)
    band = np.transpose([over_seeds(getattr(each, name)).band for each in of.networks])
    shape = bound(x)
    return [Line(of.label, x, *band), Line(_SHAPE, x, band[0, 0] * shape / shape[0])]


def _training(compared: Sequence[Comparison], curves: Mapping[str, Curves], palette: Palette) -> Picture:
    rows: list[list[Panel]] = []
    for label in dict.fromkeys(each.projected.label for each in compared):
        of = [each for each in compared if each.projected.label == label]
        sides = [of[0].projected, *(each.plain for each in of)]
        losses = (("Training loss", "train_loss"), ("Validation loss", "val_loss"))
        rows.append([_losses(title, sides, curves, metric) for title, metric in losses])
    drawn = draw_panels("Training with projected transitions", rows, palette, "lowest to highest seed", keys="row")
    return Picture(
        "gradient-projections",
        render(drawn),
        "Training and validation loss by epoch, of networks with projected transitions and of plain ones.",
        "Means over the seeds that finished. The training loss of an epoch is its running mean, of the last epoch that "
        "of the trained network.",
    )


def _losses(title: str, sides: Sequence[Side], curves: Mapping[str, Curves], metric: str) -> Panel:
    lines = [
        Line(side.label, found.epochs, *over_seeds(found.losses[metric]).band)
        for side in sides
        if (found := curves.get(side.label)) is not None
    ]
    return Panel(title, Axis("epoch", whole=True), Axis("loss (nats)", "log"), lines)


def _twins(twins: Sequence[Twins], palette: Palette) -> Picture:
    lines = [_points(f"{name} against sequential", some) for name, some in by_arrangement(twins).items()]
    x = Axis("difference in absolute log ratio, first state to last")
    panel = Panel("", x, Axis("ratio of validation losses", "ratio"), lines, levels={"equal losses": 1.0})
    drawn = draw_panels(
        "Norms and losses of networks against their sequential twins", [[panel]], palette, level="equal losses"
    )
    return Picture(
        "gradient-twins",
        render(drawn),
        "Ratio of validation losses against the difference in how far the gradient's norm changes, a point per pair.",
        "A point per configuration, means over seeds. Left of 0 the parallel or mixed network keeps the norm better; "
        "below 1 it has the lower loss.",
    )


def _points(label: str, twins: Sequence[Twins]) -> Line:
    means: Array = np.array(
        [(each.total.estimate, math.exp(min(each.log_loss.estimate, 700))) for each in twins], dtype=float
    )
    tips = [
        f"{each.first.label}\n{number(x)}, loss {number(y)} times" for each, (x, y) in zip(twins, means, strict=True)
    ]
    return Line(label, means[:, 0], means[:, 1], tips=tips, joined=False)
