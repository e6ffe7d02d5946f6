"""Looks and bands of lines that stand for networks or methods of training."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis.figures.style import BLUE, GROUPS, INK, MUTED, VERMILLION, Floats, Look

REFERENCES = {"plain": Look(INK, "o", "-"), "before training": Look(MUTED, "D", ":")}
"""Of what others are compared with, by name."""
# An architecture's colours come last: a figure with so many lines shows no architectures.
_LOOKS = (*GROUPS, Look(BLUE, "v", "-"), Look(VERMILLION, "P", "--"))


def look(place: int) -> Look:
    """The look of the line at a place, the first being 0."""
    return _LOOKS[place % len(_LOOKS)]


def draw_line(axes: Axes, x: Floats, band: tuple[Floats, Floats, Floats], style: Look, every: int = 1) -> None:
    """A line through the middle of (middle, low, high), each of (n,), in a band; a marker at every so many points."""
    middle, low, high = band
    axes.fill_between(x, low, high, facecolor=style.color, alpha=0.2, lw=0, zorder=2)
    axes.plot(x, middle, zorder=3, markevery=every, **line_style(style))


def line_style(style: Look, size: float = 4.5) -> dict[str, Any]:
    """Of a line with markers."""
    return {
        "color": style.color,
        "ls": style.line,
        "marker": style.marker,
        "ms": size,
        "mec": "white",
        "mew": 0.6,
    }


def key(style: Look, label: str) -> Line2D:
    """A line's entry in a legend."""
    return Line2D([], [], label=label, **line_style(style))


def key_columns(labels: Sequence[str]) -> int:
    """How many columns of labels a legend under a wide figure has room for."""
    longest = max(map(len, labels), default=0)
    return 3 if longest <= 28 else 2 if longest <= 52 else 1


def shortened(label: str, most: int = 96) -> str:
    """A label cut to what a legend holds."""
    return label if len(label) <= most else f"{label[: most - 1]}…"
