"""Is a parallel network faster, as claimed? Seconds of matched runs by depth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.figures.axes import depth_axis, drawable, head, log_axis, ratio_axis, say_empty, span
from analysis.figures.style import FAINT, LOOKS, MUTED, WIDE, Floats, styled

_GREY = "#444444"


@dataclass(frozen=True)
class CostPairs:
    """Matched pairs of one data set or device, each array of (n,).

    Seconds are of a whole training run; `flops_ratio` is parallel over sequential, forward pass; the losses are of
    the validation set.
    """

    label: str
    depth: Floats
    sequential_seconds: Floats
    parallel_seconds: Floats
    flops_ratio: Floats
    sequential_loss: Floats
    parallel_loss: Floats


@styled()
def draw_cost(groups: Sequence[CostPairs]) -> Figure:
    """A row a group: seconds, their ratio beside that of FLOPs, and loss against seconds; medians and quartiles."""
    rows = max(len(groups), 1)
    figure = Figure(figsize=(WIDE, 1.15 + 2.45 * rows), layout="constrained")
    grid = figure.subplots(rows, 3, squeeze=False, sharex=False)
    head(figure, "Training time of parallel and sequential networks")
    for row, group in enumerate(groups):
        _draw_ratio(grid[row, 0], group)
        _draw_seconds(grid[row, 1], group)
        _draw_loss(grid[row, 2], group)
    if not groups:
        for axes in grid.flat:
            say_empty(axes)
    _legend(figure)
    return figure


def _quartiles(depth: Floats, values: Floats) -> tuple[Floats, Floats]:
    """The depths there are, of (d,), and the quartiles of the drawable values at each, of (3, d)."""
    shown = drawable(values, depth)
    depths = np.unique(depth[shown])
    at = [np.quantile(values[shown & (depth == each)], (0.25, 0.5, 0.75)) for each in depths]
    return depths, np.array(at).reshape(-1, 3).T


def _draw_ratio(axes: Axes, group: CostPairs) -> None:
    ratio = np.divide(
        group.parallel_seconds,
        group.sequential_seconds,
        out=np.full(len(group.depth), np.nan),
        where=drawable(group.sequential_seconds),
    )
    depths, (low, middle, high) = _quartiles(group.depth, ratio)
    flops_depths, (_, flops, _) = _quartiles(group.depth, group.flops_ratio)
    axes.axhline(1, color=FAINT, lw=0.7, zorder=0.6)
    axes.plot(flops_depths, flops, color=MUTED, ls=":", marker="x", ms=5, zorder=2)
    axes.fill_between(depths, low, high, facecolor="#bbbbbb", alpha=0.55, lw=0, zorder=1)
    axes.plot(depths, middle, color=_GREY, marker="D", ms=5, zorder=3)
    depth_axis(axes, list(depths))
    bottom, top = span(np.concatenate([low, high, flops, np.array([1 / 1.25, 1.25])]), room=0.12)
    ratio_axis(axes, "y", (bottom, top), most=7)
    axes.set_ylabel("parallel / sequential seconds")
    axes.set_title(_verdict(group.label, depths, middle), weight="bold")
    if not len(depths):
        say_empty(axes)


def _verdict(label: str, depths: Floats, ratio: Floats) -> str:
    if not len(depths):
        return f"{label}\n"
    last = float(ratio[-1])
    if abs(np.log(last)) < np.log(1.05):
        words = "as fast"
    else:
        words = f"{1 / last:.1f} times faster" if last < 1 else f"{last:.1f} times slower"
    return f"{label}: parallel is\n{words} at depth {depths[-1]:g}"


def _draw_seconds(axes: Axes, group: CostPairs) -> None:
    shown = [np.empty(0)]
    for (_, look), seconds in zip(LOOKS.items(), (group.sequential_seconds, group.parallel_seconds), strict=True):
        depths, (low, middle, high) = _quartiles(group.depth, seconds)
        axes.fill_between(depths, low, high, facecolor=look.color, alpha=0.18, lw=0, zorder=1)
        axes.plot(depths, middle, color=look.color, ls=look.line, marker=look.marker, ms=5, mec="white", mew=0.6)
        shown += [low, high]
    depth_axis(axes, list(np.unique(group.depth)))
    log_axis(axes, "y", span(np.concatenate(shown)), most=6)
    axes.set_ylabel("seconds per training run")
    if not len(np.concatenate(shown)):
        say_empty(axes)


def _draw_loss(axes: Axes, group: CostPairs) -> None:
    """Median loss against median seconds, depth by depth along the line."""
    sides = (
        (group.sequential_seconds, group.sequential_loss),
        (group.parallel_seconds, group.parallel_loss),
    )
    shown: list[tuple[Floats, Floats]] = []
    for (_, look), (seconds, loss) in zip(LOOKS.items(), sides, strict=True):
        both = drawable(seconds, loss)
        depths, (_, time, _) = _quartiles(group.depth[both], seconds[both])
        _, (_, value, _) = _quartiles(group.depth[both], loss[both])
        axes.plot(time, value, color=look.color, ls=look.line, marker=look.marker, ms=5, mec="white", mew=0.6)
        if len(depths):
            below = len(depths) > 1 and value[-1] < value[-2]
            axes.annotate(
                f"depth {depths[-1]:g}",
                (time[-1], value[-1]),
                (5, -7 if below else 7),
                textcoords="offset points",
                ha="right",
                va="top" if below else "bottom",
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5},
            )
        shown.append((time, value))
    times, values = (np.concatenate(column) for column in zip(*shown, strict=True))
    log_axis(axes, "x", span(times, room=0.12), most=5)
    log_axis(axes, "y", span(values, room=0.2), most=6)
    axes.set_xlabel("seconds per training run")
    axes.set_ylabel("validation loss (nats)")
    if not len(times):
        say_empty(axes)


def _legend(figure: Figure) -> None:
    handles = [
        Line2D([], [], color=_GREY, marker="D", ms=5, label="ratio of seconds, median"),
        Line2D([], [], color=MUTED, ls=":", marker="x", ms=5, label="ratio of FLOPs, median"),
        *(
            Line2D([], [], color=look.color, ls=look.line, marker=look.marker, ms=5, label=f"{name}, median")
            for name, look in LOOKS.items()
        ),
        Patch(facecolor="#bbbbbb", alpha=0.55, label="half of the pairs (quartiles)"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=3)
