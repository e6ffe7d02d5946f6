"""Axes, ticks and marks that several figures share."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from analysis.figures.style import BAND, FAINT, MUTED, Floats

Which = Literal["x", "y"]

_RATIO_TICKS = (
    (0.96, 0.97, 0.98, 0.99, 1, 1.01, 1.02, 1.03, 1.04),
    (0.9, 0.92, 0.94, 0.96, 0.98, 1, 1.02, 1.04, 1.06, 1.08, 1.1),
    (0.8, 0.85, 0.9, 0.95, 1, 1.05, 1.1, 1.15, 1.2, 1.25),
    (0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6),
    (0.4, 0.5, 0.6, 0.8, 1, 1.25, 1.5, 2, 2.5),
    (0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5),
    (0.1, 0.2, 0.5, 1, 2, 5, 10),
)


def head(figure: Figure, title: str) -> None:
    """A figure's title, flush left."""
    figure.suptitle(title, x=0.012, ha="left")


def wrapped(text: str, width: int) -> str:
    """A text in lines of so many characters, broken between words."""
    return "\n".join(part for line in text.splitlines() for part in wrap(line, width, break_on_hyphens=False))


def legend_columns(keys: Sequence[Artist]) -> int:
    """How many keys stand beside each other in a legend as wide as a figure."""
    return max(1, min(4, 108 // (max((len(str(key.get_label())) for key in keys), default=1) + 8)))


def legend_lines(keys: Sequence[Artist]) -> int:
    """How many lines of text a legend of these keys takes."""
    columns, lines = legend_columns(keys), [1 + str(key.get_label()).count("\n") for key in keys]
    return max(sum(lines[start::columns]) for start in range(columns))


def drawable(*columns: Floats) -> NDArray[np.bool_]:
    """Which positions of the columns, each of (n,), a log axis can show in all of them."""
    keep = np.ones(len(columns[0]), dtype=bool)
    for column in columns:
        keep &= np.isfinite(column) & (np.nan_to_num(column) > 0)
    return keep


def span(values: Floats, room: float = 0.06) -> tuple[float, float]:
    """Limits of a log axis that show all values with some room; a decade around 1 where there are none."""
    values = values[drawable(values)]
    if not len(values):
        return 10**-0.5, 10**0.5
    low, high = float(np.log(values.min())), float(np.log(values.max()))
    pad = max(room * (high - low), 0.03)
    return float(np.exp(low - pad)), float(np.exp(high + pad))


def log_axis(axes: Axes, which: Which, limits: tuple[float, float], most: int = 7) -> None:
    """Make an axis logarithmic, with plain numbers at no more than `most` round places."""
    set_scale(axes, which, limits, _round_places(*limits, most))


def ratio_axis(axes: Axes, which: Which, limits: tuple[float, float], most: int = 9) -> None:
    """Make an axis logarithmic, with ticks at ratios on both sides of 1."""
    for level in _RATIO_TICKS:
        inside = [place for place in level if limits[0] <= place <= limits[1]]
        if len(inside) <= most and (len(inside) < len(level) or level is _RATIO_TICKS[-1]):
            break
    else:
        inside = list(_RATIO_TICKS[-1])
    set_scale(axes, which, limits, inside if len(inside) > 1 else _round_places(*limits, most))


def set_scale(axes: Axes, which: Which, limits: tuple[float, float], places: Sequence[float]) -> None:
    """Make an axis logarithmic, with ticks at these places."""
    axes.set(**{f"{which}scale": "log", f"{which}lim": limits})
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator(list(places)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FixedFormatter(_written(places)))


def _written(places: Sequence[float]) -> list[str]:
    """The texts of ticks: all as plain numbers, or all with a power of ten where one needs it."""
    texts = [f"{place:g}" for place in places]
    if any("e" in text for text in texts):
        texts = [np.format_float_scientific(place, precision=5, trim="-", exp_digits=1) for place in places]
    return texts


def _round_places(low: float, high: float, most: int) -> list[float]:
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for mantissas in ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        places = [float(f"{m}e{decade}") for decade in decades for m in mantissas]
        places = [place for place in places if low <= place <= high]
        if len(places) <= most:
            break
    else:
        places = places[:: -(-len(places) // most)]
    if len(places) > 2:
        return places
    linear = MaxNLocator(most - 1, steps=[1, 2, 5, 10]).tick_values(low, high)
    return [place for place in linear if low <= place <= high and place > 0]


def margin_key(margin: float) -> Patch:
    """The margin's entry in a legend."""
    return Patch(facecolor=BAND, edgecolor=FAINT, linestyle=(0, (2, 2)), linewidth=0.7, label=margin_text(margin))


def margin_text(margin: float) -> str:
    """The margin in words: a ratio of two values, either way."""
    return f"equivalence margin, {100 * margin:g} % either way"


def say_empty(axes: Axes, text: str = "no data") -> None:
    """Say that there is nothing to see."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=MUTED)
