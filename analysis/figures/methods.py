"""Ways of training against each other: error by time, by lesion, and by depth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.figures.axes import drawable, head, log_axis, say_empty, span
from analysis.figures.lines import REFERENCES, draw_line, key, key_columns, look, shortened
from analysis.figures.style import WIDE, Floats, Look, styled

_COLUMNS = 2
# With more points than this a line has a marker at some of them only.
_MARKED = 12


@dataclass(frozen=True)
class MethodLine:
    """One way of training; arrays of (points,): x, and y as middle, low and high."""

    label: str
    x: Floats
    y: tuple[Floats, Floats, Floats]


@dataclass(frozen=True)
class MethodPanel:
    """Ways of training under the same conditions; those named in `REFERENCES` look the same in every figure."""

    title: str
    lines: Sequence[MethodLine]
    y_label: str = ""


@styled()
def draw_by_time(panels: Sequence[MethodPanel]) -> Figure:
    """Error in per cent against seconds of training on a log scale, a panel a network."""
    return _draw(panels, "Error by training time", "seconds of training", "error (%)", log_x=True)


@styled()
def draw_by_lesion(panels: Sequence[MethodPanel]) -> Figure:
    """Error in per cent against the number of blocks deleted, a panel a network."""
    return _draw(panels, "Error after deleting blocks", "blocks deleted", "error (%)")


@styled()
def draw_by_state(panels: Sequence[MethodPanel]) -> Figure:
    """What is measured between each state of a network and the next, a panel a measure."""
    return _draw(panels, "Each state of the network and the next", "state", "")


def _draw(panels: Sequence[MethodPanel], title: str, x_label: str, y_label: str, log_x: bool = False) -> Figure:
    names = list(dict.fromkeys(line.label for panel in panels for line in panel.lines))
    looks = _looks(names)
    columns = min(max(len(panels), 1), _COLUMNS)
    rows = -(-len(panels) // columns) or 1
    ncols = key_columns(names)
    size = (WIDE if columns > 1 else 0.72 * WIDE, 0.55 + 2.6 * rows + 0.2 * -(-len(names) // ncols))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    head(figure, title)
    for place, axes in enumerate(grid.flat):
        if place >= len(panels):
            say_empty(axes) if not panels else axes.set_axis_off()
            continue
        panel = panels[place]
        axes.set_title(_wrapped(panel.title))
        axes.set_xlabel(x_label)
        axes.set_ylabel(panel.y_label or y_label)
        _draw_panel(axes, panel, looks, log_x)
    figure.legend(handles=[key(looks[name], shortened(name)) for name in names], loc="outside lower left", ncols=ncols)
    return figure


def _looks(names: Sequence[str]) -> dict[str, Look]:
    others = [name for name in names if name not in REFERENCES]
    return REFERENCES | {name: look(place) for place, name in enumerate(others)}


def _draw_panel(axes: Axes, panel: MethodPanel, looks: dict[str, Look], log_x: bool) -> None:
    for line in panel.lines:
        draw_line(axes, line.x, line.y, looks[line.label], max(1, -(-len(line.x) // _MARKED)))
    x = np.concatenate([np.empty(0), *(line.x for line in panel.lines)])
    if log_x:
        log_axis(axes, "x", span(x[drawable(x)], room=0.08), most=6)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))


def _wrapped(title: str, most: int = 46) -> str:
    """A title on two lines at most, broken behind a comma."""
    if len(title) <= most:
        return title
    cut = title.rfind(", ", 0, most) + 1 or most
    first, rest = title[:cut], title[cut:].strip()
    return f"{first}\n{shortened(rest, most)}"
