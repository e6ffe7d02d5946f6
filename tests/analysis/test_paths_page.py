"""The part on gradient paths: its answer, claims, tables, figure and words."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis.claims import Outcome
from analysis.figures.panels import Panel, draw_panels
from analysis.figures.style import Palette
from analysis.formats import unbroken
from analysis.plain import plain
from analysis.questions.paths.summary import find_paths
from analysis.questions.paths.view import answer
from analysis.report.assemble import Report
from analysis.report.content import Part, Table
from analysis.report.page import page_html
from analysis.results import Results
from analysis.study import trial_states
from tests.analysis.synthetic_measurements import STUDY, ended, opened, path_rows, path_stack, path_trial, preresnet

PLAIN = "pre-activation ResNet-56"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Three seeds of one network, and one of another."""
    trials = [path_trial(seed, factor, error=0.1 * factor) for seed, factor in enumerate((0.36, 0.4, 0.44))]
    return opened(
        tmp_path_factory.mktemp("paths"),
        [*trials, path_trial(0, 0.5, method="droppath", drop_rate=0.5, rescale="evaluation")],
    )


def made(results: Results) -> Part:
    part = answer(results, STUDY, Palette())
    assert part is not None
    return part


def table(part: Part) -> Table:
    (found,) = (each for each in part.tables if each.name == "paths")
    return found


def page(results: Results, part: Part) -> str:
    """The words of a page with this part alone, without line breaks."""
    return " ".join(page_html(Report(STUDY, "", (), trial_states(results, STUDY), (part,))).split())


def test_the_part_says_what_is_published_and_what_is_seen(results: Results) -> None:
    part = made(results)
    cells = table(part).cells
    rows = {row[0]: row for row in cells}
    assert len({len(row) for row in cells} | {len(table(part).heads)}) == 1
    published = next(row for name, row in rows.items() if name.startswith("published"))
    assert {unbroken("5 to 17"), unbroken("10 to 34"), "0.45"} <= set(published)
    found = find_paths(results, STUDY)
    assert found is not None
    first = found.networks[0]
    assert rows[unbroken(PLAIN)][7] == unbroken(f"{2 * first.band.low} to {2 * first.band.high}")
    assert "1,000 training images" in part.lead.detail
    assert part.pictures[0].drawn.svg.startswith("<svg")
    assert {each.name: len(each.records) for each in part.tables} == {"paths": 2, "path_lengths": 2 * 28}
    assert json.dumps(plain({"numbers": dict(part.numbers)}), allow_nan=False)


def test_the_answer_has_the_lengths_that_decide_and_the_errors(results: Results) -> None:
    part = made(results)
    lengths = [27 * factor / (1 + factor) for factor in (0.36, 0.4, 0.44)]
    assert part.title == "Does the gradient take short paths?"
    assert part.lead.verdict.startswith("Yes: weighed by the gradient that they carry")
    assert f"through {PLAIN} are {np.mean(lengths):.1f} [" in part.lead.verdict
    assert "on average, all paths 13.5" in part.lead.verdict
    assert f"In {PLAIN} at least 90 % of the gradient comes along paths of" in part.lead.detail
    assert "published are 5 to 17 of 54 blocks and 0.45 % (second-hand)" in part.lead.detail
    assert "The network's error is 4.00 %, published are 6.10 % (second-hand)." in part.lead.detail
    assert part.lead.detail.count("holds here") == 2
    assert "Hardly learned" not in part.lead.detail
    assert part.lead.tone == "good"


def test_a_network_near_guessing_is_said_to_have_hardly_learned(tmp_path: Path) -> None:
    part = made(opened(tmp_path, [path_trial(seed, 0.3 + 0.01 * seed, error=0.88) for seed in range(3)]))
    assert f"Hardly learned, with errors close to guessing: {PLAIN}." in part.lead.detail
    assert (part.lead.verdict[:3], part.lead.tone) == ("Yes", "warning")


def claims(part_of: Results) -> list[Outcome]:
    return [claim.outcome for claim in made(part_of).claims]


@pytest.mark.parametrize(
    ("factors", "outcome"),
    [
        ((0.3, 0.31, 0.32), Outcome.HOLDS),
        ((3.0, 3.1, 3.2), Outcome.CONTRADICTED),
        ((0.3, 1.0, 3.0), Outcome.OPEN),
        ((0.3,), Outcome.OPEN),
    ],
)
def test_a_claim_needs_an_interval_over_seeds(tmp_path: Path, factors: tuple[float, ...], outcome: Outcome) -> None:
    store = opened(tmp_path, [path_trial(seed, factor, depth=20) for seed, factor in enumerate(factors)])
    assert claims(store) == [outcome, outcome]


@pytest.mark.parametrize(
    ("factors", "outcome"),
    [
        ((2.0, 2.01, 2.02), Outcome.MIXED),
        ((0.3, 1.0, 3.0), Outcome.IN_PART),
    ],
)
def test_a_claim_of_some_networks_holds_in_part_and_contrary_ones_are_said(
    tmp_path: Path, factors: tuple[float, ...], outcome: Outcome
) -> None:
    trials = [path_trial(seed, 0.3 + 0.01 * seed, depth=20) for seed in range(3)]
    store = opened(tmp_path, [*trials, *(path_trial(seed, factor, depth=14) for seed, factor in enumerate(factors))])
    assert claims(store) == [outcome, outcome]


def test_claims_are_of_plainly_trained_sequential_networks(tmp_path: Path) -> None:
    """A parallel stack has paths of length 0 and 1 alone, and shows neither a fall nor long paths."""
    factors = (0.3, 0.31, 0.32)
    trials = [
        trial
        for seed, factor in enumerate(factors)
        for trial in (
            path_stack("sequential", seed, {k: [factor**k] for k in range(9)}),
            path_stack("parallel", seed, {0: [1.0], 1: [3 + factor]}),
            path_trial(seed, 3 + factor, depth=20, method="droppath", drop_rate=0.5),
        )
    ]
    store = opened(tmp_path, trials)
    assert claims(store) == [Outcome.HOLDS, Outcome.HOLDS]
    part = made(store)
    assert "stack of 8, sequential" in part.lead.verdict
    assert "stack of 8, sequential" in part.lead.detail
    assert {each["network"]: each["judged"] for each in table(part).records} == {
        "stack of 8, sequential": True,
        "stack of 8, parallel": False,
        "pre-activation ResNet-20, droppath 0.5": False,
    }
    said = page(store, part)
    assert "judged on plainly trained sequential networks with at least 3 path lengths" in said


def test_without_a_sequential_network_claims_are_not_decided(tmp_path: Path) -> None:
    store = opened(tmp_path, [path_stack("parallel", seed, {0: [1.0], 1: [0.1 + seed / 100]}) for seed in range(3)])
    assert claims(store) == [Outcome.OPEN, Outcome.OPEN]


def test_a_fall_that_is_no_straight_line_of_the_log_norm_is_not_exponential(tmp_path: Path) -> None:
    step = {k: 1.0 if k < 8 else 0.2 for k in range(10)}
    trials = [
        ended(
            preresnet(56, seed, measure="paths"),
            measurements=path_rows({k: [norm * (1 + seed * k / 1000)] for k, norm in step.items()}, 9),
        )
        for seed in range(3)
    ]
    part = made(opened(tmp_path, trials))
    claim = part.claims[1]
    assert claim.outcome is Outcome.IN_PART
    assert "R² 0.48, so it falls, but not exponentially" in claim.because


def test_planned_trials_that_are_missing_are_counted(tmp_path: Path) -> None:
    planned = [preresnet(20, seed, measure="paths") for seed in range(5)]
    diverged = ended(planned[3], status="diverged")
    store = opened(tmp_path, [*(path_trial(seed, 0.5, depth=20) for seed in range(3)), diverged], planned)
    found = find_paths(store, STUDY)
    assert found is not None
    assert [(len(each.seeds), each.lacking) for each in found.networks] == [(3, 2)]
    part = made(store)
    said = page(store, part)
    assert "<p>Seeds that did not finish, are missing or were not measured: pre-activation ResNet-20 2.</p>" in said
    assert "Of 5 trials 3 finished, 1 diverged, 0 failed and 1 are missing" in said


def test_the_longest_path_is_named_so(tmp_path: Path) -> None:
    part = made(opened(tmp_path, [path_stack("parallel", 0, {0: [1.0], 1: [0.5]})]))
    place = [head for head, _ in table(part).heads].index("longest path")
    assert table(part).cells[1][place] == "1"
    (record,) = table(part).records
    assert record["longest"] == 1
    assert "blocks" not in record


def test_draws_of_norm_zero_are_said(tmp_path: Path) -> None:
    store = opened(tmp_path, [path_stack("parallel", 0, {0: [1.0, 1.0], 1: [0.5, 0.0]})])
    said = page(store, made(store))
    assert "<p>Draws with a gradient of exactly zero, which count: stack of 8, parallel 25.0 %.</p>" in said
    assert "Seeds that did not finish" not in said


def test_a_study_without_path_gradients_has_no_part(tmp_path: Path) -> None:
    store = opened(tmp_path, [ended(preresnet(20, 0)), ended(preresnet(20, 1, measure="paths"))])
    assert answer(store, STUDY, Palette()) is None
    assert answer(store, "another", Palette()) is None


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Figure, Sequence[Sequence[Panel]]]]:
    """The figures that are drawn, each with its rows of panels."""
    figures: list[tuple[Figure, Sequence[Sequence[Panel]]]] = []

    def draw(title: str, rows: Sequence[Sequence[Panel]], *words: Any, **more: Any) -> Figure:
        figures.append((draw_panels(title, rows, *words, **more), rows))
        return figures[-1][0]

    monkeypatch.setattr("analysis.questions.paths.view.draw_panels", draw)
    return figures


def words(figure: Figure) -> set[str]:
    return {text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)}


def test_networks_of_one_kind_share_a_row_of_three_panels(results: Results, drawn: list[Any]) -> None:
    found = find_paths(results, STUDY)
    assert found is not None
    made(results)
    ((figure, rows),) = drawn
    assert len(rows) == 1
    paths, norms, carried = rows[0]
    assert [panel.y.scale for panel in rows[0]] == ["percent", "log", "percent"]
    labels = [each.label for each in found.networks]
    assert [[line.label for line in panel.lines] for panel in rows[0]] == [labels] * 3
    assert sum(paths.lines[0].y) == pytest.approx(100)
    assert sum(carried.lines[0].y) == pytest.approx(100)
    assert norms.lines[0].y[2] == pytest.approx(np.mean(np.square((0.36, 0.4, 0.44))))
    bars = {each.label: (each.band.low, each.band.high) for each in found.networks}
    assert (paths.bars, norms.bars, carried.bars) == (bars, {}, bars)
    assert {"effective band", "lowest to highest seed, of a single seed 95 % interval over draws"} <= words(figure)


@pytest.mark.parametrize(("seeds", "band"), [(1, "95 % interval over draws"), (2, "lowest to highest seed")])
def test_bands_are_said_to_span_draws_or_seeds(tmp_path: Path, drawn: list[Any], seeds: int, band: str) -> None:
    made(opened(tmp_path, [path_trial(seed, 0.5, depth=14) for seed in range(seeds)]))
    ((figure, rows),) = drawn
    assert band in words(figure)
    (line,) = rows[0][1].lines
    assert (line.low < line.y).all() if seeds == 1 else (line.low == line.y).all()


def test_a_row_has_at_most_five_networks_of_one_kind(tmp_path: Path, drawn: list[Any]) -> None:
    rates = [path_trial(0, 0.5, depth=14, method="droppath", drop_rate=rate / 10) for rate in range(1, 6)]
    store = opened(tmp_path, [*rates, path_trial(0, 0.5, depth=14), path_stack("parallel", 0, {0: [1.0], 1: [0.5]})])
    made(store)
    ((_, rows),) = drawn
    assert [len(row[0].lines) for row in rows] == [5, 1, 1]


def test_a_length_without_gradient_is_drawn(tmp_path: Path) -> None:
    """A log axis has no place for it."""
    norms = {0: [1.0], 1: [0.1], 2: [0.0]}
    trial = preresnet(14, 0, measure="paths")
    assert made(opened(tmp_path, [ended(trial, measurements=path_rows(norms, 2))])).pictures
