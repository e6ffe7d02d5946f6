"""Figures of truncations: what is drawn in them, and what becomes of odd input."""

import re
from collections.abc import Callable
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from analysis.figures import (
    LearningCurves,
    OrderLosses,
    TruncatedLosses,
    draw_curves,
    draw_truncation,
    render,
)

NAN = float("nan")


def orders(*losses: float) -> OrderLosses:
    values = np.array(losses)
    return OrderLosses(np.array([2.0**order for order in range(len(losses))]), values, 0.9 * values, 1.1 * values)


FULL: dict[str, Callable[[], Figure]] = {
    "truncation": lambda: draw_truncation(
        [TruncatedLosses(name, 0.5, {"as trained": orders(4, 2, 0.5), "tuned": orders(1, 0.6, 0.4)}) for name in "abc"]
    ),
}
ODD: dict[str, Callable[[], Figure]] = {
    "truncation, nothing": lambda: draw_truncation([]),
    "truncation, no value": lambda: draw_truncation([TruncatedLosses("net", NAN, {"as trained": orders(NAN, NAN)})]),
    "truncation, one order": lambda: draw_truncation([TruncatedLosses("net", 0.5, {"as trained": orders(0.5)})]),
    "truncation, zero": lambda: draw_truncation([TruncatedLosses("net", 0.0, {"as trained": orders(0.0, 1.0)})]),
}


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


def test_a_loss_that_no_log_axis_can_show_is_left_out_of_its_line():
    figure = draw_truncation([TruncatedLosses("net", 0.5, {"as trained": orders(NAN, 2.0, 0.5)})])
    assert np.asarray(figure.axes[0].lines[0].get_xdata()).tolist() == [2, 4]


@pytest.mark.parametrize(
    "figure",
    [
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
