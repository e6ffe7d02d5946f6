"""Looks and keys of figures with a line a network."""

from collections.abc import Iterable, Sequence
from itertools import cycle, islice

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.legend import Legend

from analysis.figures.style import BLUE, GREEN, INK, MUTED, ORANGE, PURPLE, VERMILLION, Floats, Look

SERIES = (
    Look(BLUE, "o", "-"),
    Look(VERMILLION, "s", "--"),
    Look(GREEN, "^", "-."),
    Look(PURPLE, "D", ":"),
    Look(ORANGE, "v", "-"),
    Look(INK, "X", "--"),
)
"""Of networks, in the order given; the first two are those of sequential and parallel ones elsewhere."""
# Characters, of all the entries of a line of a legend.
_LINE = 92


def looks(count: int) -> list[Look]:
    """A look for each of so many series; they come again where there are many."""
    return list(islice(cycle(SERIES), count))


def percent_axis(axes: Axes, values: Iterable[Floats], chance: float) -> None:
    """Make y an error in per cent from 0, up to chance level at least where values come near, with a line there."""
    most = max((float(each[each == each].max(initial=0.0)) for each in values), default=0.0)
    top = 1.0 if most > 0.55 * chance else 1.25 * max(most, 0.02)
    axes.set_ylim(0, min(100 * top, 102 if top == 1.0 else 100))
    axes.set_ylabel("error (%)")
    axes.grid(axis="y")
    if top == 1.0:
        axes.axhline(100 * chance, color=MUTED, lw=0.9, ls=(0, (1, 1.5)), zorder=1)
        axes.text(
            0.995,
            100 * chance + 1.2,
            "chance",
            transform=axes.get_yaxis_transform(),
            ha="right",
            va="bottom",
            color=MUTED,
            fontsize=8,
        )


def legend_columns(labels: Sequence[str]) -> int:
    """How many of the labels stand beside each other in a legend as wide as a figure."""
    longest = max((len(label) for label in labels), default=1)
    return max(1, min(len(labels), _LINE // (longest + 8)))


def key_above(axes: Axes, handles: Sequence[Artist], labels: Sequence[str]) -> Legend:
    """A legend above the axes, flush left."""
    return axes.legend(
        list(handles),
        list(labels),
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.0),
        ncols=legend_columns(labels),
        borderaxespad=0.2,
        handlelength=2.4,
        columnspacing=1.6,
    )
