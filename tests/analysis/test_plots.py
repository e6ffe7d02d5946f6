"""Figures from Python, and results in a notebook."""

from collections.abc import Callable
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

import analysis
import sweep
from analysis.notebook import html_table
from analysis.plots import Plots

STUDY = sweep.Study(
    "drawn",
    {
        "dataset": "digits",
        "depth": [1, 2],
        "filters": [1, 2],
        "seed": "0..1",
        "epochs": 2,
        "architecture": ["sequential", "parallel"],
    },
)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> analysis.Results:
    """A study whose trials were really trained."""
    store = tmp_path_factory.mktemp("drawn") / "a <store>"
    return sweep.run(STUDY, store=store, executor="local", track=False, report=False, progress=False)


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]


@pytest.mark.parametrize(
    ("draw", "title"),
    [
        (lambda plot: plot.losses(), "sequential: validation loss (nats)"),
        (lambda plot: plot.losses("train_loss", study="drawn"), "sequential: training loss (nats)"),
        (lambda plot: plot.heat_map(), "digits"),
        (lambda plot: plot.by_q(), "digits, training"),
        (lambda plot: plot.cost(), "seconds"),
        (lambda plot: plot.curves(), "training loss"),
        (lambda plot: plot.curves("depth = 2 and filters = 1"), "validation loss"),
    ],
)
def test_figures_are_as_in_the_report_and_can_be_saved(
    results: analysis.Results, draw: Callable[[Plots], Figure], title: str, tmp_path: Path
) -> None:
    figure = draw(results.plot)
    assert title in texts(figure)
    figure.savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_a_forest_has_every_level_of_a_factor(results: analysis.Results) -> None:
    figure = results.plot.forest()
    assert any("filters" in text for text in texts(figure))


def test_curves_have_a_line_per_network(results: analysis.Results) -> None:
    def lines(where: str | None) -> int:
        return sum(line.get_marker() not in ("", "None") for line in results.plot.curves(where).axes[0].get_lines())

    # Filters and depths in both arrangements; and one network's two arrangements.
    assert lines("filters = 1 and depth = 2") == 2
    assert lines("depth = 2") == 4


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda plot: plot.curves("depth = 99"), "no finished trial meets the condition"),
        (lambda plot: plot.curves("dept = 1"), "cannot be answered"),
        (lambda plot: plot.curves(study="x'y"), 'no results of "x\'y"'),
        (lambda plot: plot.losses("loss"), "metric is 'loss', but takes one of train_loss, val_loss"),
        (lambda plot: plot.losses(study="other"), "no results of 'other'"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_a_sentence(
    results: analysis.Results, draw: Callable[[Plots], Figure], message: str
) -> None:
    with pytest.raises(sweep.SweepError, match=message):
        draw(results.plot)


def test_results_say_what_they_hold(results: analysis.Results) -> None:
    assert repr(results).endswith("a <store>: drawn (16 finished of 16)")
    page = results._repr_html_()  # pyright: ignore[reportPrivateUsage]
    assert "a &lt;store&gt;" in page
    assert "<td>drawn</td><td>16</td><td>16</td>" in page
    assert html_table("<b>", []) == (
        "<table><caption>&lt;b&gt;</caption><thead><tr></tr></thead><tbody></tbody></table>"
    )
