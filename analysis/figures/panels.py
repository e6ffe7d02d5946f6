"""Panels of lines in bands, in rows: the one way in which figures show how something goes with something else."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from analysis.figures.axes import (
    drawable,
    head,
    legend_columns,
    legend_lines,
    log_axis,
    ratio_axis,
    say_empty,
    set_scale,
    span,
    wrapped,
)
from analysis.figures.style import MUTED, WIDE, Floats, Look, Palette, styled
from analysis.figures.svg import tips_id

Item = TypeVar("Item")
Scale = Literal["even", "log", "ratio", "places", "percent"]
_MARKED = 14
"""With more points than this a line has a marker at some of them only."""
_LONGEST = 92
"""Characters of a line in a legend."""
_STEP = 0.05
"""Of a panel's height, between the bars above it."""


@dataclass(frozen=True)
class Line:
    """A line by its label, which gives its look; `x` and `y` are of (points,), and so are the ends of its band.

    `tips` say what each point is; by default its label and numbers. Where their order means nothing, points are not
    `joined`; then, and where there is one alone, each has a bar for the band.
    """

    label: str
    x: Floats
    y: Floats
    low: Floats | None = None
    high: Floats | None = None
    tips: Sequence[str] = ()
    joined: bool = True


@dataclass(frozen=True)
class Axis:
    """An axis.

    "even" is linear, "places" logarithmic with a tick at each value that there is, and "percent" an error from 0 up.
    """

    label: str
    scale: Scale = "even"
    whole: bool = False
    """Whether only whole numbers have a tick."""
    falling: bool = False
    names: Sequence[str] = ()
    """Ticks at 0, 1, 2, ... of an even axis."""


@dataclass(frozen=True)
class Panel:
    """Lines on one pair of axes.

    `levels` are labels with a value that a dashed line stands at, grey where no line has the label; `bars` are labels
    of lines with two places of x that a bar above joins, and `shaded` places of x with a grey ground. On an axis in per
    cent, `chance` has a line where values are near.
    """

    title: str
    x: Axis
    y: Axis
    lines: Sequence[Line]
    levels: Mapping[str, float] = field(default_factory=dict)
    bars: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    shaded: Sequence[float] = ()
    chance: float | None = None
    empty: str = "no data"


def in_rows(items: Sequence[Item], columns: int) -> list[list[Item]]:
    """The items, panels or what they show, split into rows of at most `columns`."""
    return [list(items[start : start + columns]) for start in range(0, len(items), columns)]


@styled()
def draw_panels(
    title: str,
    rows: Sequence[Sequence[Panel]],
    palette: Palette,
    band: str = "",
    level: str = "",
    notes: Mapping[str, str] | None = None,
    keys: Literal["figure", "row"] = "figure",
    names: Mapping[str, str] | None = None,
    height: float = 2.3,
) -> Figure:
    """The panels, with a legend under the figure or under each row.

    `band` and `level` say in the legend what bands and dashed lines are, `notes` what shaded places and bars are, and
    `names` what a label is to be called there. Panels of one row share their y axis where they have one kind.
    """
    rows = [row for row in rows if row] or [[]]
    named, columns = names or {}, max(max(map(len, rows)), 1)
    together = palette.apart(_labels([panel for row in rows for panel in row]))
    looks = [palette.apart(_labels(row)) if keys == "row" else together for row in rows]
    legends = [_keys(own, named) if keys == "row" else [] for own in looks]
    last = [*(_keys(together, named) if keys == "figure" else []), *_meanings(band, level, notes or {})]
    heights = [
        height + 0.16 * _title_lines(row, columns) + 0.2 * legend_lines(legend)
        for row, legend in zip(rows, legends, strict=True)
    ]
    heading = wrapped(title, int(11 * WIDE))
    above = 0.45 + 0.17 * heading.count("\n")
    figure = Figure(figsize=(WIDE, above + sum(heights) + 0.2 * legend_lines(last)), layout="constrained")
    head(figure, heading)
    parts = figure.subfigures(len(rows), 1, squeeze=False, height_ratios=heights).flat
    for part, row, own, legend in zip(parts, rows, looks, legends, strict=True):
        _draw_row(part, row, columns, own)
        _legend(part, legend)
    _legend(figure, last)
    return figure


def _labels(row: Sequence[Panel]) -> list[str]:
    return list(dict.fromkeys(line.label for panel in row for line in panel.lines))


def _title_lines(row: Sequence[Panel], columns: int) -> int:
    """Beyond the first, with what bars take."""
    return max((_title(panel, columns).count("\n") for panel in row), default=0) + _bars(row) // 2


def _title(panel: Panel, columns: int) -> str:
    return wrapped(panel.title, {1: 100, 2: 50}.get(columns, 32))


def _bars(row: Sequence[Panel]) -> int:
    return max((len(panel.bars) for panel in row), default=0)


def _draw_row(part: SubFigure, row: Sequence[Panel], columns: int, looks: Mapping[str, Look]) -> None:
    grid: Sequence[Axes] = part.subplots(1, columns, squeeze=False)[0]
    for axes in grid[len(row) :]:
        axes.set_axis_off()
    if not row:
        axes = grid[0]
        axes.set_axis_on()
        say_empty(axes)
    for axes, panel in zip(grid, row, strict=False):
        _draw_panel(axes, panel, looks)
        axes.set_title(_title(panel, columns), pad=6 + 5 * _bars(row))
    percent = [axes for axes, panel in zip(grid, row, strict=False) if panel.y.scale == "percent"]
    top = max((axes.get_ylim()[1] for axes in percent), default=0.0)
    for axes in percent:
        axes.set_ylim(0, top)


def _draw_panel(axes: Axes, panel: Panel, looks: Mapping[str, Look]) -> None:
    axes.set_xlabel(panel.x.label)
    axes.set_ylabel(panel.y.label)
    for place in panel.shaded:
        axes.axvspan(place - 0.3, place + 0.3, color="#ededed", lw=0, zorder=0)
    ends = [_draw_line(axes, line, looks[line.label], panel) for line in panel.lines]
    for label, value in panel.levels.items():
        axes.axhline(value, color=looks[label].color if label in looks else MUTED, ls=(0, (5, 3)), lw=0.8, zorder=1.5)
    x = np.concatenate([np.empty(0), *(line.x for line in panel.lines)])
    y = np.concatenate([np.empty(0), *ends, np.array(list(panel.levels.values()), float)])
    _scale(axes, "x", panel.x, x)
    _scale(axes, "y", panel.y, y)
    if panel.y.scale == "percent" and panel.chance is not None:
        _chance(axes, panel.chance, y)
    for place, (label, (low, high)) in enumerate(panel.bars.items()):
        level = 1.03 + _STEP * (len(panel.bars) - 1 - place)
        style = {"color": looks[label].color, "marker": looks[label].marker, "ms": 3.5, "lw": 1.8, "clip_on": False}
        axes.plot((low, high), (level, level), transform=axes.get_xaxis_transform(), zorder=4, **style)
    if not len(y[np.isfinite(y)]):
        say_empty(axes, panel.empty)


def _draw_line(axes: Axes, line: Line, look: Look, panel: Panel) -> Floats:
    """Draw a line where it can be shown; the values that the y axis has to hold."""
    low, high = (line.y if end is None else end for end in (line.low, line.high))
    shown = _showable(panel.x, line.x) & _showable(panel.y, line.y)
    x, y = line.x[shown], line.y[shown]
    low, high = (np.where(_showable(panel.y, end), end, np.nan)[shown] for end in (low, high))
    if line.low is not None and line.joined and len(x) > 1:
        axes.fill_between(x, low, high, facecolor=look.color, alpha=0.2, lw=0, zorder=2)
    elif line.low is not None:
        axes.vlines(x, low, high, color=look.color, alpha=0.35, lw=4, zorder=2)
    every = max(1, -(-len(x) // _MARKED))
    tips = (
        [tip for tip, kept in zip(line.tips, shown, strict=True) if kept]
        if line.tips
        else _tips(line.label, panel, x, y)
    )
    marks = {"marker": look.marker, "ms": 4.5, "mec": "white", "mew": 0.6, "markevery": every}
    style = look.line if line.joined else "none"
    axes.plot(x, y, color=look.color, ls=style, zorder=3, gid=tips_id(tips[::every]), **marks)
    return np.concatenate([y, low, high])


def _showable(axis: Axis, values: Floats) -> NDArray[np.bool_]:
    return drawable(values) if axis.scale in ("log", "ratio", "places") else np.isfinite(values)


def _tips(label: str, panel: Panel, x: Floats, y: Floats) -> list[str]:
    places = [panel.x.names[int(at)] if panel.x.names else f"{at:.4g}" for at in x]
    return [
        f"{label}\n{panel.x.label}: {at}\n{panel.y.label}: {value:.4g}" for at, value in zip(places, y, strict=True)
    ]


def _scale(axes: Axes, which: Literal["x", "y"], axis: Axis, values: Floats) -> None:
    values = values[np.isfinite(values)]
    match axis.scale:
        case "log":
            log_axis(axes, which, span(values, room=0.08), most=6)
        case "ratio":
            ratio_axis(axes, which, span(np.append(values, (1 / 1.25, 1.25)), room=0.12), most=7)
        case "places":
            places = np.unique(values) if len(values) else np.array([1.0, 2.0])
            set_scale(axes, which, (places[0] / 1.25, places[-1] * 1.25), _apart(places))
        case "percent":
            most = float(values.max(initial=2.0))
            axes.set_ylim(0, min(100.0, 1.25 * most))
            axes.grid(axis="y")
        case "even":
            if axis.names:
                axes.set(**{f"{which}ticks": range(len(axis.names)), f"{which}ticklabels": axis.names})
                axes.set(**{f"{which}lim": (-0.3, len(axis.names) - 0.7)})
            elif axis.whole:
                locator = MaxNLocator(8, integer=True, steps=[1, 2, 5, 10])
                (axes.xaxis if which == "x" else axes.yaxis).set_major_locator(locator)
    if axis.falling:
        (axes.invert_xaxis if which == "x" else axes.invert_yaxis)()


def _apart(places: Floats) -> list[float]:
    """The places whose numbers do not meet on a log axis."""
    kept: list[float] = []
    for place in places.tolist():
        if not kept or np.log(place / kept[-1]) > 0.055 * np.log(places[-1] / places[0] + 1):
            kept.append(place)
    return kept


def _chance(axes: Axes, chance: float, values: Floats) -> None:
    """The error of guessing, where values come near to it."""
    if values[np.isfinite(values)].max(initial=0.0) <= 0.55 * chance:
        return
    axes.set_ylim(0, 102)
    axes.axhline(chance, color=MUTED, lw=0.9, ls=(0, (1, 1.5)), zorder=1)
    place = {"transform": axes.get_yaxis_transform(), "ha": "right", "va": "bottom"}
    axes.text(0.995, chance + 1.2, "chance", color=MUTED, fontsize=8, **place)


def _keys(looks: Mapping[str, Look], names: Mapping[str, str]) -> list[Line2D | Patch]:
    every: list[Line2D | Patch] = []
    for label, look in looks.items():
        style = {"color": look.color, "ls": look.line, "marker": look.marker, "ms": 4.5, "mec": "white", "mew": 0.6}
        every.append(Line2D([], [], label=wrapped(names.get(label, label), _LONGEST), **style))
    return every


def _meanings(band: str, level: str, notes: Mapping[str, str]) -> Iterable[Line2D | Patch]:
    if level:
        yield Line2D([], [], color=MUTED, ls=(0, (5, 3)), lw=0.8, label=level)
    for what, words in notes.items():
        if what == "bars":
            yield Line2D([], [], color=MUTED, marker="o", ms=3.5, lw=1.8, label=words)
        else:
            yield Patch(facecolor="#ededed" if what == "shaded" else "#888888", alpha=1, label=words)
    if band:
        yield Patch(facecolor="#888888", alpha=0.35, label=band)


def _legend(part: Figure | SubFigure, handles: Sequence[Line2D | Patch]) -> None:
    if handles:
        style = {"ncols": legend_columns(handles), "handlelength": 2.4, "columnspacing": 1.5}
        part.legend(handles=list(handles), loc="outside lower left", **style)
