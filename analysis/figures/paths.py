"""Paths through a residual network by their length: how many, what gradient they carry, what they contribute."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from analysis.figures.axes import drawable, head, log_axis, say_empty, span
from analysis.figures.lines import draw_line, key, key_columns, line_style, look, shortened
from analysis.figures.style import WIDE, Floats, Look, styled

_TITLES = ("Paths there are", "Gradient along one", "Gradient they carry")
_AXES = ("share of all paths (%)", "mean norm at the input", "share of gradient (%)")
# More lines than this in a panel hide each other.
_LINES = 5
# With more points than this a line has a marker at some of them only.
_MARKED = 9
# Of the axes' height, between the bars of two networks' bands, and under the first.
_STEP, _LIFT = 0.05, 0.05


@dataclass(frozen=True)
class PathLines:
    """One network, arrays of (lengths,): shares of 1, and for norm and contribution middle, low and high.

    `band` is the first and the last path length of the effective band.
    """

    label: str
    length: Floats
    paths: Floats
    norm: tuple[Floats, Floats, Floats]
    contribution: tuple[Floats, Floats, Floats]
    band: tuple[int, int]


@styled()
def draw_paths(networks: Sequence[PathLines], seeds: bool = True) -> Figure:
    """Three panels by path length for each kind of network, a line a network, its effective band as a bar above.

    A network alone in its panels has its band filled. `seeds` says that bands around lines span seeds, not draws.
    """
    groups = _groups(networks)
    heights = [_height(group, seeds) for group in groups]
    figure = Figure(figsize=(WIDE, 0.35 + sum(heights)), layout="constrained")
    head(figure, "Paths by the number of blocks they go through")
    rows = figure.subfigures(len(groups), 1, height_ratios=heights, squeeze=False)
    for row, group in zip(rows.flat, groups, strict=True):
        _draw_group(row, group, seeds)
    return figure


def _groups(networks: Sequence[PathLines]) -> list[list[PathLines]]:
    """Networks of one kind, which is what their labels begin with, so many in a row; one empty row where none is."""
    kinds: dict[str, list[PathLines]] = {}
    for network in networks:
        kinds.setdefault(network.label.partition(",")[0], []).append(network)
    return [each[start : start + _LINES] for each in kinds.values() for start in range(0, len(each), _LINES)] or [[]]


def _height(group: Sequence[PathLines], seeds: bool) -> float:
    handles = _keys(group, seeds)
    return 2.5 + 0.12 * len(group) + 0.19 * -(-len(handles) // key_columns([str(key.get_label()) for key in handles]))


def _draw_group(row: SubFigure, group: Sequence[PathLines], seeds: bool) -> None:
    panels: Sequence[Axes] = row.subplots(1, 3)
    for axes, title, words in zip(panels, _TITLES, _AXES, strict=True):
        axes.set_title(title, pad=6 + 9 * len(group))
        axes.set_ylabel(words)
        axes.set_xlabel("path length (blocks)")
    for place, network in enumerate(group):
        _draw_lines(panels, network, look(place))
    if len(group) == 1:
        _fill_band(panels, group[0], look(0))
    _limits(panels, group)
    for place, network in enumerate(group):
        _draw_band((panels[0], panels[2]), network, look(place), 1 + _LIFT + _STEP * (len(group) - 1 - place))
    if not group:
        say_empty(panels[1])
    handles = _keys(group, seeds)
    columns = key_columns([str(handle.get_label()) for handle in handles])
    row.legend(handles=handles, loc="outside lower left", ncols=columns)


def _draw_lines(panels: Sequence[Axes], network: PathLines, style: Look) -> None:
    every = max(1, -(-len(network.length) // _MARKED))
    share = 100 * network.paths
    middle, low, high = (100 * each for each in network.contribution)
    draw_line(panels[0], network.length, (share, share, share), style, every)
    draw_line(panels[1], network.length, _positive(network.norm), style, every)
    draw_line(panels[2], network.length, (middle, low, high), style, every)


def _fill_band(panels: Sequence[Axes], network: PathLines, style: Look) -> None:
    inside = (network.length >= network.band[0]) & (network.length <= network.band[1])
    for axes, values in ((panels[0], network.paths), (panels[2], network.contribution[0])):
        bottom, top = np.zeros(inside.sum()), 100 * values[inside]
        axes.fill_between(network.length[inside], bottom, top, facecolor=style.color, alpha=0.3, lw=0, zorder=1)


def _limits(panels: Sequence[Axes], networks: Sequence[PathLines]) -> None:
    longest = max([1.0, *(float(network.length.max()) for network in networks)])
    for axes in panels:
        axes.set_xlim(-0.03 * longest, 1.03 * longest)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    for axes in (panels[0], panels[2]):
        axes.set_ylim(0, min(100, axes.get_ylim()[1]))
    shown = [band[drawable(band)] for network in networks for band in network.norm]
    log_axis(panels[1], "y", span(np.concatenate([*shown, np.empty(0)])), most=6)


def _draw_band(panels: Sequence[Axes], network: PathLines, style: Look, height: float) -> None:
    for axes in panels:
        axes.plot(
            network.band,
            (height, height),
            transform=axes.get_xaxis_transform(),
            zorder=4,
            clip_on=False,
            **{**line_style(style, 3.5), "lw": 1.8, "ls": "-"},
        )


def _positive(band: tuple[Floats, Floats, Floats]) -> tuple[Floats, Floats, Floats]:
    """What a log axis can show: nothing where the mean is zero, and no band where an end of it is."""
    middle, low, high = (np.where(drawable(each), each, np.nan) for each in band)
    return middle, low, high


def _keys(networks: Sequence[PathLines], seeds: bool) -> list[Line2D | Patch]:
    band = "from the lowest to the highest seed" if seeds else "95 % interval over draws"
    return [
        *(key(look(place), shortened(network.label)) for place, network in enumerate(networks)),
        Patch(
            facecolor="#888888", alpha=0.45, label="above: effective band" if len(networks) > 1 else "effective band"
        ),
        Patch(facecolor="#888888", alpha=0.2, label=band),
    ]
