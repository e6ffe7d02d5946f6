"""Loss against the determination ratio Q, our losses beside published means."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.axes import VECTOR_POINTS, drawable, head, log_axis, points, say_empty, span
from analysis.figures.style import GRID, LOOKS, MUTED, WIDE, Architecture, Floats, styled

# Between the intervals [0, 1), [1, 3), [3, 10) and [10, inf) of Table 2 (2309.08414).
_EDGES = (1.0, 3.0, 10.0)
_NAMES = ("Q < 1", "1\N{EN DASH}3", "3\N{EN DASH}10", "≥ 10")
_OURS: dict[str, Any] = {"ls": "-", "mec": "white", "mew": 0.7, "zorder": 4}
_PUBLISHED: dict[str, Any] = {"ls": (0, (1, 1.2)), "mfc": "white", "mew": 1.2, "zorder": 3}
_POINT: dict[str, Any] = {"ls": "none", "ms": 3.2, "mew": 0, "alpha": 0.4, "zorder": 1}


@dataclass(frozen=True)
class QLosses:
    """One architecture's losses on one data set and split.

    `q` and `loss`, each of (n,), are a point a configuration. `means` and `published`, each of (4,), are mean losses
    in the four intervals of Q: ours, and the paper's where it has some; NaN where there is none. `tips` say what each
    configuration is.
    """

    dataset: str
    split: Literal["training", "validation"]
    architecture: Architecture
    q: Floats
    loss: Floats
    means: Floats
    published: Floats | None = None
    tips: Sequence[str] = ()


@styled()
def draw_by_q(series: Sequence[QLosses]) -> Figure:
    """Log-log panels: a column a data set, a row a split; points, our means and published means in intervals of Q."""
    datasets = list(dict.fromkeys(each.dataset for each in series)) or [""]
    splits = [split for split in ("training", "validation") if any(each.split == split for each in series)] or [""]
    figure = Figure(figsize=(WIDE, 0.95 + 2.35 * len(splits)), layout="constrained")
    grid = figure.subplots(len(splits), len(datasets), sharex="col", squeeze=False)
    head(figure, "Loss by determination ratio Q")
    image = sum(len(each.loss) for each in series) > VECTOR_POINTS
    for column, dataset in enumerate(datasets):
        ours = [each for each in series if each.dataset == dataset]
        low, high = span(np.concatenate([np.empty(0), *(each.q for each in ours)]), room=0.03)
        limits = min(low, 0.3), max(high, 33)
        for row, split in enumerate(splits):
            axes = grid[row, column]
            _draw_panel(axes, [each for each in ours if each.split == split], limits, image)
            axes.set(title=f"{dataset}, {split}" if dataset else "", ylabel="" if column else "loss (nats)")
        grid[-1, column].set_xlabel("Q (training samples \N{MULTIPLICATION SIGN} outputs / parameters)")
    _legend(figure, series)
    return figure


def _draw_panel(axes: Axes, series: Sequence[QLosses], limits: tuple[float, float], image: bool) -> None:
    log_axis(axes, "x", limits)
    for edge in _EDGES:
        axes.axvline(edge, color=GRID, lw=1, zorder=0)
    edges = np.array([limits[0], *_EDGES, limits[1]])
    centers = np.sqrt(edges[1:] * edges[:-1])
    for center, name in zip(centers, _NAMES, strict=True):
        axes.text(center, 1, name, transform=axes.get_xaxis_transform(), ha="center", va="top", color=MUTED, fontsize=8)
    everything = [np.empty(0)]
    for each in series:
        look = LOOKS[each.architecture]
        points(axes, each.q, each.loss, look, each.tips, **{**_POINT, "mfc": look.color, "rasterized": image})
        _draw_means(axes, centers, each)
        shown = drawable(each.q, each.loss)
        everything += [each.loss[shown], each.means, *([] if each.published is None else [each.published])]
    low, high = span(np.concatenate(everything))
    # Room for the intervals' names.
    log_axis(axes, "y", (low, high * (high / low) ** 0.08), most=6)
    if not any(len(each.loss) for each in series):
        say_empty(axes)


def _style(architecture: Architecture) -> dict[str, Any]:
    look = LOOKS[architecture]
    return {"color": look.color, "marker": look.marker, "ms": 5.5}


def _draw_means(axes: Axes, centers: Floats, each: QLosses) -> None:
    # Side by side, so that equal means stay visible.
    centers = centers * (0.95 if each.architecture == "sequential" else 1.05)
    for values, style in ((each.means, _OURS), (each.published, _PUBLISHED)):
        if values is not None:
            axes.plot(centers, np.where(drawable(values), values, np.nan), **_style(each.architecture), **style)


def _legend(figure: Figure, series: Sequence[QLosses]) -> None:
    kinds = {"our mean": _OURS, "published mean": _PUBLISHED, "a configuration": _POINT}
    if all(each.published is None for each in series):
        del kinds["published mean"]
    handles = [
        Line2D([], [], label=f"{architecture}: {words}", **{**_style(architecture), **style})
        for architecture in LOOKS
        for words, style in kinds.items()
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=2)
