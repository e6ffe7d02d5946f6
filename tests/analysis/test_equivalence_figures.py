"""The figures on matched pairs: what they say of costs and curves, and what a point says that is pointed at."""

import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis.figures import render
from analysis.figures.scatter import LossPairs, draw_scatter
from analysis.figures.style import LOOKS, Palette
from analysis.formats import dataset_name
from analysis.questions.equivalence.configurations import ConfigurationCurves
from analysis.questions.equivalence.pictures import draw_by_q, draw_cost, draw_curves, draw_strata
from sweep.ledger import Margins

NAN = float("nan")
COST = ("depth", "sequential_seconds", "parallel_seconds", "flops_ratio", "sequential_loss", "parallel_loss")


def drawn(draw: Callable[..., Figure | None], *options: Any, **findings: Any) -> Figure:
    """The figure of findings that are no more than it takes."""
    figure = draw(SimpleNamespace(**findings), *options)
    assert figure is not None
    return figure


def numbers(count: int, seed: int = 0) -> np.ndarray:
    return np.exp(np.random.default_rng(seed).normal(size=count))


def cost(*columns: np.ndarray) -> Figure:
    pairs = pa.table(
        {
            "dataset": pa.array(["mnist"] * len(columns[0]), pa.string()),
            "device": pa.array(["cpu"] * len(columns[0]), pa.string()),
            **dict(zip(COST, columns, strict=True)),
        }
    )
    return drawn(draw_cost, Palette(), cost_pairs=pairs)


def curves(*losses: np.ndarray) -> Figure:
    answer = SimpleNamespace(by_dataset={"mnist": None})
    places = itertools.product(("sequential", "parallel"), ("train_loss", "val_loss"))
    by_place: dict[tuple[str, str], np.ndarray] = dict(zip(places, losses, strict=True))
    return drawn(
        draw_curves, Palette(), answer=answer, curves=(ConfigurationCurves("mnist", "nearest to equal", by_place),)
    )


def forest(*rows: tuple[str, str]) -> Figure:
    """Levels of the factor depth, each with its verdict."""
    shared = {"dataset": "mnist", "factor_a": "depth", "factor_b": None, "configurations": 12}
    size = {"ratio": 1.02, "low": 0.99, "high": 1.05}
    table = [{**shared, **size, "level_a": level, "verdict": verdict} for level, verdict in rows]
    return drawn(draw_strata, "val_loss", strata={"val_loss": table}, question=SimpleNamespace(margins=Margins(0.1)))


def by_q(*losses: tuple[float | None, ...], dataset: str = "mnist", split: str = "validation") -> Figure:
    """The paper's sequential and parallel mean, and ours, in four intervals of Q."""
    names = ("paper_sequential", "paper_parallel", "sequential", "parallel", "pairs")
    rows = [dict(zip(names, (*cell, int(cell[2] is not None)), strict=True)) for cell in losses]
    return drawn(draw_by_q, Palette(), table_2=[{"dataset": dataset, "metric": split, **row} for row in rows])


def words(figure: Figure) -> list[str]:
    """Every text of a figure."""
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]


def said(figure: Figure) -> list[str]:
    """What its points say."""
    return [each.text or "" for each in ElementTree.fromstring(render(figure).svg).findall(".//{*}title")]


@pytest.mark.parametrize(("ratio", "told"), [(0.5, "2.0 times faster"), (3.0, "3.0 times slower"), (1.01, "as fast")])
def test_cost_says_how_much_faster_at_the_greatest_depth(ratio: float, told: str) -> None:
    depth = np.repeat([2.0, 8.0, 32.0], 5)
    seconds = depth * numbers(15)
    parallel = seconds * np.where(depth == 32, ratio, 1.0)
    figure = cost(depth, seconds, parallel, np.ones(15), numbers(15), numbers(15, 1))
    assert f"MNIST: parallel is\n{told} at depth 32" in [axes.get_title(loc="left") for axes in figure.axes]
    assert "loss by seconds, depth 2 to 32" in words(figure)
    assert any(text.startswith("parallel, depth 32\n") for text in said(figure))


def test_cost_draws_medians_between_quartiles() -> None:
    seconds, ones = np.array([1.0, 2, 3, 4, 5]), np.ones(5)
    figure = cost(2 * ones, seconds, 2 * seconds, ones, ones, ones)
    times = [line.get_ydata() for line in figure.axes[1].lines]
    assert np.concatenate(times).tolist() == [3.0, 6.0]
    bands = [each.get_paths()[0].get_extents() for each in figure.axes[1].collections]
    assert [(band.ymin, band.ymax) for band in bands] == [(2.0, 4.0), (4.0, 8.0)]


def test_curves_are_summed_up_over_the_seeds_that_have_a_loss() -> None:
    losses = np.array([[1.0, 2.0], [3.0, NAN]])
    figure = curves(losses, losses, losses, losses)
    for axes in figure.axes:
        assert [np.asarray(line.get_ydata()).tolist() for line in axes.lines] == [[2, 2], [2, 2]]
        band = axes.collections[0].get_paths()[0].get_extents()
        assert (band.ymin, band.ymax) == (1, 3)


def test_architectures_keep_their_colours() -> None:
    losses = numbers(6).reshape(2, 3)
    for axes in curves(losses, losses, losses, losses).axes:
        assert [line.get_color() for line in axes.lines] == [look.color for look in LOOKS.values()]


def test_means_by_q_stand_beside_the_published_ones() -> None:
    figure = by_q((1.0, 2.0, 3.0, 4.0), (1.5, 2.5, None, None), (1.0, 2.0, None, None), (5.0, 6.0, 7.0, 8.0))
    (axes,) = figure.axes
    assert axes.get_title(loc="left") == "MNIST, validation"
    assert [text.get_text() for text in axes.get_xticklabels()] == ["< 1", "1\N{EN DASH}3", "3\N{EN DASH}10", "≥ 10"]
    lines = {
        (str(line.get_color()), str(line.get_linestyle())): dict(
            zip(np.asarray(line.get_xdata()).tolist(), np.asarray(line.get_ydata()).tolist(), strict=True)
        )
        for line in axes.lines
    }
    sequential, parallel = LOOKS.values()
    assert lines == {
        (sequential.color, sequential.line): {0: 3.0, 3: 7.0},
        (parallel.color, parallel.line): {0: 4.0, 3: 8.0},
        (sequential.color, ":"): {0: 1.0, 1: 1.5, 2: 1.0, 3: 5.0},
        (parallel.color, ":"): {0: 2.0, 1: 2.5, 2: 2.0, 3: 6.0},
    }
    keys = {"sequential", "parallel", "sequential, published", "parallel, published"}
    assert keys <= set(words(figure))
    assert any(
        text.startswith("parallel, published\nQ (") and text.endswith(": 1\N{EN DASH}3\nloss (nats): 2.5")
        for text in said(figure)
    )


def test_a_data_set_that_the_paper_has_not_has_our_means_alone() -> None:
    figure = by_q(*[(None, None, 1.0, 2.0)] * 4, dataset="digits", split="train")
    assert figure.axes[0].get_title(loc="left") == "digits, training"
    assert len(figure.axes[0].lines) == 2


GAPS = np.array([NAN, 0.0, np.inf, -1.0])
ODD: dict[str, Callable[[], Figure]] = {
    "curves, one epoch": lambda: curves(*(numbers(3, seed).reshape(3, 1) for seed in range(4))),
    "curves, diverged": lambda: curves(*(np.full((2, 4), NAN) for _ in range(4))),
    "curves, no seed": lambda: curves(*(np.empty((0, 0)) for _ in range(4))),
    "curves, zeros": lambda: curves(*(np.zeros((2, 4)) for _ in range(4))),
    "cost, no value": lambda: cost(np.array([2.0, 2, 4, 4]), *[GAPS] * 5),
    "by_q, no configuration": lambda: by_q(*[(1.0, 2.0, None, None)] * 4),
    "by_q, zeros": lambda: by_q(*[(1.0, 2.0, 0.0, 0.0)] * 4),
    "scatter, no value": lambda: draw_scatter([LossPairs("mnist", GAPS, GAPS, list("abcd"))]),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_input_is_drawn_without_a_warning(name: str) -> None:
    assert render(ODD[name]()).png.startswith(b"\x89PNG")


def test_a_point_says_which_configuration_it_is() -> None:
    losses = np.array([1.0, NAN, 2.0])
    tips = ["depth 2", "depth 4", "depth <8>"]
    assert said(draw_scatter([LossPairs("mnist", losses, losses, tips)])) == ["depth 2", "depth <8>"]


def test_very_many_points_become_an_image_that_says_nothing() -> None:
    many = numbers(1800)
    svg = render(draw_scatter([LossPairs("mnist", many, many, ["tip"] * 1800)])).svg
    assert "data:image/png;base64," in svg
    assert "tip" not in svg
    assert len(svg) < 150_000


def test_points_of_a_report_name_their_levels_seeds_and_ratio(report) -> None:
    tips = [tip for each in report.findings.configurations["val_loss"] for tip in each.tips]
    assert len(tips) == 32
    assert tips[0].startswith(
        f"{dataset_name('cifar10')}: depth 2, filters 2, kernel size 1, activation relu; 3 seeds; ratio "
    )
    svg = (report.folder / "figures" / "losses.svg").read_text(encoding="utf-8")
    assert all(tip in svg for tip in tips)


def test_strata_are_marked_by_their_verdicts() -> None:
    figure = forest(
        ("2", "equivalent"),
        ("4", "different but inside the margin"),
        ("8", "parallel better"),
        ("16", "sequential better"),
        ("32", "undecided"),
    )
    marks = [line.get_marker() for line in figure.axes[0].lines if line.get_marker() not in ("None", None, "")]
    assert marks == ["o", "o", "<", ">", "D"]
    found = words(figure)
    assert found.count("1.02 [0.99, 1.05]") == found.count("12") == 5
    assert {"MNIST: depth", "n", "equivalent", "different, but inside the margin", "undecided"} <= set(found)
    assert "equivalence margin, 10 % either way" in found
