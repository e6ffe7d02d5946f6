"""Figures of lesions and truncations: what is drawn in them, and what becomes of odd input."""

import re
from collections.abc import Callable
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis.figures import (
    DeletedBlocks,
    LearningCurves,
    OrderLosses,
    RandomLesions,
    TruncatedLosses,
    draw_by_size,
    draw_curves,
    draw_deletion,
    draw_truncation,
    render,
)

NAN, NONE = float("nan"), np.empty(0)


def deleted(label: str = "net", after: float = 0.2, blocks: int = 9, error: float = 0.1) -> DeletedBlocks:
    errors = np.full(blocks, after)
    return DeletedBlocks(label, error, errors, errors - 0.05, errors + 0.05, np.arange(blocks) == 3)


def lesions(label: str = "net", high: float = 0.5, at: tuple[float, ...] = (1, 2, 4), error: float = 0.1):
    median = np.linspace(0.2, high, len(at))
    return RandomLesions(label, error, np.array(at, dtype=float), 0.9 * median, median, np.minimum(1.1 * median, 0.9))


def orders(*losses: float) -> OrderLosses:
    values = np.array(losses)
    return OrderLosses(np.array([2.0**order for order in range(len(losses))]), values, 0.9 * values, 1.1 * values)


FULL: dict[str, Callable[[], Figure]] = {
    "deletion": lambda: draw_deletion([deleted("one"), deleted("other", 0.4), deleted("VGG", 0.8, 7)]),
    "by_size": lambda: draw_by_size([lesions(), lesions("VGG", 0.9)], [lesions(at=(0.9, 0.7, 0.5))]),
    "truncation": lambda: draw_truncation(
        [TruncatedLosses(name, 0.5, {"as trained": orders(4, 2, 0.5), "tuned": orders(1, 0.6, 0.4)}) for name in "abc"]
    ),
}
ODD: dict[str, Callable[[], Figure]] = {
    "deletion, nothing": lambda: draw_deletion([]),
    "deletion, no value": lambda: draw_deletion([deleted(after=NAN, error=NAN)]),
    "deletion, one block": lambda: draw_deletion([deleted(blocks=1)]),
    "deletion, no error": lambda: draw_deletion([deleted(after=0.0, error=0.0)]),
    "deletion, many": lambda: draw_deletion([deleted(f"net {number}", blocks=54) for number in range(15)]),
    "by_size, nothing": lambda: draw_by_size([], []),
    "by_size, no value": lambda: draw_by_size([lesions(high=NAN)], [RandomLesions("net", NAN, NONE, NONE, NONE, NONE)]),
    "by_size, one size": lambda: draw_by_size([lesions(at=(1,))], []),
    "by_size, many": lambda: draw_by_size([lesions(f"net {number}") for number in range(15)], []),
    "truncation, nothing": lambda: draw_truncation([]),
    "truncation, no value": lambda: draw_truncation([TruncatedLosses("net", NAN, {"as trained": orders(NAN, NAN)})]),
    "truncation, one order": lambda: draw_truncation([TruncatedLosses("net", 0.5, {"as trained": orders(0.5)})]),
    "truncation, zero": lambda: draw_truncation([TruncatedLosses("net", 0.0, {"as trained": orders(0.0, 1.0)})]),
}


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]


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
    figure = draw_deletion([*(deleted(f"net {number}") for number in range(6)), deleted("VGG", blocks=7)])
    keys = [[text.get_text() for text in legend.get_texts()] for axes in figure.axes if (legend := axes.get_legend())]
    assert [len(key) for key in keys] == [4, 2, 1]
    assert keys[2] == ["VGG: 10.0 % whole"]
    for axes in figure.axes:
        colors = [line.get_color() for line in axes.lines if len(np.asarray(line.get_xdata())) > 2]
        assert len(set(colors)) == len(colors)


def test_every_network_has_its_own_look_where_looks_come_again():
    plain = [deleted(f"net {number}") for number in range(3)]
    others = [deleted(f"VGG {number}", blocks=7) for number in range(4)]
    figure = draw_deletion([plain[0], *others, *plain[1:]])
    colors = [line.get_color() for line in figure.axes[0].lines if len(np.asarray(line.get_xdata())) > 2]
    assert len(colors) == len(set(colors)) == 3


def test_lines_begin_at_the_whole_network_and_end_at_the_most_that_was_done():
    figure = draw_by_size([lesions(at=(4, 1, 2))], [lesions(at=(0.5, 0.9, 0.7))])
    left, right = (axes.lines[-1] for axes in figure.axes)
    assert np.asarray(left.get_xdata()).tolist() == [0, 1, 2, 4]
    assert np.asarray(right.get_xdata()).tolist() == [1, 0.9, 0.7, 0.5]
    assert np.asarray(left.get_ydata())[0] == np.asarray(right.get_ydata())[0] == 10


@pytest.mark.parametrize(("after", "shown"), [(0.8, True), (0.2, False)])
def test_chance_is_drawn_where_errors_come_near(after, shown):
    figure = draw_deletion([deleted(after=after)])
    assert ("chance" in words(figure)) == shown
    assert (figure.axes[0].get_ylim()[1] == 100) == shown


def test_a_loss_that_no_log_axis_can_show_is_left_out_of_its_line():
    figure = draw_truncation([TruncatedLosses("net", 0.5, {"as trained": orders(NAN, 2.0, 0.5)})])
    assert np.asarray(figure.axes[0].lines[0].get_xdata()).tolist() == [2, 4]


@pytest.mark.parametrize(
    "figure",
    [
        lambda: draw_by_size([lesions()], []),
        lambda: draw_curves([LearningCurves("x", *(np.exp(-np.ones((2, 1)) * np.arange(5)) for _ in range(4)))]),
    ],
)
def test_a_band_without_width_at_its_start_is_filled_to_its_end(figure):
    """Its outline begins with one point twice, which a dot does too."""
    drawn = figure()
    bands = drawn.findobj(PolyCollection)
    outlines = re.findall(r'<path d="([^"]*z)"[^>]*fill-opacity', render(drawn).svg)
    assert len(outlines) >= len(bands) > 0
    assert not any("h0" in outline for outline in outlines)
