"""Loss against the determination ratio Q, our losses beside published means."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from analysis.figures.axes import drawable, head, log_axis, say_empty, span
from analysis.figures.style import GRID, LOOKS, MUTED, WIDE, Architecture, Floats, styled

# Between the intervals [0, 1), [1, 3), [3, 10) and [10, inf) of Table 2 (2309.08414).
_EDGES = (1.0, 3.0, 10.0)
_NAMES = ("Q < 1", "1\N{EN DASH}3", "3\N{EN DASH}10", "≥ 10")


@dataclass(frozen=True)
class QLosses:
    """One architecture's losses on one data set and split.

    `q` and `loss`, each of (n,), are a point a configuration. `means` and `published`, each of (4,), are mean losses
    in the four intervals of Q: ours, and the paper's where it has some; NaN where there is none.
    """

    dataset: str
    split: Literal["training", "validation"]
    architecture: Architecture
    q: Floats
    loss: Floats
    means: Floats
    published: Floats | None = None


@styled()
def draw_by_q(series: Sequence[QLosses]) -> Figure:
    """Log-log panels: a column a data set, a row a split; points, our means and published means in intervals of Q."""
    datasets = list(dict.fromkeys(each.dataset for each in series)) or [""]
    splits = [split for split in ("training", "validation") if any(each.split == split for each in series)] or [""]
    figure = Figure(figsize=(WIDE, 0.95 + 2.35 * len(splits)), layout="constrained")
    grid = figure.subplots(len(splits), len(datasets), sharex="col", squeeze=False)
    head(figure, "Loss by determination ratio Q")
    for column, dataset in enumerate(datasets):
        ours = [each for each in series if each.dataset == dataset]
        limits = _limits(ours)
        for row, split in enumerate(splits):
            axes = grid[row, column]
            _draw_panel(axes, [each for each in ours if each.split == split], limits)
            axes.set_title(f"{dataset}, {split}" if dataset else "")
            if column == 0:
                axes.set_ylabel("loss (nats)")
        grid[-1, column].set_xlabel("Q (training samples \N{MULTIPLICATION SIGN} outputs / parameters)")
    _legend(figure, series)
    return figure


def _limits(series: Sequence[QLosses]) -> tuple[float, float]:
    low, high = span(np.concatenate([np.empty(0), *(each.q for each in series)]), room=0.03)
    return min(low, 0.3), max(high, 33)


def _draw_panel(axes: Axes, series: Sequence[QLosses], limits: tuple[float, float]) -> None:
    log_axis(axes, "x", limits)
    for edge in _EDGES:
        axes.axvline(edge, color=GRID, lw=1, zorder=0)
    edges = np.array([limits[0], *_EDGES, limits[1]])
    centers = np.sqrt(edges[1:] * edges[:-1])
    for center, name in zip(centers, _NAMES, strict=True):
        axes.text(center, 1, name, transform=axes.get_xaxis_transform(), ha="center", va="top", color=MUTED, fontsize=8)
    everything = [np.empty(0)]
    for each in series:
        shown = drawable(each.q, each.loss)
        _draw_dots(axes, each.q[shown], each.loss[shown], each.architecture)
        _draw_means(axes, centers, each)
        everything += [each.loss[shown], each.means, np.empty(0) if each.published is None else each.published]
    low, high = span(np.concatenate(everything))
    # Room for the intervals' names.
    log_axis(axes, "y", (low, high * (high / low) ** 0.08), most=6)
    if not any(len(each.loss) for each in series):
        say_empty(axes)


def _draw_dots(axes: Axes, q: Floats, loss: Floats, architecture: Architecture) -> None:
    """All dots as ends of lines too short to see: one path, where markers would be an element each."""
    ends = np.stack([np.column_stack([q, loss]), np.column_stack([q * (1 + 1e-9), loss])], axis=1).reshape(-1, 2)
    path = Path(ends, np.tile(np.array([Path.MOVETO, Path.LINETO], dtype=Path.code_type), len(q)))
    axes.add_patch(
        PathPatch(
            path,
            fill=False,
            edgecolor=LOOKS[architecture].color,
            alpha=0.3,
            lw=1.9 if len(q) > 100 else 3,
            capstyle="round" if architecture == "sequential" else "projecting",
            snap=False,
            zorder=1,
        )
    )


def _draw_means(axes: Axes, centers: Floats, each: QLosses) -> None:
    look = LOOKS[each.architecture]
    style = {"color": look.color, "marker": look.marker, "ms": 5.5, "mew": 1.2}
    # Side by side, so that equal means stay visible.
    centers = centers * (0.95 if each.architecture == "sequential" else 1.05)
    axes.plot(centers, _positive(each.means), ls="-", mec="white", zorder=4, **{**style, "mew": 0.7})
    if each.published is not None:
        axes.plot(centers, _positive(each.published), ls=(0, (1, 1.2)), mfc="white", zorder=3, **style)


def _positive(values: Floats) -> Floats:
    return np.where(drawable(values), values, np.nan)


def _legend(figure: Figure, series: Sequence[QLosses]) -> None:
    handles: list[Line2D] = []
    for architecture, look in LOOKS.items():
        style = {"color": look.color, "marker": look.marker, "ms": 5.5}
        handles.append(Line2D([], [], ls="-", mec="white", label=f"{architecture}: our mean", **style))
        if any(each.published is not None for each in series):
            handles.append(
                Line2D([], [], ls=(0, (1, 1.2)), mfc="white", label=f"{architecture}: published mean", **style)
            )
        faint = {**style, "ms": 2.6, "mew": 0}
        handles.append(Line2D([], [], ls="none", alpha=0.5, label=f"{architecture}: a configuration", **faint))
    figure.legend(handles=handles, loc="outside lower left", ncols=2)
