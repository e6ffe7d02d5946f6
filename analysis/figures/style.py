"""How every figure looks, and how one becomes files.

Colours are from the Okabe-Ito palette. Each also comes with a marker, a line style or a hatch of its own, so that no
figure needs its colours to be read.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.figures.svg import clean

Floats = NDArray[np.float64]

BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
INK, MUTED, FAINT, GRID, BAND = "#1a1a1a", "#595959", "#9a9a9a", "#e4e4e4", "#e2e2e2"

# Inches. A page shows an inch as 96 pixels.
WIDE, SQUARE = 7.8, 5.4
_PNG_DOTS = 2 * 96
_UNSAID = ("Date", "Creator", "Format", "Type")


@dataclass(frozen=True)
class Look:
    """Colour, marker and line style that stand for one thing in every figure."""

    color: str
    marker: str
    line: str


LOOKS = {
    "sequential": Look(BLUE, "o", "-"),
    "parallel": Look(VERMILLION, "s", "--"),
}
# For data sets, in the order given; no colour is an architecture's.
GROUPS = (
    Look(GREEN, "o", "-"),
    Look(PURPLE, "^", "--"),
    Look(ORANGE, "s", "-."),
    Look(SKY, "D", ":"),
)


@dataclass(frozen=True)
class Rendered:
    """A figure as an SVG element that stands alone or inside HTML, and as a PNG image."""

    svg: str
    png: bytes


_UNTOUCHED = ("backend", "backend_fallback", "interactive")
_TICKS = {"labelsize": 8.5, "color": MUTED, "labelcolor": INK, "minor.size": 0}
_SETTINGS: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "text.color": INK,
    # Names are the user's: a dollar sign is a dollar sign.
    "text.parse_math": False,
    **{f"{which}tick.{name}": value for which in "xy" for name, value in _TICKS.items()},
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.titlesize": 10.5,
    "figure.titleweight": "bold",
    "lines.linewidth": 1.4,
    "hatch.linewidth": 0.6,
    "svg.fonttype": "none",
    "svg.hashsalt": "deep-parallel-sweep",
}


@contextmanager
def styled() -> Iterator[None]:
    """Matplotlib's defaults under our settings, whatever the user's own are; a context or a decorator."""
    defaults: dict[Any, Any] = {
        name: value for name, value in matplotlib.rcParamsDefault.items() if name not in _UNTOUCHED
    }
    with matplotlib.rc_context(defaults | _SETTINGS):
        yield


@styled()
def render(figure: Figure) -> Rendered:
    """Draw a figure: a PNG of two dots a page's pixel, and an SVG. The same figure gives the same bytes.

    The layout is fixed from then on.
    """
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    vector, pixels = io.StringIO(), io.BytesIO()
    FigureCanvasAgg(figure).print_figure(
        pixels, format="png", dpi=_PNG_DOTS, facecolor="white", metadata={"Software": None}
    )
    FigureCanvasSVG(figure).print_figure(
        vector, format="svg", dpi=_PNG_DOTS, facecolor="white", metadata=dict.fromkeys(_UNSAID)
    )
    return Rendered(clean(vector.getvalue()), pixels.getvalue())
