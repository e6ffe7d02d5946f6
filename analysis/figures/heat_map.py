"""Heat maps: values by two levels, as shades of cells."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from analysis.figures.axes import head, say_empty, wrapped
from analysis.figures.style import BLUE, FAINT, GREEN, GRID, INK, MUTED, PURPLE, WIDE, Floats, styled

# Inches that a panel of values takes at most.
_WIDEST = 2.7
# Light versions of the architectures' colours, on all of which black is read: the better one's.
_BETTER = ("#e88a50", "#f9d5bd", "white", "#c0dcef", "#57a5d6")
_RATIOS = LinearSegmentedColormap.from_list("parallel to sequential", _BETTER).with_extremes(bad="white")
# One hue, ever darker: the order is seen without colours.
_DARKER = ("#ffffff", "#cfe3f1", "#7fb6d9", BLUE, "#00324f")
_VALUES = LinearSegmentedColormap.from_list("values", _DARKER).with_extremes(bad="#d9d9d9")
# Two hues that no reader takes for each other, white in between.
_AROUND = ("#6b2a58", PURPLE, "#ffffff", GREEN, "#004d38")
_SIGNED = LinearSegmentedColormap.from_list("around zero", _AROUND).with_extremes(bad="#d9d9d9")
_BLANK = "\N{NO-BREAK SPACE}"
_TICKS = (0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.4, 1.6, 2)
# Labels beside each other that fit under a panel of values.
_LABELS = 6
# How far shades around zero reach at least and at most.
_REACH = 0.1, 3.0


@dataclass(frozen=True)
class HeatMap:
    """A panel: values of (rows, columns), NaN where there is none, row 0 at the bottom.

    `columns` and `rows` are the labels of ticks; without any, cells are numbered from 0.
    """

    title: str
    values: Floats
    x_label: str
    y_label: str
    columns: Sequence[object] = ()
    rows: Sequence[object] = ()


@dataclass(frozen=True)
class Shades:
    """What shades stand for, said by `label` under the colour bar.

    With a `margin` values are ratios, parallel over sequential, on a log scale around 1: each cell has its number, and
    those beyond the margin are framed, which the colour bar says too. Without one they are from 0 to `most`, or around
    0 if they are `signed`.
    """

    label: str
    margin: float | None = None
    signed: bool = False
    most: float = 1.0


@styled()
def draw_heat_maps(title: str, maps: Sequence[HeatMap], shades: Shades) -> Figure:
    """The maps, two in a row with a margin and three without, over one colour bar.

    Colours of ratios are symmetric in log, between 1/2 and 2 at most. Cells of values that are not defined are grey.
    """
    ratios = shades.margin is not None
    columns = min(max(len(maps), 1), 2 if ratios else 3)
    rows, side = -(-len(maps) // columns) or 1, min(WIDE / columns, _WIDEST)
    width = max(columns * (WIDE / 2 if ratios else side), 0.6 * WIDE)
    titles = [wrapped(each.title, 30 if columns > 2 else 38) for each in maps]
    heading = wrapped(title, int(12 * width))
    lines = max((each.count("\n") for each in titles), default=0)
    tall = 0.7 + 0.4 * max([3, *(len(each.values) for each in maps)]) if ratios else side + 0.3
    height = (1.5 if ratios else 0.95) + rows * (tall + 0.15 * lines) + 0.17 * heading.count("\n")
    figure = Figure(figsize=(width, height), layout="constrained")
    head(figure, heading)
    grid = figure.subplots(rows, columns, squeeze=False)
    norm = _norm(maps, shades)
    for place, axes in enumerate(grid.flat):
        if place >= len(maps):
            axes.set_axis_off()
            continue
        axes.set(title=titles[place], ylabel="" if place % columns else maps[place].y_label)
        _draw_map(axes, maps[place], norm, shades)
    if not maps:
        say_empty(grid[0, 0])
    _color_bar(figure, grid, norm, shades)
    return figure


def _norm(maps: Sequence[HeatMap], shades: Shades) -> Normalize:
    """From what is drawn to a place among the colours."""
    if shades.margin is None and not shades.signed:
        return Normalize(0, shades.most, clip=True)
    margin = shades.margin
    drawn = np.concatenate([np.zeros(1), *(np.abs(_drawn(each, margin)).ravel() for each in maps)])
    least, most = _REACH if margin is None else (2 * float(np.log1p(margin)), float(np.log(2)))
    reach = min(max(float(np.nanmax(drawn)), least), most)
    return Normalize(-reach, reach, clip=True)


def _drawn(each: HeatMap, margin: float | None) -> Floats:
    """Values, or logarithms of ratios; NaN where there is none."""
    values = np.where(np.isfinite(each.values), each.values, np.nan)
    return values if margin is None else np.log(np.where(values > 0, values, np.nan))


def _draw_map(axes: Axes, each: HeatMap, norm: Normalize, shades: Shades) -> None:
    margin = shades.margin
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_xlabel(each.x_label)
    for axis, labels in ((axes.xaxis, each.columns), (axes.yaxis, each.rows)):
        if labels:
            places = range(len(labels)) if margin is not None else _apart(len(labels))
            axis.set_ticks(places, [str(labels[place]) for place in places])
        else:
            axis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    drawn = _drawn(each, margin)
    # The edges of cells: without them, a single row or column has no extent.
    x, y = (np.arange(count + 1) - 0.5 for count in drawn.shape[::-1])
    if not drawn.size:
        axes.set(xticks=(), yticks=())
        say_empty(axes)
    elif margin is None:
        axes.pcolormesh(x, y, drawn, cmap=_colors(shades), norm=norm, rasterized=True)
    else:
        axes.pcolormesh(x, y, drawn, cmap=_colors(shades), norm=norm, edgecolors=GRID, linewidth=0.6)
        for (row, column), log in np.ndenumerate(drawn):
            _write_cell(axes, row, column, float(log), margin)


def _colors(shades: Shades) -> Colormap:
    return _RATIOS if shades.margin is not None else _SIGNED if shades.signed else _VALUES


def _apart(count: int) -> list[int]:
    """The places of labels that do not meet, evenly spaced from the first."""
    return list(range(0, count, max(1, -(-(count - 1) // (_LABELS - 1)))))


def _write_cell(axes: Axes, row: int, column: int, log: float, margin: float) -> None:
    known, beyond = bool(np.isfinite(log)), abs(log) > np.log1p(margin)
    if beyond:
        axes.add_patch(Rectangle((column - 0.44, row - 0.43), 0.88, 0.86, fill=False, edgecolor=INK, lw=1.6, zorder=2))
    text, color = (f"{np.exp(log):.2f}", INK) if known else ("\N{EN DASH}", MUTED)
    style = {"ha": "center", "va": "center_baseline", "weight": "bold" if beyond else "normal", "zorder": 3}
    axes.text(column, row, text, color=color, **style)


def _color_bar(figure: Figure, panels: np.ndarray, norm: Normalize, shades: Shades) -> None:
    extend = "neither" if shades.margin is None and not shades.signed else "both"
    height = figure.get_figheight()
    place = {"location": "bottom", "fraction": 0.2 / height, "pad": 0.15 / height, "aspect": 45, "shrink": 0.75}
    bar = figure.colorbar(ScalarMappable(norm, _colors(shades)), ax=panels, extend=extend, **place)
    bar.outline.set(edgecolor=FAINT, linewidth=0.5, visible=shades.margin is None)
    label = shades.label
    if shades.margin is not None:
        ticks = [tick for tick in _TICKS if abs(np.log(tick)) <= float(norm.vmax or 0)]
        bar.set_ticks([float(np.log(tick)) for tick in ticks], labels=[f"{tick:g}" for tick in ticks])
        frames = f"framed: beyond the margin of {100 * shades.margin:g} % either way"
        label = f"← parallel better{12 * _BLANK}sequential better →\n{label}\n{frames}"
    bar.set_label(label)
