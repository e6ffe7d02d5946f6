"""Ratios by stratum, as a forest plot."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.axes import margin_band, margin_key, ratio_axis, say_empty
from analysis.figures.style import BLUE, GREEN, MUTED, VERMILLION, WIDE, styled

Verdict = Literal["equivalent", "inside", "parallel", "sequential", "undecided"]


@dataclass(frozen=True)
class Stratum:
    """One row: a factor's level, its configurations, and parallel over sequential loss with an interval.

    The verdicts: equivalent; "inside", different but inside the margin; parallel or sequential better beyond it; or
    undecided. A ratio of NaN is written as a dash.
    """

    label: str
    configurations: int
    ratio: float
    low: float
    high: float
    verdict: Verdict


@dataclass(frozen=True)
class StratumGroup:
    """A factor and its levels."""

    factor: str
    rows: Sequence[Stratum]


# Marker, colour, inside of the marker, words.
_VERDICTS: dict[Verdict, tuple[str, str, str, str]] = {
    "equivalent": ("o", GREEN, GREEN, "equivalent"),
    "inside": ("o", GREEN, "white", "different, but inside the margin"),
    "parallel": ("<", VERMILLION, VERMILLION, "parallel better"),
    "sequential": (">", BLUE, BLUE, "sequential better"),
    "undecided": ("D", MUTED, "white", "undecided"),
}
# Inches.
_ROW, _TOP, _BOTTOM, _LEFT, _RIGHT = 0.205, 0.62, 1.12, 2.35, 1.5
# Characters.
_LONGEST = 27


@styled()
def draw_forest(
    groups: Sequence[StratumGroup],
    margin: float = 0.1,
    confidence: float = 0.9,
    limits: tuple[float, float] | None = None,
    loss: str = "validation loss",
) -> Figure:
    """A row a stratum under its factor's name; intervals that leave the axis end in an arrow.

    `limits` are ratios; by default they show every estimate and most intervals.
    """
    count = sum(len(group.rows) for group in groups) + 1.25 * len(groups)
    height = _TOP + _BOTTOM + _ROW * max(count, 2)
    figure = Figure(figsize=(WIDE, height))
    width = WIDE - _LEFT - _RIGHT
    axes = figure.add_axes((_LEFT / WIDE, _BOTTOM / height, width / WIDE, 1 - (_TOP + _BOTTOM) / height))
    figure.text(0.012, 1 - 0.1 / height, f"Ratio of {loss} by stratum", va="top", weight="bold", size=10.5)
    limits = limits or _limits(groups, margin)
    ratio_axis(axes, "x", limits)
    axes.set_ylim(max(count, 2) - 0.4, -0.6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(f"parallel / sequential {loss} (ratio, log scale)")
    margin_band(axes, "x", margin)
    _heads(axes, confidence)
    place = 0.0
    for group in groups:
        _text(axes, -_LEFT + 0.1, place, group.factor, weight="bold")
        for row in group.rows:
            place += 1
            _draw_row(axes, place, row, limits)
        place += 1.25
    if not count:
        say_empty(axes)
    _legend(figure, groups, margin, height)
    return figure


def _limits(groups: Sequence[StratumGroup], margin: float) -> tuple[float, float]:
    rows = np.array([(row.ratio, row.low, row.high) for group in groups for row in group.rows]).reshape(-1, 3)
    rows = rows[np.isfinite(rows).all(axis=1) & (np.nan_to_num(rows) > 0).all(axis=1)]
    reach = 1.7 * np.log1p(margin)
    if len(rows):
        ends = np.abs(np.log(rows[:, 1:]))
        reach = max(reach, 1.15 * np.abs(np.log(rows[:, 0])).max(), 1.08 * float(np.quantile(ends, 0.95)))
    reach = float(min(reach, np.log(10)))
    return float(np.exp(-reach)), float(np.exp(reach))


def _text(axes: Axes, inches: float, place: float, text: str, **style: Any) -> None:
    """Write at a row, so many inches right of the axis' left end."""
    width = axes.get_position().width * WIDE
    axes.text(inches / width, place, text, transform=axes.get_yaxis_transform(), va="center_baseline", **style)


def _fit(label: str) -> str:
    """A label cut to what its column holds."""
    return label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…"


def _heads(axes: Axes, confidence: float) -> None:
    width = WIDE - _LEFT - _RIGHT
    _text(axes, -0.18, -1, "n", ha="right", color=MUTED)
    _text(axes, width + _RIGHT - 0.1, -1, f"ratio [{100 * confidence:g} % interval]", ha="right", color=MUTED)
    _text(axes, 0, -1, "← parallel better", ha="left", color=MUTED)
    _text(axes, width, -1, "sequential better →", ha="right", color=MUTED)


def _draw_row(axes: Axes, place: float, row: Stratum, limits: tuple[float, float]) -> None:
    width = WIDE - _LEFT - _RIGHT
    _text(axes, -_LEFT + 0.25, place, _fit(row.label))
    _text(axes, -0.18, place, f"{row.configurations}", ha="right")
    known = bool(np.isfinite([row.ratio, row.low, row.high]).all())
    numbers = f"{row.ratio:.2f}" if np.isfinite(row.ratio) else "\N{EN DASH}"
    numbers += f" [{row.low:.2f}, {row.high:.2f}]" if known else ""
    _text(axes, width + _RIGHT - 0.1, place, numbers, ha="right")
    marker, color, inside, _ = _VERDICTS[row.verdict]
    if known:
        axes.plot(np.clip((row.low, row.high), *limits), (place, place), color=color, lw=1.5, zorder=2)
        for end, limit, arrow in ((row.low, limits[0], 4), (row.high, limits[1], 5)):
            if (end < limit) if arrow == 4 else (end > limit):
                axes.plot(limit, place, marker=arrow, color=color, ms=6, mew=0, clip_on=False, zorder=3)
    if limits[0] <= row.ratio <= limits[1]:
        axes.plot(row.ratio, place, marker=marker, color=color, mfc=inside, ms=6, mew=1.3, zorder=4)


def _legend(figure: Figure, groups: Sequence[StratumGroup], margin: float, height: float) -> None:
    there = {row.verdict for group in groups for row in group.rows}
    keys = [
        Line2D([], [], color=color, marker=marker, mfc=inside, mew=1.3, lw=1.5, label=words)
        for name, (marker, color, inside, words) in _VERDICTS.items()
        if name in there
    ]
    figure.legend(
        handles=[*keys, margin_key(margin)],
        loc="lower left",
        bbox_to_anchor=(0.005, 0.04 / height),
        ncols=3,
        columnspacing=1.6,
    )
