"""Figures of lesions: what is drawn in them, and what becomes of odd input."""

import re
from collections.abc import Callable
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis.equivalence.mean import Estimate
from analysis.figures import render
from analysis.figures.style import Palette
from analysis.measurements import Measured
from analysis.questions.lesions.pictures import draw_deletion, draw_sizes
from analysis.questions.lesions.summary import QUANTITIES, LesionedNetwork, Sized
from analysis.seeds import over_seeds

NAN = float("nan")


def network(label: str = "net", after: float = 0.2, blocks: int = 9, error: float = 0.1, **by_size) -> LesionedNetwork:
    errors = after + np.array([[-0.05], [0.05]]) * np.ones(blocks)
    return LesionedNetwork(
        label=label,
        network=label,
        method="plain",
        seeds=(Measured({"classes": 10}, {}),) * 2,
        lacking=0,
        changes_shape=np.arange(blocks) == 3,
        stage=np.arange(blocks),
        deleted=over_seeds(errors),
        values={name: np.full(2, error) for name in QUANTITIES},
        by_size={name.replace("_", "-"): sizes for name, sizes in by_size.items()},
    )


def sizes(high: float = 0.5, at: tuple[float, ...] = (1, 2, 4), tau: tuple[float, ...] | None = None) -> list[Sized]:
    medians = np.linspace(0.2, high, len(at)).tolist()
    taus = [NAN] * len(at) if tau is None else tau
    return [
        Sized("any", int(size), order, 1, 5, Estimate(median), 0.9 * median, median, min(1.1 * median, 0.9))
        for size, order, median in zip(at, taus, medians, strict=True)
    ]


def deletion(*networks: LesionedNetwork) -> Figure:
    return draw_deletion(networks, Palette())


def several(*networks: LesionedNetwork) -> Figure:
    return draw_sizes(networks, Palette())


SWAPPED = sizes(at=(1, 2, 3), tau=(0.9, 0.7, 0.5))
FULL: dict[str, Callable[[], Figure]] = {
    "deletion": lambda: deletion(network("one"), network("other", 0.4), network("VGG", 0.8, 7)),
    "sizes": lambda: several(network(delete_some=sizes(), reorder=SWAPPED), network("VGG", delete_some=sizes(0.9))),
}
ODD: dict[str, Callable[[], Figure]] = {
    "deletion, nothing": lambda: deletion(),
    "deletion, no value": lambda: deletion(network(after=NAN, error=NAN)),
    "deletion, one block": lambda: deletion(network(blocks=1)),
    "deletion, no error": lambda: deletion(network(after=0.0, error=0.0)),
    "deletion, many": lambda: deletion(*(network(f"net {number}", blocks=54) for number in range(15))),
    "sizes, nothing": lambda: several(),
    "sizes, no value": lambda: several(network(error=NAN, delete_some=sizes(NAN), reorder=sizes(at=(), tau=()))),
    "sizes, one size": lambda: several(network(delete_some=sizes(at=(1,)))),
    "sizes, many": lambda: several(*(network(f"net {number}", delete_some=sizes()) for number in range(15))),
}


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]


def colors(figure: Figure, panel: int) -> list[object]:
    return [line.get_color() for line in figure.axes[panel].lines if len(np.asarray(line.get_xdata())) > 2]


@pytest.mark.parametrize("name", FULL)
def test_files_are_the_same_each_time_and_well_formed(name):
    drawn = render(FULL[name]())
    assert drawn == render(FULL[name]())
    ids = [element.get("id") for element in ElementTree.fromstring(drawn.svg).iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert len(drawn.svg) < 100_000


@pytest.mark.parametrize("name", ODD)
def test_odd_input_is_drawn_without_a_warning(name):
    ODD[name]().draw_without_rendering()


def test_networks_of_the_same_blocks_share_a_panel_up_to_four_of_them():
    figure = deletion(*(network(f"net {number}") for number in range(6)), network("VGG", blocks=7))
    assert [len(colors(figure, panel)) for panel in range(3)] == [4, 2, 1]
    assert all(len(set(colors(figure, panel))) == len(colors(figure, panel)) for panel in range(3))
    keys = [[text.get_text() for text in legend.get_texts()] for part in figure.subfigs for legend in part.legends]
    assert [len(key) for key in keys] == [4, 2, 1]
    assert keys[2] == ["VGG: 10.0 % whole"]


def test_every_network_has_its_own_look_where_looks_come_again():
    plain = [network(f"net {number}") for number in range(3)]
    figure = deletion(plain[0], *(network(f"VGG {number}", blocks=7) for number in range(4)), *plain[1:])
    assert len(colors(figure, 0)) == len(set(colors(figure, 0))) == 3


def test_lines_begin_at_the_whole_network_and_end_at_the_most_that_was_done():
    figure = several(network(delete_some=sizes(at=(1, 2, 4)), reorder=sizes(at=(1, 2, 3), tau=(0.5, 0.9, 0.7))))
    left, right = (axes.lines[0] for axes in figure.axes)
    assert np.asarray(left.get_xdata()).tolist() == [0, 1, 2, 4]
    assert np.asarray(right.get_xdata()).tolist() == [1, 0.9, 0.7, 0.5]
    assert np.asarray(left.get_ydata())[0] == np.asarray(right.get_ydata())[0] == 10
    assert figure.axes[1].xaxis_inverted()


@pytest.mark.parametrize(("after", "shown"), [(0.8, True), (0.2, False)])
def test_chance_is_drawn_where_errors_come_near(after, shown):
    figure = deletion(network(after=after))
    assert ("chance" in words(figure)) == shown
    assert (figure.axes[0].get_ylim()[1] >= 100) == shown


def test_a_band_without_width_at_its_start_is_filled_to_its_end():
    """Its outline begins with one point twice, which a dot does too."""
    figure = several(network(delete_some=sizes()))
    bands = figure.findobj(PolyCollection)
    outlines = re.findall(r'<path d="([^"]*z)"[^>]*fill-opacity', render(figure).svg)
    assert len(outlines) >= len(bands) > 0
    assert not any("h0" in outline for outline in outlines)
