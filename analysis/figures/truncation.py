"""Loss of trained networks by the order that they are truncated to."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.figures.axes import drawable, head, log_axis, say_empty, span
from analysis.figures.style import GREEN, INK, PURPLE, WIDE, Floats, Look, styled

_COLUMNS = 2
_LOOKS = (Look(PURPLE, "o", "-"), Look(GREEN, "s", "--"))


@dataclass(frozen=True)
class OrderLosses:
    """Losses by order, arrays of (orders,): means over seeds with the lowest and highest."""

    order: Floats
    loss: Floats
    lowest: Floats
    highest: Floats


@dataclass(frozen=True)
class TruncatedLosses:
    """One network: its loss whole, and by order for each way of truncating it, at most two."""

    label: str
    loss: float
    kinds: dict[str, OrderLosses] = field(default_factory=dict)


@styled()
def draw_truncation(networks: Sequence[TruncatedLosses]) -> Figure:
    """A panel a network: loss against order, both logarithmic; dotted: the loss of the whole network."""
    columns = min(max(len(networks), 1), _COLUMNS)
    rows = -(-len(networks) // columns) or 1
    figure = Figure(figsize=(WIDE, 0.95 + 2.3 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    head(figure, "Validation loss of truncated networks by order")
    names = list(dict.fromkeys(name for each in networks for name in each.kinds))
    style = dict(zip(names, _LOOKS, strict=False))
    for axes, each in zip(grid.flat, networks, strict=False):
        _draw_network(axes, each, style)
    for axes in grid.flat[max(len(networks), 1) :]:
        axes.set_axis_off()
    for axes in grid[:, 0]:
        axes.set_ylabel("validation loss (nats)")
    for column in range(columns):
        shown = [row for row in range(rows) if row * columns + column < max(len(networks), 1)]
        grid[shown[-1], column].set_xlabel("order (sequential stages that are left)")
    if not networks:
        say_empty(grid[0, 0])
    _legend(figure, style)
    return figure


def _draw_network(axes: Axes, each: TruncatedLosses, style: dict[str, Look]) -> None:
    losses, orders = [np.array([each.loss])], [np.empty(0)]
    for name, found in each.kinds.items():
        look = style[name]
        shown = drawable(found.loss, found.lowest, found.highest)
        order, loss = found.order[shown], found.loss[shown]
        axes.fill_between(order, found.lowest[shown], found.highest[shown], facecolor=look.color, alpha=0.2, lw=0)
        axes.plot(order, loss, color=look.color, ls=look.line, marker=look.marker, ms=5, mec="white", mew=0.6, zorder=3)
        losses += [loss, found.lowest[shown], found.highest[shown]]
        orders.append(order)
    if drawable(losses[0]).all():
        axes.axhline(each.loss, color=INK, ls=(0, (1, 1.5)), lw=1, zorder=1)
    log_axis(axes, "y", span(np.concatenate(losses), room=0.08), most=6)
    places = np.unique(np.concatenate(orders))
    _order_axis(axes, places if len(places) else np.array([1.0, 2.0]))
    axes.set_title(each.label)
    if not len(places):
        say_empty(axes)


def _order_axis(axes: Axes, places: Floats) -> None:
    """A tick at each order, as far as their numbers do not meet."""
    axes.set_xscale("log", base=2)
    axes.set_xlim(places[0] / 1.2, places[-1] * 1.2)
    kept: list[float] = []
    for place in places:
        if not kept or np.log2(place / kept[-1]) > 0.055 * np.log2(places[-1] / places[0] + 1):
            kept.append(float(place))
    axes.set_xticks(kept, [f"{place:g}" for place in kept])
    axes.set_xticks([], minor=True)


def _legend(figure: Figure, style: dict[str, Look]) -> None:
    handles = [
        *(
            Line2D([], [], color=look.color, ls=look.line, marker=look.marker, ms=5, mec="white", label=name)
            for name, look in style.items()
        ),
        Line2D([], [], color=INK, ls=(0, (1, 1.5)), lw=1, label="whole network"),
        Patch(facecolor="#888888", alpha=0.35, label="lowest to highest seed"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=4)
