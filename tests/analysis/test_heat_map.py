"""Heat maps: numbers and frames of ratios, shades of values, and odd input."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis.figures import render
from analysis.figures.heat_map import HeatMap, Shades, draw_heat_maps

NAN = float("nan")
RATIOS, VALUES = Shades("parallel / sequential loss (ratio)", 0.1), Shades("CKA")
GAPS = np.array([[NAN, 0.0], [np.inf, -1.0]])


def heat_map(values: np.ndarray, title: str = "mnist") -> HeatMap:
    rows, columns = ([2**place for place in range(count)] for count in values.shape)
    return HeatMap(title, values, "filters (channels)", "depth (residual blocks)", columns, rows)


def states(values: np.ndarray) -> HeatMap:
    return HeatMap("plain", values, "state", "state")


def words(figure: Figure) -> list[str]:
    """Every text of a figure."""
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]


def frames(figure: Figure) -> int:
    return sum(not patch.get_fill() for patch in figure.axes[0].patches)


def test_heat_map_frames_what_is_beyond_the_margin_and_dashes_what_is_missing() -> None:
    ratio = np.array([[1.0, 1.09, 1.11], [0.92, 0.9, NAN]])
    figure = draw_heat_maps("Ratios", [heat_map(ratio)], RATIOS)
    assert frames(figure) == 2
    found = words(figure)
    assert {"1.00", "1.09", "1.11", "0.92", "0.90", "\N{EN DASH}"} <= set(found)
    assert any("framed: beyond the margin of 10 % either way" in text for text in found)


def test_the_first_row_is_at_the_bottom_and_has_its_labels() -> None:
    figure = draw_heat_maps("Ratios", [heat_map(np.array([[1.0, 1.25], [0.8, NAN]]))], RATIOS)
    at = {text.get_text(): text.get_position() for text in figure.axes[0].texts}
    assert at == {"1.00": (0, 0), "1.25": (1, 0), "0.80": (0, 1), "\N{EN DASH}": (1, 1)}
    low, high = figure.axes[0].get_ylim()
    assert low < high
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["1", "2"]


def test_values_have_no_numbers_and_are_grey_where_they_are_not_defined() -> None:
    figure = draw_heat_maps("Similarity", [states(np.array([[1.0, NAN], [0.0, 1.0]]))], VALUES)
    figure.draw_without_rendering()
    (mesh,) = figure.axes[0].findobj(QuadMesh)
    assert isinstance(mesh, QuadMesh)
    colors = np.asarray(mesh.get_facecolor())
    assert colors[1] == pytest.approx([217 / 255] * 3 + [1])
    assert colors[0] == pytest.approx(colors[3])
    assert colors[2] == pytest.approx([1] * 4)
    assert frames(figure) == 0
    assert not figure.axes[0].texts


@pytest.mark.parametrize("shades", [RATIOS, VALUES])
@pytest.mark.parametrize(
    "maps",
    [
        [],
        [heat_map(np.empty((0, 0)))],
        [heat_map(GAPS)],
        [states(GAPS)],
        [heat_map(np.ones((1, 1)), name) for name in "abcd"],
    ],
    ids=["nothing", "no cell", "no value", "no value, numbered", "four"],
)
def test_odd_input_is_drawn_without_a_warning(maps: list[HeatMap], shades: Shades) -> None:
    draw_heat_maps("A title", maps, shades).draw_without_rendering()


@pytest.mark.parametrize(("shades", "columns"), [(RATIOS, 2), (VALUES, 3)])
def test_maps_stand_in_rows(shades: Shades, columns: int) -> None:
    figure = draw_heat_maps("A title", [heat_map(np.ones((2, 2)), name) for name in "abcd"], shades)
    seen = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert len({axes.get_position().y0 for axes in seen}) == 2
    assert [bool(axes.get_ylabel()) for axes in seen] == [place % columns == 0 for place in range(4)]


@pytest.mark.parametrize("shades", [RATIOS, VALUES])
def test_files_are_the_same_each_time_and_point_nowhere(shades: Shades) -> None:
    maps = [heat_map(np.array([[0.5, 0.9, NAN], [1.0, 1.2, 0.7]]), name) for name in ("<b> & $x$", "after training")]
    figure = draw_heat_maps("A title", maps, shades)
    drawn = render(figure)
    assert drawn == render(draw_heat_maps("A title", maps, shades))
    root = ElementTree.fromstring(drawn.svg)
    assert any("<b> & $x$" in (each.text or "") for each in root.iter("{http://www.w3.org/2000/svg}text"))
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', drawn.svg)) == set(ids)


def test_long_titles_are_wrapped() -> None:
    title = "after training:\nresidual-droppath 0.5, drop per sample, rescale at the end"
    figure = draw_heat_maps("Similarity of states, " + "a long name, " * 9, [states(np.eye(2))] * 3, VALUES)
    assert "\n" in figure.get_suptitle()
    shown = draw_heat_maps("A title", [HeatMap(title, np.eye(2), "state", "state")] * 3, VALUES).axes[0]
    assert max(map(len, shown.get_title(loc="left").splitlines())) <= 30


@pytest.mark.parametrize("shades", [RATIOS, VALUES])
def test_many_maps_do_not_run_into_each_other_or_the_title(shades: Shades) -> None:
    title = "after training:\nresidual-droppath 0.15, retrain steps 1"
    figure = draw_heat_maps("A title", [heat_map(np.eye(4), title)] * 20, shades)
    figure.draw_without_rendering()
    (heading,) = figure.texts
    boxes = [axes.get_tightbbox() for axes in figure.axes if axes.axison]
    taken = [box for box in (heading.get_window_extent(), *boxes) if box is not None]
    assert len(taken) == 22
    assert not any(one.overlaps(other) for place, one in enumerate(taken) for other in taken[:place])


def test_signed_values_are_white_at_zero_and_apart_on_both_sides() -> None:
    values = np.array([[-2.0, 0.0, 2.0, NAN, -9.0, 9.0]])
    figure = draw_heat_maps("Signed", [states(values)], Shades("log2", signed=True))
    figure.draw_without_rendering()
    (mesh,) = figure.axes[0].findobj(QuadMesh)
    assert isinstance(mesh, QuadMesh)
    low, zero, high, unknown, least, most = np.asarray(mesh.get_facecolor())
    assert zero == pytest.approx([1, 1, 1, 1], abs=0.02)
    assert unknown == pytest.approx([217 / 255] * 3 + [1])
    assert len({tuple(each.round(3)) for each in (low, high, least, most)}) == 4
    # Beyond a factor of eight either way the shade stays.
    assert mesh.norm.vmin == -3
    assert mesh.norm.vmax == 3
    small = draw_heat_maps("Signed", [states(np.array([[0.01]]))], Shades("log2", signed=True)).axes[0]
    (mesh,) = small.findobj(QuadMesh)
    assert isinstance(mesh, QuadMesh)
    assert mesh.norm.vmax == 0.1


def test_many_labels_of_values_are_thinned() -> None:
    drawn = draw_heat_maps("Signed", [HeatMap("net", np.ones((2, 31)), "epoch", "stage", range(0, 301, 10))], VALUES)
    labels = [label.get_text() for label in drawn.axes[0].get_xticklabels()]
    assert labels == ["0", "60", "120", "180", "240", "300"]
    uneven = draw_heat_maps("Signed", [HeatMap("net", np.ones((2, 13)), "epoch", "stage", range(13))], VALUES)
    assert [label.get_text() for label in uneven.axes[0].get_xticklabels()] == ["0", "3", "6", "9", "12"]


@pytest.mark.parametrize("shades", [RATIOS, VALUES])
@pytest.mark.parametrize("shape", [(1, 3), (3, 1), (1, 1)])
def test_a_single_row_or_column_has_its_extent(shades: Shades, shape: tuple[int, int]) -> None:
    figure = draw_heat_maps("A title", [states(np.ones(shape))], shades)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    assert all(float(tick).is_integer() for tick in axes.get_yticks())
    assert (axes.get_ylim(), axes.get_xlim()) == tuple((-0.5, count - 0.5) for count in shape)
