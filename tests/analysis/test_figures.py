"""Figures: what is written in them, what becomes of odd input, and the files they become."""

import re
import struct
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.figures import Rendered, render
from analysis.figures.forest import Group, Kind, Mark, Measure, Row, draw_forest
from analysis.figures.heat_map import HeatMap, Shades, draw_heat_maps
from analysis.figures.panels import Axis, Line, Panel, draw_panels
from analysis.figures.scatter import LossPairs, draw_scatter
from analysis.figures.style import GREEN, Palette
from tests.analysis.drawn import words

NAN = float("nan")
NAMESPACES = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def numbers(count: int, seed: int = 0) -> np.ndarray:
    return np.exp(np.random.default_rng(seed).normal(size=count))


def forest(title: str = "depth", rows: int = 6) -> Figure:
    marks = [Mark(1.02, 0.99, 1.05, Kind("equivalent", GREEN, "o"), "1.02 [0.99, 1.05]")]
    group = Group(title, [Row(f"level {index}", marks, count="12") for index in range(rows)])
    return draw_forest("Strata", [group], Measure("ratio", "parallel better", "sequential better", "ratio", 0.1, "n"))


def panels(title: str = "mnist, depth 2") -> Figure:
    curves = [Line(side, np.arange(1.0, 4), numbers(3), numbers(3, 1), numbers(3, 2)) for side in ("parallel", "net")]
    axes = Axis("epoch", whole=True), Axis("loss (nats)", "log")
    return draw_panels("Curves", [[Panel(title, *axes, curves)]], Palette())


FULL: dict[str, Callable[[], Figure]] = {
    "scatter": lambda: draw_scatter([LossPairs("mnist", numbers(30), numbers(30, 1))]),
    "forest": forest,
    "panels": panels,
    "heat_map": lambda: draw_heat_maps(
        "Ratios", [HeatMap("mnist", numbers(6).reshape(2, 3), "x", "y")], Shades("ratio", 0.1)
    ),
}
NONE = np.empty(0)
GAPS = np.array([NAN, 0.0, np.inf, -1.0])
ODD: dict[str, Callable[[], Figure]] = {
    "scatter, nothing": lambda: draw_scatter([]),
    "scatter, no configuration": lambda: draw_scatter([LossPairs("mnist", NONE, NONE)]),
    "scatter, no value": lambda: draw_scatter([LossPairs("mnist", GAPS, GAPS)]),
    "scatter, one point": lambda: draw_scatter([LossPairs("mnist", np.ones(1), np.ones(1))]),
}


@cache
def drawn_full(name: str) -> Rendered:
    return render(FULL[name]())


@pytest.mark.parametrize("name", FULL)
def test_files_are_the_same_each_time_and_point_nowhere(name: str) -> None:
    drawn, figure = drawn_full(name), FULL[name]()
    assert drawn == render(figure)
    assert set(re.findall(r"https?://[^\"\s<]+", drawn.svg)) <= NAMESPACES
    assert not re.search(r"<(script|style|metadata|!DOCTYPE|\?xml)", drawn.svg)
    root = ElementTree.fromstring(drawn.svg)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    referred = re.findall(r'(?:href="#|url\(#)([^")]+)', drawn.svg)
    assert set(referred) == set(ids)
    width, height = struct.unpack(">II", drawn.png[16:24])
    assert width == pytest.approx(2 * 96 * float(figure.get_size_inches()[0]), abs=1)
    assert height == pytest.approx(2 * 96 * float(figure.get_size_inches()[1]), abs=1)


def test_no_two_figures_share_an_id() -> None:
    ids = [set(re.findall(r'\sid="([^"]+)"', drawn_full(name).svg)) for name in FULL]
    assert all(ids)
    assert len(set.union(*ids)) == sum(len(each) for each in ids)


@pytest.mark.parametrize("name", ODD)
def test_odd_input_is_drawn_without_a_warning(name: str) -> None:
    ODD[name]().draw_without_rendering()


def test_user_text_is_only_text() -> None:
    name = "<b> & $x$ \"quoted\" 'too' _{}"
    figures = (
        draw_scatter([LossPairs(name, np.ones(3), np.ones(3))]),
        forest(name),
        panels(name),
    )
    for figure in figures:
        root = ElementTree.fromstring(render(figure).svg)
        assert any(name in (element.text or "") for element in root.iter("{http://www.w3.org/2000/svg}text"))


def test_nothing_of_the_callers_matplotlib_is_changed_or_used() -> None:
    expected = drawn_full("scatter")
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9}):
        before = dict(matplotlib.rcParams)
        figure = FULL["scatter"]()
        assert render(figure) == render(figure) == expected
        assert dict(matplotlib.rcParams) == before


ALONE = """
import sys, types
# The package without what its __init__ imports.
sys.modules["analysis"] = package = types.ModuleType("analysis")
package.__path__ = ["analysis"]
import analysis.figures
print(*sys.modules)
"""


def test_figures_need_neither_pyplot_nor_the_rest_of_the_analysis() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ALONE], capture_output=True, text=True, cwd=Path(__file__).parents[2], check=True
    )
    loaded = done.stdout.split()
    assert "matplotlib.figure" in loaded
    assert "matplotlib.pyplot" not in loaded
    assert all(name == "analysis" or name.startswith("analysis.figures") for name in loaded if "analysis" in name)


def test_scatter_counts_what_is_inside_the_margin_and_what_is_not_shown() -> None:
    sequential, parallel = np.ones(6), np.array([1 / 1.099, 1.099, 1 / 1.101, 1.101, NAN, 1.0])
    assert "mnist: 5 configurations, 3 inside the margin, 1 more without a loss on both sides" in words(
        draw_scatter([LossPairs("mnist", sequential, parallel)])
    )
    wider = words(draw_scatter([LossPairs("mnist", sequential, parallel)], margin=0.2))
    assert any("5 inside the margin" in text for text in wider)


def test_a_full_grid_is_a_small_file() -> None:
    many = numbers(1152)
    assert len(render(draw_scatter([LossPairs("mnist", many, many[::-1])])).svg) < 150_000


def test_very_many_points_become_an_image() -> None:
    many = numbers(5000)
    drawn = render(draw_scatter([LossPairs("mnist", many, many[::-1])])).svg
    assert "data:image/png;base64," in drawn
    assert len(drawn) < 400_000
