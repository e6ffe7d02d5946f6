"""Learning curves of chosen configurations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from analysis.figures.axes import head, log_axis, say_empty, span
from analysis.figures.style import LOOKS, WIDE, Architecture, Floats, styled

Band = Literal["range", "deviation"]

_COLUMNS = 3
# With more epochs than this a curve needs no marker to be followed.
_MARKED_EPOCHS = 12


@dataclass(frozen=True)
class LearningCurves:
    """Both sides of one configuration: losses of (seeds, epochs), NaN after a divergence."""

    title: str
    sequential_train: Floats
    sequential_val: Floats
    parallel_train: Floats
    parallel_val: Floats


@styled()
def draw_curves(panels: Sequence[LearningCurves], band: Band = "range") -> Figure:
    """A column a configuration, training above validation loss: means over seeds in a band.

    The band spans all seeds, or the mean's standard deviation either way.
    """
    columns = min(max(len(panels), 1), _COLUMNS)
    blocks = -(-len(panels) // columns) or 1
    figure = Figure(figsize=(WIDE, 0.85 + 3.5 * blocks), layout="constrained")
    grid = figure.subplots(2 * blocks, columns, squeeze=False)
    head(figure, "Training and validation loss by epoch")
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    for index in range(blocks * columns):
        pair = [grid[2 * (index // columns) + row, index % columns] for row in (0, 1)]
        for axes in pair:
            axes.set_axis_on() if index < len(panels) else axes.set_axis_off()
        if index < len(panels):
            _draw_configuration(pair, panels[index], band)
            if index % columns == 0:
                pair[0].set_ylabel("training loss (nats)")
                pair[1].set_ylabel("validation loss (nats)")
    if not panels:
        say_empty(grid[0, 0])
    _legend(figure, band)
    return figure


def _draw_configuration(pair: Sequence[Axes], panel: LearningCurves, band: Band) -> None:
    curves: list[tuple[Axes, Architecture, Floats]] = [
        (pair[0], "sequential", panel.sequential_train),
        (pair[0], "parallel", panel.parallel_train),
        (pair[1], "sequential", panel.sequential_val),
        (pair[1], "parallel", panel.parallel_val),
    ]
    shown = [np.empty(0)]
    for axes, architecture, losses in curves:
        mean, low, high = _summary(losses, band)
        _draw_band(axes, architecture, mean, low, high)
        shown += [mean, low, high]
    limits = span(np.concatenate(shown))
    epochs = max(losses.shape[1] for _, _, losses in curves)
    for axes in pair:
        log_axis(axes, "y", limits, most=6)
        axes.set_xlim(1 - 0.03 * epochs, max(epochs, 2) + 0.03 * epochs)
        ticks = MaxNLocator(4, integer=True, steps=[1, 2, 2.5, 5, 10]).tick_values(0, max(epochs, 2))
        axes.set_xticks([1, *(tick for tick in ticks if 1 < tick <= max(epochs, 2))])
    pair[0].tick_params(labelbottom=False)
    pair[0].set_title(panel.title)
    pair[1].set_xlabel("epoch")


def _summary(losses: Floats, band: Band) -> tuple[Floats, Floats, Floats]:
    """Mean, low and high of each epoch, each of (epochs,), over the seeds that have a finite loss."""
    columns = [column[np.isfinite(column)] for column in losses.T]
    mean = np.array([column.mean() if len(column) else np.nan for column in columns])
    if band == "deviation":
        spread = np.array([column.std(ddof=1) if len(column) > 1 else 0.0 for column in columns])
        # A log axis has no place for a band that reaches zero.
        return mean, np.maximum(mean - spread, 0.1 * mean), mean + spread
    low = np.array([column.min() if len(column) else np.nan for column in columns])
    high = np.array([column.max() if len(column) else np.nan for column in columns])
    return mean, low, high


def _draw_band(axes: Axes, architecture: Architecture, mean: Floats, low: Floats, high: Floats) -> None:
    look = LOOKS[architecture]
    epochs = np.arange(1, len(mean) + 1)
    marker = look.marker if len(mean) <= _MARKED_EPOCHS else None
    axes.plot(epochs, mean, color=look.color, ls=look.line, marker=marker, ms=4.5, mec="white", mew=0.6, zorder=3)
    axes.fill_between(epochs, low, high, facecolor=look.color, alpha=0.2, lw=0, zorder=2)
    for edge in (low, high) if marker else ():
        axes.plot(epochs, edge, color=look.color, ls=look.line, lw=0.5, alpha=0.7, zorder=2)


def _legend(figure: Figure, band: Band) -> None:
    words = "from the lowest to the highest seed" if band == "range" else "one standard deviation over seeds either way"
    handles = [
        *(
            Line2D([], [], color=look.color, ls=look.line, marker=look.marker, ms=4.5, label=f"{name}, mean over seeds")
            for name, look in LOOKS.items()
        ),
        Patch(facecolor="#888888", alpha=0.35, label=words),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=3)
