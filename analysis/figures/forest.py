"""Estimates with their intervals, a row each, as a forest plot."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from analysis.figures.axes import legend_columns, legend_lines, margin_key, ratio_axis, say_empty, wrapped
from analysis.figures.style import BAND, FAINT, INK, MUTED, WIDE, styled
from analysis.figures.svg import tips_id


@dataclass(frozen=True)
class Kind:
    """What a mark stands for: its words in the legend, colour and marker; an open one is white inside."""

    words: str
    color: str
    marker: str
    open: bool = False


@dataclass(frozen=True)
class Mark:
    """An estimate with its interval, NaN where unknown, and the text beside it."""

    estimate: float
    low: float
    high: float
    kind: Kind
    text: str


@dataclass(frozen=True)
class Row:
    """A label with a mark, or several below each other; `count` is a number beside it."""

    label: str
    marks: Sequence[Mark]
    count: str = ""


@dataclass(frozen=True)
class Group:
    """Rows under a heading."""

    title: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Measure:
    """The axis: its label, what lies at its two ends, and the head of the column of texts.

    With a `margin` it is logarithmic around 1, where the margin is shaded; else linear around 0.
    """

    label: str
    below: str
    above: str
    text: str
    margin: float | None = None
    count: str = ""


# Inches.
_ROW, _TOP, _BOTTOM, _LEFT, _RIGHT, _KEY = 0.205, 0.62, 0.72, 2.55, 2.0, 0.2
_WIDTH = WIDE - _LEFT - _RIGHT
# In rows: a further line of a row, and what stands between groups.
_LINE, _GAP = 0.8, 0.25
# Characters of a line: of a label, of one beside a number, and of a group's title.
_ALONE, _BESIDE, _TITLE = 33, 26, 92


@styled()
def draw_forest(title: str, groups: Sequence[Group], measure: Measure) -> Figure:
    """A row an estimate under its group's title; what leaves the axis ends in an arrow."""
    count = sum(_group_height(group) for group in groups)
    heading, keys = wrapped(title, int(11 * WIDE)), _keys(groups, measure)
    top, bottom = _TOP + 0.17 * heading.count("\n"), _BOTTOM + _KEY * legend_lines(keys)
    height = top + bottom + _ROW * max(count, 2)
    figure = Figure(figsize=(WIDE, height))
    axes = figure.add_axes((_LEFT / WIDE, bottom / height, _WIDTH / WIDE, 1 - (top + bottom) / height))
    figure.text(0.012, 1 - 0.1 / height, heading, va="top", weight="bold", size=10.5)
    limits = _axis(axes, groups, measure)
    axes.set_ylim(max(count, 2) - 0.4, -0.6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(measure.label)
    place = 0.0
    for group in groups:
        _draw_group(axes, place, group, limits, measure.margin)
        place += _group_height(group)
    if not count:
        say_empty(axes)
    if keys:
        beneath = {"loc": "lower left", "bbox_to_anchor": (0.005, 0.04 / height)}
        figure.legend(handles=keys, ncols=legend_columns(keys), columnspacing=1.6, **beneath)
    return figure


def _group_height(group: Group) -> float:
    """In rows of one line."""
    return _height(len(_lines(group.title, _TITLE))) + sum(map(_row_height, group.rows)) + _GAP


def _row_height(row: Row) -> float:
    return _height(max(len(row.marks), len(_label(row))))


def _height(lines: int) -> float:
    return 1 + _LINE * (max(lines, 1) - 1)


def _label(row: Row) -> list[str]:
    return _lines(row.label, _BESIDE if row.count else _ALONE)


def _lines(text: str, width: int) -> list[str]:
    """The text in three lines at most: what is left out is before the last, as long names differ at their ends."""
    lines = wrapped(text, width).splitlines()
    return lines if len(lines) <= 3 else [lines[0], f"{lines[1][: width - 1]}…", text[-width:].partition(" ")[2]]


def _axis(axes: Axes, groups: Sequence[Group], measure: Measure) -> tuple[float, float]:
    """Scale and heads; the limits show every estimate, up to tenfold, and most intervals."""
    reach = _reach([mark for group in groups for row in group.rows for mark in row.marks], measure.margin)
    for inches, words, side in (
        (-0.18, measure.count, "right"),
        (_WIDTH + _RIGHT - 0.1, measure.text, "right"),
        (0, f"← {measure.below}", "left"),
        (_WIDTH, f"{measure.above} →", "right"),
    ):
        _text(axes, inches, -1, words, ha=side, color=MUTED)
    if measure.margin is not None:
        limits = float(np.exp(-reach)), float(np.exp(reach))
        ratio_axis(axes, "x", limits)
        return limits
    axes.set_xlim(-reach, reach)
    axes.xaxis.set_major_locator(MaxNLocator(6, symmetric=True))
    return -reach, reach


def _reach(marks: Sequence[Mark], margin: float | None) -> float:
    """How far the axis goes to both sides, in log where there is a margin."""
    values = np.array([(mark.estimate, mark.low, mark.high) for mark in marks], float).reshape(-1, 3)
    if margin is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.log(np.where(values > 0, values, np.nan))
    values = np.abs(np.where(np.isfinite(values), values, np.nan))
    estimates = values[:, 0][~np.isnan(values[:, 0])]
    ends = values[~np.isnan(values).any(axis=1), 1:]
    reach = max(1.7 * np.log1p(margin or 0), 1.15 * estimates.max(initial=0.0))
    if ends.size:
        reach = max(reach, 1.08 * min(float(np.quantile(ends, 0.95)), 4 * float(np.median(ends))))
    return float(reach or 1.0) if margin is None else float(min(reach, np.log(10)))


def _text(axes: Axes, inches: float, place: float, text: str, **style: Any) -> None:
    """Write at a row, so many inches right of the axis' left end."""
    axes.text(inches / _WIDTH, place, text, transform=axes.get_yaxis_transform(), va="center_baseline", **style)


def _draw_group(axes: Axes, place: float, group: Group, limits: tuple[float, float], margin: float | None) -> None:
    title = _lines(group.title, _TITLE)
    for number, line in enumerate(title):
        _text(axes, -_LEFT + 0.1, place + _LINE * number, line, weight="bold")
    first = place = place + _height(len(title))
    for row in group.rows:
        _draw_row(axes, place, row, limits)
        place += _row_height(row)
    _draw_ground(axes, (first - 0.5, place - 0.5), margin)


def _draw_ground(axes: Axes, ends: tuple[float, float], margin: float | None) -> None:
    """The line of no difference beside rows, in the shaded margin if there is one; a title has neither behind it."""
    if margin is not None:
        edges = 1 / (1 + margin), 1 + margin
        axes.fill_betweenx(ends, *edges, color=BAND, lw=0, zorder=0)
        axes.vlines(edges, *ends, color=FAINT, lw=0.7, ls=(0, (2, 2)), zorder=0.5)
    axes.vlines(0 if margin is None else 1, *ends, color=INK, lw=0.8, zorder=0.6)


def _draw_row(axes: Axes, place: float, row: Row, limits: tuple[float, float]) -> None:
    for number, line in enumerate(_label(row)):
        _text(axes, -_LEFT + 0.25, place + _LINE * number, line)
    _text(axes, -0.18, place, row.count, ha="right")
    for number, mark in enumerate(row.marks):
        _draw_mark(axes, place + _LINE * number, mark, limits, f"{row.label}: {mark.text}")


def _draw_mark(axes: Axes, place: float, mark: Mark, limits: tuple[float, float], said: str) -> None:
    """The interval, cut where the axis ends, and the estimate; an arrow says it where the estimate is beyond."""
    _text(axes, _WIDTH + _RIGHT - 0.1, place, mark.text, ha="right")
    ends = [mark.estimate if np.isnan(end) else end for end in (mark.low, mark.high)]
    inside, tip = limits[0] <= mark.estimate <= limits[1], tips_id([said])
    style: dict[str, Any] = {"color": mark.kind.color, "ms": 6}
    if not np.isnan(mark.estimate):
        axes.plot(np.clip(ends, *limits), (place, place), color=mark.kind.color, lw=1.5, zorder=2)
        for beyond, limit, arrow in ((ends[0] < limits[0], limits[0], 4), (ends[1] > limits[1], limits[1], 5)):
            if beyond:
                gid = None if inside else tip
                axes.plot([limit], [place], marker=arrow, mew=0, clip_on=False, zorder=3, gid=gid, **style)
    if inside:
        fill = "white" if mark.kind.open else mark.kind.color
        axes.plot([mark.estimate], [place], marker=mark.kind.marker, mfc=fill, mew=1.3, zorder=4, gid=tip, **style)


def _keys(groups: Sequence[Group], measure: Measure) -> list[Line2D | Patch]:
    kinds = dict.fromkeys(mark.kind for group in groups for row in group.rows for mark in row.marks)
    keys: list[Line2D | Patch] = []
    for kind in kinds:
        style: dict[str, Any] = {"color": kind.color, "mfc": "white" if kind.open else kind.color}
        keys.append(Line2D([], [], marker=kind.marker, mew=1.3, lw=1.5, label=wrapped(kind.words, _TITLE), **style))
    return keys if measure.margin is None else [*keys, margin_key(measure.margin)]
