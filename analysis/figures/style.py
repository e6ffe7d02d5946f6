"""How every figure looks, and how one becomes files.

Colours are from the Okabe-Ito palette, and wine is Paul Tol's. Each also comes with a marker, a line style or a hatch
of its own, so that no figure needs its colours to be read.
"""

import io
from collections.abc import Collection, Iterable, Iterator, Mapping
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
WINE = "#882255"
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


# Ink is a reference's alone.
_COLORS, _MARKERS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, WINE), ("o", "s", "^", "D", "v", "P", "X")
_LINES = ("-", "--", "-.", ":")
# The second time that a colour comes, it comes with the next marker, and so on.
_SERIES = [
    Look(color, _MARKERS[(place + again) % 7], _LINES[(place + again) % 4])
    for again in range(7)
    for place, color in enumerate(_COLORS)
]
_REFERENCES = {
    **LOOKS,
    **{f"{side}, published": Look(look.color, look.marker, ":") for side, look in LOOKS.items()},
    "plain": Look(INK, "o", "-"),
    "before training": Look(MUTED, "D", ":"),
    "shape of the bound": Look(MUTED, "", ":"),
    "seconds": Look(INK, "D", "-"),
    "FLOPs": Look(MUTED, "X", ":"),
}
"""What others are compared with, by name, the two architectures, and their ratios of costs. A bound has no points."""


class Palette:
    """Gives each label its look when it is first asked for, and that look again from then on."""

    def __init__(self) -> None:
        self._looks: dict[str, Look] = {}
        self._same: dict[str, str] = {}

    def liken(self, labels: Mapping[str, str]) -> None:
        """Give each label the look of another, as a network that of its method."""
        self._same |= labels

    def __getitem__(self, label: str) -> Look:
        name = self._same.get(label, label)
        if name in _REFERENCES:
            return _REFERENCES[name]
        return self._looks.setdefault(name, _SERIES[len(self._looks) % len(_SERIES)])

    def apart(self, labels: Iterable[str]) -> dict[str, Look]:
        """The looks of labels that stand in one panel: each another, of another colour while there are enough.

        References keep theirs, and what has the look of one comes next.
        """
        own = {label: self[label] for label in labels}
        chosen = {label: look for label, look in own.items() if label in _REFERENCES}
        others = [label for label in own if label not in chosen]
        for label in sorted(others, key=lambda label: self._same.get(label) not in _REFERENCES):
            chosen[label] = _free(own[label], list(chosen.values()), {look.color for look in own.values()})
        return {label: chosen[label] for label in own}


def _free(look: Look, taken: Collection[Look], wanted: Collection[str]) -> Look:
    """The look if its colour is free; else one whose colour is, better one that no other label wants."""
    colors = {each.color for each in taken}
    if look.color not in colors:
        return look
    other = sorted((each for each in _SERIES if each.color not in colors), key=lambda each: each.color in wanted)
    return next((each for each in (*other, look, *_SERIES) if each not in taken), look)


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
