"""Panels of lines: what is drawn, what points say, and what becomes of odd input and of much of it."""

import re
from collections.abc import Callable, Sequence
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from analysis.figures import render
from analysis.figures.panels import Axis, Line, Panel, Scale, draw_panels, in_rows
from analysis.figures.style import Palette
from tests.analysis.drawn import clashes, said, words

NAN = float("nan")
LONG = (
    "pre-activation ResNet-110, stochastic depth 0.5, drop per sample, rescale at the end, retrained after 40 epochs, "
)
SCALES: tuple[Scale, ...] = ("even", "log", "ratio", "places", "percent")


def line(label: str, y: ArrayLike, x: ArrayLike | None = None, **fields: Any) -> Line:
    values = np.asarray(y, dtype=float)
    places = np.arange(1.0, len(values) + 1) if x is None else np.asarray(x, dtype=float)
    return Line(label, places, values, 0.9 * values, 1.1 * values, **fields)


def panel(*lines: Line, x: Scale = "even", y: Scale = "even", title: str = "A panel", **fields: Any) -> Panel:
    return Panel(title, Axis("block", x, whole=True), Axis("loss (nats)", y), lines, **fields)


def drawn(*panels: Panel, columns: int = 2, **options: Any) -> Figure:
    return draw_panels("A title", in_rows(panels, columns), Palette(), **options)


def orders(*losses: float, label: str = "as trained") -> Line:
    return line(label, losses, [2.0**order for order in range(len(losses))])


def truncation(title: str, whole: float, *lines: Line) -> Panel:
    return panel(*lines, x="places", y="log", title=title, levels={"": whole})


def wavy(label: str, blocks: int = 54, seed: int = 0) -> Line:
    return line(label, 5 + seed + np.random.default_rng(seed).random(blocks))


FULL: dict[str, Callable[[], Figure]] = {
    "truncation": lambda: drawn(
        *(truncation(name, 0.5, orders(4, 2, 0.5), orders(1, 0.6, 0.4, label="tuned")) for name in "abc"),
        band="lowest to highest seed",
        level="whole network",
    ),
    "a key per row": lambda: drawn(
        panel(wavy("one"), wavy("other", seed=1), shaded=[3], chance=90, bars={"one": (2, 9)}, y="percent"),
        keys="row",
        notes={"shaded": "changes the shape", "bars": "band"},
    ),
}
ODD: dict[str, Callable[[], Figure]] = {
    "no row": lambda: draw_panels("A title", [], Palette()),
    "rows without a panel": lambda: draw_panels("A title", [[], []], Palette()),
    "no panel, a key per row": lambda: drawn(keys="row"),
    "no line": lambda: drawn(panel()),
    "no line, a level": lambda: drawn(panel(levels={"": 1.0}), panel(levels={"": NAN}), level="whole"),
    "no point": lambda: drawn(*(panel(line("net", []), x=scale, y=scale) for scale in SCALES)),
    "no value": lambda: drawn(*(panel(line("net", [NAN, NAN]), x=scale, y=scale) for scale in SCALES)),
    "one point": lambda: drawn(*(panel(line("net", [0.5]), x=scale, y=scale) for scale in SCALES)),
    "one place": lambda: drawn(*(panel(line("net", [1, 2], [4, 4]), x=scale, y=scale) for scale in SCALES)),
    "equal values": lambda: drawn(*(panel(line("net", [2, 2, 2]), x=scale, y=scale) for scale in SCALES)),
    "zeros": lambda: drawn(*(panel(line("net", [0, 0]), x=scale, y=scale) for scale in SCALES)),
    "a zero and one that is not": lambda: drawn(*(panel(line("net", [0, 1]), y=scale) for scale in SCALES)),
    "infinite and negative": lambda: drawn(*(panel(line("net", [np.inf, -1, 1]), y=scale) for scale in SCALES)),
    "huge": lambda: drawn(*(panel(line("net", [1e-30, 1e30]), y=scale) for scale in SCALES)),
    "no chance": lambda: drawn(panel(line("net", [NAN]), y="percent", chance=NAN)),
    "truncation, no value": lambda: drawn(truncation("net", NAN, orders(NAN, NAN))),
    "truncation, one order": lambda: drawn(truncation("net", 0.5, orders(0.5))),
    "truncation, zero": lambda: drawn(truncation("net", 0.0, orders(0.0, 1.0))),
}


@pytest.mark.parametrize("name", FULL)
def test_files_are_the_same_each_time_and_well_formed(name: str) -> None:
    drawing = render(FULL[name]())
    assert drawing == render(FULL[name]())
    ids = [element.get("id") for element in ElementTree.fromstring(drawing.svg).iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert len(drawing.svg) < 100_000


@pytest.mark.parametrize("name", ODD)
def test_odd_input_is_drawn_without_a_warning(name: str) -> None:
    assert render(ODD[name]()).png.startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["no row", "no line", "no value", "truncation, no value"])
def test_where_there_is_nothing_a_figure_says_so(name: str) -> None:
    assert "no data" in words(ODD[name]())
    assert "not measured" in words(drawn(panel(empty="not measured")))


def test_a_value_that_no_log_axis_can_show_is_left_out_of_its_line() -> None:
    figure = drawn(truncation("net", 0.5, orders(NAN, 2.0, 0.5)))
    assert np.asarray(figure.axes[0].lines[0].get_xdata()).tolist() == [2, 4]
    assert said(figure) == [
        "as trained\nblock: 2\nloss (nats): 2",
        "as trained\nblock: 4\nloss (nats): 0.5",
    ]


def test_a_band_ends_where_a_log_axis_cannot_show_its_end() -> None:
    below = Line("net", np.array([1.0, 2.0]), np.array([1.0, 1.0]), np.array([0.0, 0.5]), np.array([2.0, 2.0]))
    (band,) = drawn(panel(below, y="log")).axes[0].collections
    assert band.get_paths()[0].get_extents().ymin == 0.5


@pytest.mark.parametrize("points", [1, 3, 14, 15, 54, 200])
def test_every_marker_says_what_it_is(points: int) -> None:
    """In the SVG each marker of a line has a title of its own, some of many points have markers."""
    tips = [f"point {place}" for place in range(points)]
    figure = drawn(panel(line("net", np.arange(points) + 1.0, tips=tips)))
    (shown,) = figure.axes[0].lines
    svg = ElementTree.fromstring(render(figure).svg)
    titled = [use.findtext("{*}title") for use in svg.iter("{http://www.w3.org/2000/svg}use") if len(use)]
    every = -(-points // 14)
    assert titled == tips[::every]
    assert shown.get_markevery() == every
    assert len(titled) <= 14


def test_points_that_are_not_joined_have_bars_and_no_line() -> None:
    figure = drawn(panel(line("net", [1, 3, 2], joined=False), line("one", [2])))
    assert [each.get_linestyle() for each in figure.axes[0].lines] == ["None", "--"]
    bars = [np.asarray(each.get_segments()) for each in figure.axes[0].collections if isinstance(each, LineCollection)]
    assert [each[:, :, 1].ravel().tolist() for each in bars] == [
        pytest.approx([0.9, 1.1, 2.7, 3.3, 1.8, 2.2]),
        pytest.approx([1.8, 2.2]),
    ]
    assert len(bars) == len(figure.axes[0].collections)


@pytest.mark.parametrize(
    ("losses", "texts"),
    [
        ([1e-7, 0.1], ["1e-7", "1e-5", "1e-3", "1e-1"]),
        ([1e-4, 0.1], ["0.0001", "0.001", "0.01", "0.1"]),
        ([1e3, 1e7], ["1e+3", "1e+4", "1e+5", "1e+6", "1e+7"]),
    ],
)
def test_the_numbers_of_an_axis_have_one_form(losses: list[float], texts: list[str]) -> None:
    axes = drawn(panel(line("net", losses), y="log")).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == texts


def test_points_that_are_not_drawn_say_nothing() -> None:
    figure = drawn(panel(line("net", [1, NAN, np.inf, 0, 5], tips=list("abcde")), y="log"))
    assert said(figure) == ["a", "e"]
    assert said(drawn(panel(line("net", [NAN, 2])))) == ["net\nblock: 2\nloss (nats): 2"]


def test_a_line_has_a_tip_per_point() -> None:
    with pytest.raises(ValueError, match="argument 2 is longer"):
        drawn(panel(line("net", [1, 2, 3], tips=["a", "b"])))


def test_users_text_is_only_text() -> None:
    name = "<b> & $x$ \"quoted\" 'too' _{}"
    figure = draw_panels(name, [[panel(line(name, [1, 2]), title=name)]], Palette(), band=name, level=name)
    texts = ["".join(each.itertext()) for each in ElementTree.fromstring(render(figure).svg).findall(".//{*}text")]
    assert texts.count(name) == 5
    assert said(figure)[0].startswith(f"{name}\nblock: 1")


def test_lines_of_a_label_look_alike_in_every_panel_and_have_one_key() -> None:
    figure = drawn(panel(wavy("one"), wavy("other")), panel(wavy("other")), panel(wavy("new"), wavy("one")))
    colors = [[each.get_color() for each in axes.lines] for axes in figure.axes if axes.lines]
    assert colors[0] == [colors[2][1], colors[1][0]]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["one", "other", "new"]


def test_a_key_per_row_is_of_its_lines_alone_by_the_names_that_they_have() -> None:
    rows = [[panel(wavy("one")), panel(wavy("one"))], [panel(wavy("other"))]]
    figure = draw_panels("A title", rows, Palette(), band="seeds", keys="row", names={"one": "the first"})
    keys = [[text.get_text() for text in legend.get_texts()] for part in figure.subfigs for legend in part.legends]
    assert keys == [["the first"], ["other"]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["seeds"]


def test_levels_bars_and_shades_are_where_they_are_said_to_be() -> None:
    figure = drawn(panel(wavy("one"), levels={"one": 3.0, "": 4.0}, bars={"one": (2, 9)}, shaded=[5]))
    (axes,) = figure.axes[:1]
    own, *others = axes.lines
    assert [np.asarray(each.get_ydata()).tolist() for each in others[:2]] == [[3, 3], [4, 4]]
    assert [others[0].get_color() == own.get_color(), others[1].get_color() == own.get_color()] == [True, False]
    assert np.asarray(others[2].get_xdata()).tolist() == [2, 9]
    (shade,) = axes.patches
    assert shade.get_extents().transformed(axes.transData.inverted()).intervalx == pytest.approx([4.7, 5.3])


@pytest.mark.parametrize(("error", "shown"), [(80.0, True), (20.0, False)])
def test_chance_is_drawn_where_errors_come_near(error: float, shown: bool) -> None:
    figure = drawn(panel(line("net", [error]), y="percent", chance=90.0))
    assert ("chance" in words(figure)) == shown
    assert (figure.axes[0].get_ylim()[1] >= 100) == shown


def test_panels_in_per_cent_share_their_axis_in_a_row() -> None:
    figure = drawn(*(panel(line("net", [top]), y="percent") for top in (10, 30, 5)))
    tops = [axes.get_ylim()[1] for axes in figure.axes[:3]]
    assert tops[0] == tops[1] > tops[2]
    assert all(axes.get_ylim()[0] == 0 for axes in figure.axes[:3])


def test_an_axis_may_have_names_for_its_places() -> None:
    named = Panel("", Axis("Q", names=("below 1", "above 1")), Axis("loss"), [line("net", [3, 4], [0, 1])])
    figure = drawn(named)
    assert clashes(figure) == []
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["below 1", "above 1"]
    assert said(figure) == ["net\nQ: below 1\nloss: 3", "net\nQ: above 1\nloss: 4"]


def test_a_falling_axis_falls() -> None:
    falling = Panel("", Axis("tau", falling=True), Axis("error"), [wavy("net")])
    assert drawn(falling).axes[0].xaxis_inverted()


@pytest.mark.parametrize("count", [1, 2, 5, 15])
@pytest.mark.parametrize("label", ["net {}", LONG + "{} epochs"], ids=["short", "long"])
@pytest.mark.parametrize("keys", ["figure", "row"])
def test_many_networks_and_long_names_have_room(count: int, label: str, keys: Any) -> None:
    every = [wavy(label.format(number), seed=number) for number in range(count)]
    figure = drawn(
        panel(*every, y="percent", title="54 blocks", chance=90),
        columns=1,
        keys=keys,
        band="lowest to highest seed",
        level="whole network",
        notes={"shaded": "block that changes the shape"},
    )
    assert clashes(figure) == []
    assert figure.get_figheight() < 3.6 + count * (0.42 if "{} epochs" in label and len(label) > 20 else 0.2)
    assert all(each.label in [text.replace("\n", " ") for text in words(figure)] for each in every)


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_long_titles_of_panels_and_figures_have_room(columns: int) -> None:
    every = [panel(wavy("as trained"), y="log", title=f"{LONG}{number}") for number in range(7)]
    figure = draw_panels(f"{LONG}{LONG}", in_rows(every, columns), Palette(), band="lowest to highest seed")
    assert clashes(figure) == []


def test_bars_stand_between_titles_and_panels() -> None:
    bars = {f"net {number}": (5.0 + number, 17.0 + number) for number in range(5)}
    lines = [wavy(label) for label in bars]
    figure = drawn(panel(*lines, bars=bars), panel(*lines, y="log"), panel(*lines, bars=bars), columns=3, keys="row")
    assert clashes(figure) == []
    titles = [axes._left_title.get_window_extent().y0 for axes in figure.axes]  # pyright: ignore[reportAttributeAccessIssue]
    assert max(titles) - min(titles) < 0.5


def test_numbers_on_an_axis_of_places_do_not_meet() -> None:
    places: Sequence[float] = [1, 2, 3, *range(40, 55)]
    assert clashes(drawn(panel(line("net", np.ones(len(places)), places), x="places"))) == []


@pytest.mark.parametrize("blocks", [2, 5])
def test_a_band_without_width_at_its_start_is_filled_to_its_end(blocks: int) -> None:
    """Its outline begins with one point twice, which a dot does too."""
    y = np.exp(-np.arange(blocks))
    low, high = (np.where(np.arange(blocks) == 0, y, times * y) for times in (0.9, 1.1))
    figure = drawn(panel(Line("net", np.arange(blocks, dtype=float), y, low, high)))
    bands = figure.findobj(PolyCollection)
    outlines = re.findall(r'<path d="([^"]*z)"[^>]*fill-opacity', render(figure).svg)
    assert len(outlines) >= len(bands) > 0
    assert not any("h0" in outline for outline in outlines)
