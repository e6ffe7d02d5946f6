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
from matplotlib.text import Text

from analysis.figures import (
    LossPairs,
    QLosses,
    Rendered,
    Stratum,
    StratumGroup,
    Verdict,
    draw_by_q,
    draw_forest,
    draw_scatter,
    render,
)
from analysis.figures.heat_map import HeatMap, Shades, draw_heat_maps

NAN = float("nan")
NAMESPACES = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def numbers(count: int, seed: int = 0) -> np.ndarray:
    return np.exp(np.random.default_rng(seed).normal(size=count))


def strata(
    count: int, ratio: float = 1.02, low: float = 0.99, high: float = 1.05, verdict: Verdict = "equivalent"
) -> list[StratumGroup]:
    rows = [Stratum(f"level {index}", 12, ratio, low, high, verdict) for index in range(count)]
    return [StratumGroup("depth", rows[: count // 2]), StratumGroup("filters", rows[count // 2 :])]


def q_losses(loss: np.ndarray, published: np.ndarray | None = None) -> list[QLosses]:
    q = np.logspace(-1, 2, len(loss))
    return [
        QLosses("mnist", split, side, q, loss, np.array([0.1, 0.2, 0.3, NAN]), published)
        for split in ("training", "validation")
        for side in ("sequential", "parallel")
    ]


FULL: dict[str, Callable[[], Figure]] = {
    "scatter": lambda: draw_scatter([LossPairs("mnist", numbers(30), numbers(30, 1))]),
    "forest": lambda: draw_forest(strata(6)),
    "by_q": lambda: draw_by_q(q_losses(numbers(30), np.array([0.1, 0.2, 0.3, 0.4]))),
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
    "forest, nothing": lambda: draw_forest([]),
    "forest, no value": lambda: draw_forest(strata(2, ratio=NAN, low=NAN, high=NAN, verdict="undecided")),
    "forest, no interval": lambda: draw_forest(strata(2, low=NAN, high=NAN)),
    "forest, infinite interval": lambda: draw_forest(strata(2, low=0.0, high=np.inf)),
    "by_q, nothing": lambda: draw_by_q([]),
    "by_q, no configuration": lambda: draw_by_q(q_losses(NONE)),
    "by_q, no value": lambda: draw_by_q(q_losses(GAPS, np.full(4, NAN))),
}


def words(figure: Figure) -> list[str]:
    """Every text of a figure."""
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]


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
        draw_forest([StratumGroup(name, [Stratum("1", 1, 1, 1, 1, "undecided")])]),
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


@pytest.mark.parametrize("rows", [1, 40])
def test_forest_has_a_line_of_text_a_row_and_grows_with_them(rows: int) -> None:
    figure = draw_forest(strata(rows))
    found = words(figure)
    assert found.count("1.02 [0.99, 1.05]") == found.count("12") == rows
    assert {"depth", "filters", "equivalent"} <= set(found)
    assert figure.get_size_inches()[1] < 2.4 + 0.21 * (rows + 2.5)


def test_forest_points_to_what_is_off_its_axis() -> None:
    def arrows(groups: list[StratumGroup]) -> list[object]:
        figure = draw_forest(groups, limits=(0.8, 1.25))
        return [line.get_marker() for line in figure.axes[0].lines if line.get_marker() in (4, 5)]

    assert arrows(strata(1)) == []
    assert arrows(strata(1, low=0.5)) == [4]
    assert arrows(strata(1, low=0.5, high=2.0)) == [4, 5]


def test_a_full_grid_is_a_small_file() -> None:
    many = numbers(1152)
    for figure in (draw_scatter([LossPairs("mnist", many, many[::-1])]), draw_by_q(q_losses(many))):
        assert len(render(figure).svg) < 150_000


def test_very_many_points_become_an_image() -> None:
    many = numbers(5000)
    drawn = render(draw_scatter([LossPairs("mnist", many, many[::-1])])).svg
    assert "data:image/png;base64," in drawn
    assert len(drawn) < 400_000
