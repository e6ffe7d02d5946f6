"""The figures of lesions."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from analysis.figures import render
from analysis.figures.panels import Axis, Line, Panel, draw_panels, in_rows
from analysis.figures.style import Palette
from analysis.formats import percent
from analysis.questions.lesions.summary import LesionedNetwork
from analysis.report.content import Picture
from sweep.measures.lesions import DELETE_SOME, REORDER

# More lines than these hide each other: in a panel of single deletions, and in one of several.
_LINES, _SEVERAL = 4, 6
_ERROR = Axis("error, %", "percent")


def pictures(networks: Sequence[LesionedNetwork], palette: Palette) -> list[Picture]:
    """Single deletions, and lesions of several blocks where there are any."""
    drawn = [
        Picture(
            "deletion",
            render(draw_deletion(networks, palette)),
            "Error after deleting each block of trained networks, one line per network, and of the whole network.",
            "Nothing is trained after the deletion. Blocks are numbered from the first; means over seeds.",
        )
    ]
    if several := [each for each in networks if each.by_size]:
        caption = (
            "Means over seeds of the quartiles over a network's random draws. Right: draws of one number of swaps are "
            "one point, at their mean tau; only blocks of one shape are swapped."
        )
        alt = "Error by number of random blocks deleted, and by Kendall's tau of reordered blocks."
        drawn.append(Picture("lesion-sizes", render(draw_sizes(several, palette)), alt, caption))
    return drawn


def draw_deletion(networks: Sequence[LesionedNetwork], palette: Palette) -> Figure:
    """A panel for networks with the same blocks, with a line for each; the whole network's error is dashed."""
    alike: dict[bytes, list[LesionedNetwork]] = {}
    for each in networks:
        alike.setdefault(each.changes_shape.tobytes(), []).append(each)
    return draw_panels(
        "Error after deleting one block of the trained network",
        [[_deleted(some)] for members in alike.values() for some in in_rows(members, _LINES)],
        palette,
        band="lowest to highest seed",
        level="whole network",
        notes={"shaded": "block that changes the shape"},
        keys="row",
        names={each.label: f"{each.label}: {percent(each.mean('error'))} whole" for each in networks},
    )


def _deleted(networks: Sequence[LesionedNetwork]) -> Panel:
    first = networks[0]
    lines = [Line(each.label, np.arange(float(each.blocks)), *(100 * each.deleted.band)) for each in networks]
    levels = {each.label: 100 * each.mean("error") for each in networks}
    shaded = np.flatnonzero(first.changes_shape).tolist()
    axis = Axis("block deleted (first to last)", whole=True)
    return Panel(f"{first.blocks} blocks", axis, _ERROR, lines, levels, {}, shaded, 100 * first.chance)


def draw_sizes(networks: Sequence[LesionedNetwork], palette: Palette) -> Figure:
    """Deletions left, reorderings right; each network has a line in both, which begins at the whole network."""
    return draw_panels(
        "Error after lesions of several random blocks",
        [[_several(some, lesion) for lesion in (DELETE_SOME, REORDER)] for some in in_rows(networks, _SEVERAL)],
        palette,
        band="half of the draws (quartiles); lines are medians",
        keys="row",
    )


def _several(networks: Sequence[LesionedNetwork], lesion: str) -> Panel:
    swaps = lesion == REORDER
    label = "Kendall's tau of the blocks' order (1: untouched)" if swaps else "blocks deleted"
    lines: list[Line] = []
    for each in networks:
        if sizes := each.by_size.get(lesion):
            rows = [(of.kendall_tau if swaps else of.size, of.median, of.quartile_1, of.quartile_3) for of in sizes]
            whole = (1 if swaps else 0, *[each.mean("error")] * 3)
            x, median, low, high = np.array([whole, *sorted(rows, reverse=swaps)], dtype=float).T
            lines.append(Line(each.label, x, 100 * median, 100 * low, 100 * high))
    axis = Axis(label, whole=not swaps, falling=swaps)
    return Panel("", axis, _ERROR, lines, chance=100 * networks[0].chance, empty="not measured")
