"""Paths through a residual network by their length: how many, what gradient they carry, what they contribute."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from analysis.figures.axes import drawable, head, log_axis, say_empty, span
from analysis.figures.lines import draw_line, key, key_columns, line_style, look, shortened
from analysis.figures.style import WIDE, Floats, Look, styled

_TITLES = ("Paths there are", "Gradient along one", "Gradient they carry")
_AXES = ("share of all paths (%)", "mean norm at the input", "share of the gradient (%)")
# With more points than this a line has a marker at some of them only.
_MARKED = 9
# Of the axes' height, between the bars of two networks' bands.
_STEP = 0.045


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
    """A line a network in three panels by path length, with its effective band as a bar above; one alone is filled.

    `seeds` says that bands around lines span seeds, not draws.
    """
    handles = _keys(networks, seeds)
    columns = key_columns([str(handle.get_label()) for handle in handles])
    figure = Figure(figsize=(WIDE, 3.0 + 0.2 * -(-len(handles) // columns)), layout="constrained")
    panels: Sequence[Axes] = figure.subplots(1, 3)
    head(figure, "Paths by the number of blocks they go through")
    for axes, title, words in zip(panels, _TITLES, _AXES, strict=True):
        axes.set_title(title)
        axes.set_ylabel(words)
        axes.set_xlabel("path length (blocks)")
    for place, network in enumerate(networks):
        _draw_lines(panels, network, look(place))
    if len(networks) == 1:
        _fill_band(panels, networks[0], look(0))
    _limits(panels, networks)
    for place, network in enumerate(networks):
        _draw_band((panels[0], panels[2]), network, look(place), 0.97 - _STEP * place)
    if not networks:
        say_empty(panels[1])
    figure.legend(handles=handles, loc="outside lower left", ncols=columns)
    return figure


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
        # The bars stand above all lines.
        top = axes.get_ylim()[1]
        axes.set_ylim(0, top / max(0.5, 0.97 - _STEP * len(networks)))
    shown = [band[drawable(band)] for network in networks for band in network.norm]
    log_axis(panels[1], "y", span(np.concatenate([*shown, np.empty(0)])), most=6)


def _draw_band(panels: Sequence[Axes], network: PathLines, style: Look, height: float) -> None:
    for axes in panels:
        axes.plot(
            network.band,
            (height, height),
            transform=axes.get_xaxis_transform(),
            zorder=4,
            **{**line_style(style), "lw": 2.4, "ls": "-"},
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
