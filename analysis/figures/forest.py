"""Estimates with their intervals, a row each, as a forest plot."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.figures.axes import margin_band, margin_key, ratio_axis, say_empty
from analysis.figures.style import INK, MUTED, WIDE, styled
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
    """A label with a mark, or several below each other; `under` is a second line of the label, `count` a number."""

    label: str
    marks: Sequence[Mark]
    under: str = ""
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
_ROW, _TOP, _BOTTOM, _LEFT, _RIGHT, _UNDER = 0.205, 0.62, 1.12, 2.55, 1.75, 0.16
_WIDTH = WIDE - _LEFT - _RIGHT
# Characters.
_LONGEST = 34
_BEHIND = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}


@styled()
def draw_forest(title: str, groups: Sequence[Group], measure: Measure) -> Figure:
    """A row an estimate under its group's title; intervals that leave the axis end in an arrow."""
    count = sum(_height(row) for group in groups for row in group.rows) + 1.25 * len(groups)
    height = _TOP + _BOTTOM + _ROW * max(count, 2)
    figure = Figure(figsize=(WIDE, height))
    axes = figure.add_axes((_LEFT / WIDE, _BOTTOM / height, _WIDTH / WIDE, 1 - (_TOP + _BOTTOM) / height))
    figure.text(0.012, 1 - 0.1 / height, title, va="top", weight="bold", size=10.5)
    limits = _axis(axes, groups, measure)
    axes.set_ylim(max(count, 2) - 0.4, -0.6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(measure.label)
    place = 0.0
    for group in groups:
        _text(axes, -_LEFT + 0.1, place, _fit(group.title, 110), weight="bold", bbox=_BEHIND)
        place += 1
        for row in group.rows:
            _draw_row(axes, place, row, limits)
            place += _height(row)
        place += 0.25
    if not count:
        say_empty(axes)
    _legend(figure, groups, measure, height)
    return figure


def _height(row: Row) -> float:
    """In rows of one line."""
    return 1.0 if len(row.marks) < 2 and not row.under and len(row.label) <= _LONGEST else 1.8


def _axis(axes: Axes, groups: Sequence[Group], measure: Measure) -> tuple[float, float]:
    """Scale and heads; the limits show every estimate and most intervals."""
    marks = [mark for group in groups for row in group.rows for mark in row.marks]
    values = np.array([(mark.estimate, mark.low, mark.high) for mark in marks], float).reshape(-1, 3)
    ratio = measure.margin is not None
    if ratio:
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.log(np.where(values > 0, values, np.nan))
    values = np.abs(values[np.isfinite(values).all(axis=1)])
    reach = 1.7 * np.log1p(measure.margin) if measure.margin is not None else 0.0
    if len(values):
        ends = values[:, 1:]
        widest = min(float(np.quantile(ends, 0.95)), 4 * float(np.median(ends)))
        reach = max(reach, 1.15 * float(values[:, 0].max()), 1.08 * widest)
    for inches, words, side in (
        (-0.18, measure.count, "right"),
        (_WIDTH + _RIGHT - 0.1, measure.text, "right"),
        (0, f"← {measure.below}", "left"),
        (_WIDTH, f"{measure.above} →", "right"),
    ):
        axes.text(
            inches / _WIDTH, -1, words, transform=axes.get_yaxis_transform(), va="center_baseline", ha=side, color=MUTED
        )
    if measure.margin is not None:
        reach = float(min(reach, np.log(10)))
        limits = float(np.exp(-reach)), float(np.exp(reach))
        ratio_axis(axes, "x", limits)
        margin_band(axes, "x", measure.margin)
        return limits
    reach = float(reach) or 1.0
    axes.set_xlim(-reach, reach)
    axes.xaxis.set_major_locator(MaxNLocator(6, symmetric=True))
    axes.axvline(0, color=INK, lw=0.8, zorder=0.6)
    return -reach, reach


def _text(axes: Axes, inches: float, place: float, text: str, **style: Any) -> None:
    """Write at a row, so many inches right of the axis' left end."""
    axes.text(inches / _WIDTH, place, text, transform=axes.get_yaxis_transform(), va="center_baseline", **style)


def _fit(label: str, most: int = _LONGEST) -> str:
    return label if len(label) <= most else f"{label[: most - 1]}…"


def _draw_row(axes: Axes, place: float, row: Row, limits: tuple[float, float]) -> None:
    first, *rest = wrap(row.label, _LONGEST) or [""]
    under = row.under or " ".join(rest)
    lines = [row.label if row.under else first, under] if under else [first]
    for number, line in enumerate(lines):
        style = {"color": MUTED, "size": 8} if number and row.under else {}
        _text(axes, -_LEFT + 0.25, place + 0.8 * number, _fit(line), **style)
    _text(axes, -0.18, place, row.count, ha="right")
    for number, mark in enumerate(row.marks):
        _draw_mark(axes, place + 0.8 * number, mark, limits, f"{row.label}{f', {row.under}' if row.under else ''}")


def _draw_mark(axes: Axes, place: float, mark: Mark, limits: tuple[float, float], label: str) -> None:
    _text(axes, _WIDTH + _RIGHT - 0.1, place, mark.text, ha="right")
    color = mark.kind.color
    if np.isfinite([mark.estimate, mark.low, mark.high]).all():
        axes.plot(np.clip((mark.low, mark.high), *limits), (place, place), color=color, lw=1.5, zorder=2)
        for beyond, limit, arrow in ((mark.low < limits[0], limits[0], 4), (mark.high > limits[1], limits[1], 5)):
            if beyond:
                axes.plot(limit, place, marker=arrow, color=color, ms=6, mew=0, clip_on=False, zorder=3)
    if limits[0] <= mark.estimate <= limits[1]:
        inside = "white" if mark.kind.open else color
        style = {"marker": mark.kind.marker, "color": color, "mfc": inside, "ms": 6, "mew": 1.3, "ls": "none"}
        axes.plot([mark.estimate], [place], zorder=4, gid=tips_id([f"{label}: {mark.text}"]), **style)


def _legend(figure: Figure, groups: Sequence[Group], measure: Measure, height: float) -> None:
    kinds = dict.fromkeys(mark.kind for group in groups for row in group.rows for mark in row.marks)
    keys: list[Any] = [
        Line2D(
            [],
            [],
            color=kind.color,
            marker=kind.marker,
            mfc="white" if kind.open else kind.color,
            mew=1.3,
            lw=1.5,
            label=kind.words,
        )
        for kind in kinds
    ]
    if measure.margin is not None:
        keys.append(margin_key(measure.margin))
    if keys:
        place = {"loc": "lower left", "bbox_to_anchor": (0.005, 0.04 / height)}
        figure.legend(handles=keys, ncols=3, columnspacing=1.6, **place)
