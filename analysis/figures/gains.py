"""What ways of training gain over others, as a forest plot of differences in error."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.figures.axes import say_empty
from analysis.figures.style import GREEN, INK, MUTED, PURPLE, WIDE, Look, styled


@dataclass(frozen=True)
class Difference:
    """First minus second, in percentage points of error, with a 95 % interval, over `seeds`; NaN where unknown."""

    estimate: float
    low: float
    high: float
    seeds: int


@dataclass(frozen=True)
class GainRow:
    """One comparison; `time` is None where nothing is compared at equal time, `against` is written under the label."""

    label: str
    steps: Difference
    time: Difference | None = None
    against: str = ""


@dataclass(frozen=True)
class GainGroup:
    """Comparisons under a heading."""

    title: str
    rows: Sequence[GainRow]


_STEPS, _TIME = Look(GREEN, "o", "-"), Look(PURPLE, "D", "-")
# Inches.
_ROW, _TOP, _BOTTOM, _LEFT, _RIGHT = 0.36, 0.62, 0.92, 2.75, 1.72
_APART = 0.2
# Characters.
_LONGEST = 38

# A heading may reach over the line at zero.
_BEHIND = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}


@styled()
def draw_gains(groups: Sequence[GainGroup]) -> Figure:
    """A row a comparison: equal optimiser steps above, equal time below; intervals off the axis end in an arrow."""
    count = sum(len(group.rows) + 0.95 for group in groups)
    height = _TOP + _BOTTOM + _ROW * max(count, 2)
    figure = Figure(figsize=(WIDE, height))
    width = WIDE - _LEFT - _RIGHT
    axes = figure.add_axes((_LEFT / WIDE, _BOTTOM / height, width / WIDE, 1 - (_TOP + _BOTTOM) / height))
    figure.text(0.012, 1 - 0.1 / height, "What dropping blocks gains", va="top", weight="bold", size=10.5)
    limit = _limit(groups)
    axes.set_xlim(-limit, limit)
    axes.set_ylim(max(count, 2) - 0.5, -0.45)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(6, symmetric=True))
    axes.axvline(0, color=INK, lw=0.8, zorder=0.6)
    axes.set_xlabel("difference in error (percentage points)")
    for inches, side, words in ((0, "left", "← lower error"), (width, "right", "higher error →")):
        _text(axes, inches, -0.75, words, ha=side, color=MUTED)
    _text(axes, width + _RIGHT - 0.1, -0.75, "points [95 %], seeds", ha="right", color=MUTED)
    place = 0.0
    for group in groups:
        _text(axes, -_LEFT + 0.1, place, _fit(group.title, 100), weight="bold", bbox=_BEHIND)
        for row in group.rows:
            place += 1
            _draw_row(axes, place - 0.05, row, limit)
        place += 0.95
    if not count:
        say_empty(axes)
    _legend(figure, groups, height)
    return figure


def _limit(groups: Sequence[GainGroup]) -> float:
    """Shows every estimate, and most intervals."""
    shown = [each for group in groups for row in group.rows for each in (row.steps, row.time) if each is not None]
    ends = np.abs([(each.low, each.high) for each in shown if np.isfinite(each.low)] or [[0.0]])
    estimates = np.abs([each.estimate for each in shown if np.isfinite(each.estimate)] or [0.0])
    widest = min(float(np.quantile(ends, 0.9)), 4 * float(np.median(ends)))
    reach = max(1.25 * float(estimates.max()), 1.08 * widest)
    return reach if reach > 0 else 1.0


def _text(axes: Axes, inches: float, place: float, text: str, **style: Any) -> None:
    """Write at a row, so many inches right of the axis' left end."""
    width = axes.get_position().width * WIDE
    axes.text(inches / width, place, text, transform=axes.get_yaxis_transform(), va="center_baseline", **style)


def _fit(label: str, most: int = _LONGEST) -> str:
    return label if len(label) <= most else f"{label[: most - 1]}…"


def _draw_row(axes: Axes, place: float, row: GainRow, limit: float) -> None:
    if row.against:
        _text(axes, -_LEFT + 0.25, place - _APART, _fit(row.label))
        _text(axes, -_LEFT + 0.25, place + _APART, _fit(f"against {row.against}"), color=MUTED, size=8)
    elif len(row.label) > _LONGEST:
        first, *others = wrap(row.label, _LONGEST)
        _text(axes, -_LEFT + 0.25, place - _APART, first)
        _text(axes, -_LEFT + 0.25, place + _APART, _fit(" ".join(others)))
    else:
        _text(axes, -_LEFT + 0.25, place, row.label)
    apart = _APART if row.time is not None else 0.0
    _draw_difference(axes, place - apart, row.steps, _STEPS, limit)
    if row.time is not None:
        _draw_difference(axes, place + apart, row.time, _TIME, limit)


def _draw_difference(axes: Axes, place: float, shown: Difference, look: Look, limit: float) -> None:
    width = WIDE - _LEFT - _RIGHT
    if not np.isfinite(shown.estimate):
        _text(axes, width + _RIGHT - 0.1, place, "\N{EN DASH}", ha="right", color=MUTED)
        return
    words = f"{shown.estimate:+.2f}"
    if np.isfinite(shown.low):
        words += f" [{shown.low:+.2f}, {shown.high:+.2f}]"
        axes.plot(np.clip((shown.low, shown.high), -limit, limit), (place, place), color=look.color, lw=1.5, zorder=2)
        for beyond, end, arrow in ((shown.low < -limit, -limit, 4), (shown.high > limit, limit, 5)):
            if beyond:
                axes.plot(end, place, marker=arrow, color=look.color, ms=6, mew=0, clip_on=False, zorder=3)
    axes.plot(shown.estimate, place, marker=look.marker, color=look.color, ms=5, mec="white", mew=0.6, zorder=4)
    _text(axes, width + _RIGHT - 0.1, place, f"{words}, {shown.seeds}", ha="right", size=8)


def _legend(figure: Figure, groups: Sequence[GainGroup], height: float) -> None:
    keys = [(_STEPS, "equal optimiser steps")]
    if any(row.time is not None for group in groups for row in group.rows):
        keys.append((_TIME, "equal training time, interpolated"))
    figure.legend(
        handles=[
            Line2D([], [], color=look.color, marker=look.marker, mec="white", mew=0.6, ms=5, lw=1.5, label=words)
            for look, words in keys
        ],
        loc="lower left",
        bbox_to_anchor=(0.005, 0.04 / height),
        ncols=2,
    )
