"""Forest plots: what is off the axis or unknown, long labels, and the colours of what marks stand for."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures import render
from analysis.figures.forest import Group, Kind, Mark, Measure, Row, draw_forest
from analysis.figures.style import GREEN, VERMILLION
from tests.analysis.drawn import clashes, said, words

NAN, INF = float("nan"), float("inf")
LONG = "pre-activation ResNet-110, stochastic depth 0.5, drop per sample, rescale at the end, retrained after 40 epochs"
EQUAL, BETTER = Kind("equivalent", GREEN, "o"), Kind("parallel better", VERMILLION, "<", open=True)
RATIO = Measure("loss (ratio)", "parallel better", "sequential better", "ratio [95 %]", margin=0.1, count="n")
POINTS = Measure("difference (points)", "plain better", "other better", "points [95 %]")
MEASURES = pytest.mark.parametrize("measure", [RATIO, POINTS], ids=["ratio", "points"])


def mark(estimate: float = 1.02, low: float = 0.99, high: float = 1.05, kind: Kind = EQUAL, text: str = "a number"):
    return Mark(estimate, low, high, kind, text)


def row(*marks: Mark, label: str = "level", **fields: Any) -> Row:
    return Row(label, marks or (mark(),), **fields)


def forest(*rows: Row, measure: Measure = RATIO) -> Figure:
    return draw_forest("A title", [Group("depth", rows)], measure)


def arrows(figure: Figure) -> list[object]:
    return [line.get_marker() for line in figure.axes[0].lines if line.get_marker() in (4, 5)]


def estimates(figure: Figure) -> list[Line2D]:
    return [line for line in figure.axes[0].lines if line.get_marker() in ("o", "<")]


@pytest.mark.parametrize("rows", [1, 40])
def test_a_forest_has_a_line_of_text_a_row_and_grows_with_them(rows: int) -> None:
    every = [row(mark(text="1.02 [0.99, 1.05]"), label=f"level {number}", count="12") for number in range(rows)]
    figure = draw_forest("A title", [Group("depth", every[: rows // 2]), Group("filters", every[rows // 2 :])], RATIO)
    found = words(figure)
    assert found.count("1.02 [0.99, 1.05]") == found.count("12") == rows
    assert {"A title", "depth", "filters", "equivalent", "equivalence margin, 10 % either way"} <= set(found)
    assert figure.get_size_inches()[1] < 2.4 + 0.21 * (rows + 2.5)


NARROW = [row(mark(), label=f"level {number}") for number in range(40)]


def test_intervals_that_leave_the_axis_end_in_arrows() -> None:
    assert arrows(forest(*NARROW, row())) == []
    assert arrows(forest(*NARROW, row(mark(low=0.5)))) == [4]
    assert arrows(forest(*NARROW, row(mark(low=0.5, high=2.0)))) == [4, 5]
    assert arrows(forest(*NARROW, row(mark(low=0.0, high=INF)))) == [4, 5]


def test_an_estimate_that_is_off_the_axis_is_an_arrow_that_says_it() -> None:
    far = forest(
        row(), row(mark(40, 30, 60, text="40 [30, 60]"), label="far"), row(mark(0.01, NAN, NAN), label="below")
    )
    assert arrows(far) == [5, 4]
    assert len(estimates(far)) == 1
    assert sorted(said(far)) == ["below: a number", "far: 40 [30, 60]", "level: a number"]
    low, high = far.axes[0].get_xlim()
    ends = [np.asarray(line.get_xdata(), dtype=float) for line in far.axes[0].lines if line.get_marker() in (4, 5)]
    assert [each[0] for each in ends] == [pytest.approx(high), pytest.approx(low)]


@MEASURES
def test_every_estimate_within_tenfold_is_on_the_axis(measure: Measure) -> None:
    figure = forest(*NARROW, row(mark(3.0, NAN, NAN)), row(mark(4.0, 3.9, 4.1)), measure=measure)
    assert len(estimates(figure)) == 42
    assert figure.axes[0].get_xlim()[1] > 4


def test_an_estimate_without_an_interval_is_a_point_and_none_is_text_alone() -> None:
    figure = forest(row(mark(1.1, NAN, NAN)), row(mark(NAN, NAN, NAN, text="unknown"), label="none"))
    assert len(estimates(figure)) == 1
    assert arrows(figure) == []
    assert "unknown" in words(figure)
    assert said(figure) == ["level: a number"]


ODD: dict[str, Callable[[Measure], Figure]] = {
    "nothing": lambda measure: draw_forest("A title", [], measure),
    "a group without rows": lambda measure: forest(measure=measure),
    "a row without marks": lambda measure: draw_forest("A title", [Group("g", [Row("r", ())])], measure),
    "no value": lambda measure: forest(row(mark(NAN, NAN, NAN)), row(mark(NAN, 0.9, 1.1)), measure=measure),
    "no interval": lambda measure: forest(row(mark(1.1, NAN, NAN)), measure=measure),
    "half an interval": lambda measure: forest(row(mark(1.1, 1.0, NAN)), measure=measure),
    "infinite interval": lambda measure: forest(row(mark(low=0.0, high=INF)), row(mark(low=-INF)), measure=measure),
    "infinite estimate": lambda measure: forest(row(mark(INF, 1.0, INF)), measure=measure),
    "zero": lambda measure: forest(row(mark(0.0, 0.0, 0.0)), measure=measure),
    "no words": lambda measure: draw_forest("", [Group("", [Row("", (mark(text=""),))])], measure),
}


@MEASURES
@pytest.mark.parametrize("name", ODD)
def test_odd_input_is_drawn_without_a_warning(name: str, measure: Measure) -> None:
    assert render(ODD[name](measure)).png.startswith(b"\x89PNG")


@MEASURES
def test_without_a_row_it_says_so(measure: Measure) -> None:
    assert "no data" in words(draw_forest("A title", [], measure))


def test_the_scale_is_of_ratios_around_one_or_of_differences_around_zero() -> None:
    ratio, points = forest(row()), forest(row(), measure=POINTS)
    low, high = ratio.axes[0].get_xlim()
    assert (ratio.axes[0].get_xscale(), low * high) == ("log", pytest.approx(1))
    low, high = points.axes[0].get_xlim()
    assert (points.axes[0].get_xscale(), low + high) == ("linear", pytest.approx(0))
    assert "equivalence margin, 10 % either way" not in words(points)


def test_marks_of_a_row_are_below_each_other_in_their_colours() -> None:
    figure = forest(row(mark(text="one"), mark(0.9, 0.8, 0.95, BETTER, "other")), row(label="next"))
    first, second, after = estimates(figure)
    heights = [float(np.asarray(line.get_ydata())[0]) for line in (first, second, after)]
    assert heights == sorted(heights)
    assert len(set(heights)) == 3
    assert [line.get_color() for line in (first, second)] == [GREEN, VERMILLION]
    assert [line.get_markerfacecolor() for line in (first, second)] == [GREEN, "white"]
    assert said(figure) == ["level: one", "level: other", "next: a number"]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()][:2] == ["equivalent", "parallel better"]


def test_intervals_have_the_colours_of_their_marks() -> None:
    figure = forest(row(mark(low=0.5, high=9.0, kind=BETTER)), *NARROW)
    first = figure.axes[0].lines
    drawn = [
        line.get_color() for line in first if len(np.asarray(line.get_xdata())) == 2 and line.get_linewidth() == 1.5
    ]
    assert drawn == [VERMILLION, *[GREEN] * 40]
    assert [line.get_color() for line in first if line.get_marker() in (4, 5)] == [VERMILLION] * 2


@MEASURES
@pytest.mark.parametrize("marks", [1, 2])
def test_long_labels_have_room_and_keep_their_ends(measure: Measure, marks: int) -> None:
    every = [
        row(*[mark()] * marks, label=f"{LONG}, {number} epochs", count="1152" if measure.count else "")
        for number in range(4)
    ]
    figure = draw_forest(LONG * 2, [Group(LONG * 2, every)] * 2, measure)
    assert clashes(figure) == []
    assert sum(text.endswith("3 epochs") for text in words(figure)) == 2
    assert any(text.endswith("…") for text in words(figure))
    assert said(figure)[0].startswith(f"{LONG}, 0 epochs: ")


@MEASURES
def test_nothing_is_drawn_behind_the_titles_of_groups(measure: Measure) -> None:
    groups = [Group(LONG, [row(), row()]), Group("filters", [row()])]
    axes = draw_forest("A title", groups, measure).axes[0]
    titles = [text.get_position()[1] for text in axes.texts if text.get_fontweight() == "bold"]
    grounds = [path.get_extents() for each in axes.collections for path in each.get_paths()]
    assert len(titles) == 3
    assert len(grounds) == (2 if measure.margin is None else 8)
    assert not [place for place in titles for each in grounds if each.ymin < place < each.ymax]


@MEASURES
def test_many_rows_and_kinds_have_room(measure: Measure) -> None:
    kinds = [Kind(f"a verdict in words, {number}", GREEN, "o") for number in range(9)]
    every = [row(mark(kind=kinds[number % 9]), label=f"level {number}", count="12") for number in range(54)]
    figure = draw_forest(
        "A title", [Group(f"group {start}", every[start : start + 9]) for start in range(0, 54, 9)], measure
    )
    assert clashes(figure) == []
    assert figure.get_figheight() < 16


def test_files_are_the_same_each_time_and_users_text_is_only_text() -> None:
    name = "<b> & $x$ \"quoted\" 'too' _{}"
    given = [Group(name, [row(mark(text=name), label=name, count=name)])]
    drawn = render(draw_forest(name, given, Measure(name, name, name, name, 0.1, name)))
    assert drawn == render(draw_forest(name, given, Measure(name, name, name, name, 0.1, name)))
    root = ElementTree.fromstring(drawn.svg)
    assert sum(name in "".join(each.itertext()) for each in root.findall(".//{*}text")) >= 7
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
