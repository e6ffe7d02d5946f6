"""The part on norms: its answer, claims, tables, figures and words."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.claims import Outcome
from analysis.figures.panels import Panel, draw_panels
from analysis.figures.style import Palette
from analysis.formats import unbroken
from analysis.plain import plain
from analysis.questions.norm_preservation.claims import loss_words
from analysis.questions.norm_preservation.stacks import Correlation
from analysis.questions.norm_preservation.view import answer
from analysis.report.assemble import Report
from analysis.report.content import Part, Table
from analysis.report.page import page_html
from analysis.results import Results
from analysis.study import trial_states
from sweep.result import TrialResult
from tests.analysis.synthetic_measurements import STUDY, ended, norm_rows, norm_trial, opened, preresnet, preresnet_logs

PROJECTED: dict[str, Any] = {"method": "procrustes", "projection_rate": 0.5}
KEPT = [0.1, -0.1, 0.1, -0.1]


def made(results: Results) -> Part:
    part = answer(results, STUDY, Palette())
    assert part is not None
    return part


def tables(part: Part) -> dict[str, Table]:
    return {each.name: each for each in part.tables}


def claims(part: Part) -> dict[str, tuple[Outcome, str]]:
    """By the first word of the claim."""
    return {each.claim.split()[0]: (each.outcome, each.because) for each in part.claims}


def page(results: Results, part: Part) -> str:
    """The words of a page with this part alone, without line breaks."""
    return " ".join(page_html(Report(STUDY, "", (), trial_states(results, STUDY), (part,))).split())


def of_depths(spreads: Mapping[int, Sequence[float]], **fields: Any) -> list[TrialResult]:
    return [
        norm_trial(depth, seed, each, **fields) for depth, some in spreads.items() for seed, each in enumerate(some)
    ]


FALLING = {14: [0.3, 0.31, 0.32], 20: [0.2, 0.21, 0.22], 26: [0.1, 0.11, 0.12]}


@pytest.mark.usefixtures("unrendered")
def test_the_answer_has_the_spreads_that_decide(tmp_path: Path) -> None:
    results = opened(tmp_path, of_depths(FALLING))
    part = made(results)
    assert part.lead.verdict == (
        "Yes: the log ratio of the gradient's norm over a block spreads by 0.110 [0.085, 0.135] in 12 blocks, and by "
        "0.310 [0.285, 0.335] in 6."
    )
    # Blocks that change the shape have a log ratio of 2.
    assert part.lead.detail.startswith(
        "These are pre-activation ResNet-14 to pre-activation ResNet-26. In pre-activation ResNet-26 the norm "
        "changes over one stage by a factor of 1.000 [1.000, 1.000] on average, and by 7.39, up or down, at most."
    )
    assert part.lead.tone == "good"
    outcome, because = claims(part)["More"]
    assert outcome is Outcome.HOLDS
    ratio = math.exp(np.log(FALLING[26]).mean() - np.log(FALLING[14]).mean())
    assert f"spread {ratio:.2f} [" in because
    assert "on the bound's, whose shape is 1" in because
    assert part.headline["gradient_spread"] == pytest.approx(0.11)
    assert [each.name for each in part.pictures] == ["gradient-norms-end", "gradient-depths"]
    said = page(results, part)
    assert "Batch norms are at their running statistics" in said
    assert "at most 256 training images" in said
    assert json.dumps(plain({"numbers": dict(part.numbers), "headline": part.headline}), allow_nan=False)


@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize(
    ("spreads", "outcome"),
    [
        ({14: [0.1, 0.11, 0.12], 20: [0.3, 0.31, 0.32]}, Outcome.CONTRADICTED),
        ({14: [0.1, 0.3, 0.5], 20: [0.1, 0.3, 0.4]}, Outcome.OPEN),
        ({14: [0.3, 0.31], 20: [0.1, 0.11]}, Outcome.OPEN),
        ({14: [0.3], 20: [0.1]}, Outcome.OPEN),
        ({14: [0.3, 0.31, 0.32]}, Outcome.OPEN),
    ],
)
def test_a_claim_needs_three_seeds_of_two_depths(
    tmp_path: Path, spreads: dict[int, Sequence[float]], outcome: Outcome
) -> None:
    results = opened(tmp_path, of_depths(spreads))
    part = made(results)
    assert claims(part)["More"][0] is outcome
    if len(spreads) > 1:
        assert tables(part)["gradient_depths"].cells[0][-2] == "not shown"
        assert "slope not shown" in claims(part)["More"][1]
    else:
        assert "differ in depth alone were measured" in claims(part)["More"][1]
        assert part.lead.verdict.startswith("In pre-activation ResNet-14 the norm changes")
    assert page(results, part)


def projected(errors: Sequence[float], status: Any = "finished", **fields: Any) -> list[TrialResult]:
    return [
        ended(
            trial,
            error,
            status=status,
            measurements=norm_rows(preresnet_logs(14, KEPT), {1: 0.01 * seed if fields else -0.5}),
        )
        for seed, error in enumerate(errors)
        for trial in (preresnet(14, seed, measure="gradient-norms", **fields),)
    ]


@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize(
    ("errors", "outcome"),
    [
        ([0.20, 0.205, 0.21], Outcome.HOLDS),
        ([0.40, 0.405, 0.41], Outcome.CONTRADICTED),
        ([0.2, 0.3, 0.4], Outcome.OPEN),
    ],
)
def test_projected_transitions_are_judged_by_their_errors(
    tmp_path: Path, errors: Sequence[float], outcome: Outcome
) -> None:
    results = opened(tmp_path, [*projected([0.3, 0.301, 0.303]), *projected(errors, **PROJECTED)])
    part = made(results)
    assert claims(part)["Norm-preserving"][0] is outcome
    cells = tables(part)["gradient_projections"].cells
    assert [row[4:7] for row in cells[:4]] == [
        ["4.75", "5.46", "-0.71"],
        ["4.20", "4.73", "-0.53"],
        ["3.78", "4.59", "-0.81"],
        ["3.84", "4.52", "-0.68"],
    ]
    assert cells[4][:4] == [
        unbroken("pre-activation ResNet-14, projected 0.5"),
        unbroken("pre-activation ResNet-14"),
        "shared",
        "3",
    ]
    assert cells[4][8:] == ["1.01", "0.61"]
    assert "gradient-projections" in [each.name for each in part.pictures]
    assert "300 epochs on the whole of CIFAR-10" in page(results, part)
    places = {
        row["place"]: row["log_ratio"]
        for row in tables(part)["gradient_transitions"].records
        if "projected" in row["network"]
    }
    assert places == {
        "after stage 1": pytest.approx(0.01),
        "stage 2, which changes the shape": pytest.approx(2),
        "stage 4, which changes the shape": pytest.approx(2),
    }


@pytest.mark.usefixtures("unrendered")
def test_a_seed_without_a_result_leaves_it_undecided(tmp_path: Path) -> None:
    trials = [*projected([0.3, 0.301, 0.303]), *projected([0.20, 0.205, 0.21], **PROJECTED)]
    results = opened(tmp_path, trials, [preresnet(14, 3, measure="gradient-norms", **PROJECTED)])
    outcome, because = claims(made(results))["Norm-preserving"]
    assert outcome is Outcome.OPEN
    assert "1 seeds without a result" in because


@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize(("seeds", "outcome"), [(8, Outcome.HOLDS), (4, Outcome.OPEN), (2, Outcome.OPEN)])
def test_learning_rates_are_judged_by_an_exact_test(tmp_path: Path, seeds: int, outcome: Outcome) -> None:
    trials = [
        each
        for rate, error in ((0.1, 0.3), (1.0, 0.88))
        for each in (
            *projected([error] * seeds, learning_rate=rate),
            *projected([0.3] * seeds, learning_rate=rate, **PROJECTED),
        )
    ]
    results = opened(tmp_path, trials)
    part = made(results)
    found, because = claims(part)["Networks"]
    assert found is outcome
    assert ("at 1 p" in because) == (seeds > 2)
    cells = {row[0]: row[1:] for row in tables(part)["learning_rates"].cells}
    assert cells == {
        unbroken("pre-activation ResNet-14"): [f"{seeds} of {seeds}", f"0 of {seeds}", "0.1"],
        unbroken("pre-activation ResNet-14, projected 0.5"): [f"{seeds} of {seeds}", f"{seeds} of {seeds}", "1"],
    }
    assert len(tables(part)["learning_rate_counts"].records) == 4
    assert "below 0.9 of that of guessing" in page(results, part)
    assert "Hardly learned, with errors close to guessing" in part.lead.detail


@pytest.mark.usefixtures("unrendered")
def test_rates_without_a_dispute_decide_nothing(tmp_path: Path) -> None:
    trials = [
        each
        for rate in (0.1, 1.0)
        for each in (*projected([0.3] * 3, learning_rate=rate), *projected([0.3] * 3, learning_rate=rate, **PROJECTED))
    ]
    assert claims(made(opened(tmp_path, trials)))["Networks"] == (
        Outcome.OPEN,
        "at every rate all seeds train, or none does",
    )


def stack(architecture: str, seed: int, logs: Sequence[float], loss: float, **fields: Any) -> TrialResult:
    trial = preresnet(8, seed, measure="gradient-norms", **fields)
    trial = trial.but(network="stack", depth=4, architecture=architecture, stages=len(logs))
    return ended(trial, loss=loss, measurements=norm_rows(logs))


def twins(configurations: int) -> list[TrialResult]:
    return [
        made
        for filters in range(1, configurations + 1)
        for seed in range(3)
        for made in (
            stack("sequential", seed, [0.5, 0.5, 0.5, 0.5 + seed / 100], 1.0, filters=filters),
            stack("parallel", seed, [0.05 * filters], math.exp(0.01 * filters), filters=filters),
        )
    ]


@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize(
    ("configurations", "said"),
    [
        (2, "Fewer than three configurations of parallel networks do not show whether losses go with norms."),
        (4, "is 1.00 over 4 configurations: descriptive alone, as they are fewer than 10."),
        (11, "is 1.00 over 11 configurations (p &lt; 0.0001): the better the norm is kept, the lower the loss."),
    ],
)
def test_twins_are_compared_and_their_losses_beside(tmp_path: Path, configurations: int, said: str) -> None:
    results = opened(tmp_path, twins(configurations))
    part = made(results)
    outcome, because = claims(part)["Parallel"]
    assert outcome is Outcome.HOLDS
    assert f"in the mean of {configurations} configurations" in because
    assert len(tables(part)["gradient_twins"].rows) == configurations
    assert said in page(results, part)
    assert [each.name for each in part.pictures] == ["gradient-norms-end", "gradient-twins"]


def test_no_relation_is_said_where_none_is_shown() -> None:
    assert loss_words("mixed", Correlation(0.1, 0.7, 12)).endswith("(p = 0.70): no relation is shown.")
    assert "the higher the loss" in loss_words("mixed", Correlation(-0.9, 0.0001, 12))


Drawn = list[tuple[str, Sequence[Sequence[Panel]]]]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Drawn:
    """The figures of panels, by their titles, each with its rows."""
    figures: Drawn = []

    def draw(title: str, rows: Sequence[Sequence[Panel]], *words: Any, **more: Any) -> Any:
        figures.append((title, rows))
        return draw_panels(title, rows, *words, **more)

    monkeypatch.setattr("analysis.questions.norm_preservation.pictures.draw_panels", draw)
    return figures


def test_the_spread_is_drawn_with_the_bounds_shape_through_the_first_point(tmp_path: Path, drawn: Drawn) -> None:
    made(opened(tmp_path, of_depths(FALLING)))
    (rows,) = [rows for title, rows in drawn if "by depth" in title]
    ((panel,),) = rows
    line, bound = panel.lines
    assert bound.label == "shape of the bound"
    assert line.x.tolist() == [6, 9, 12]
    assert line.y == pytest.approx([0.31, 0.21, 0.11])
    assert line.low is not None
    assert line.low == pytest.approx([0.3, 0.2, 0.1])
    assert bound.y[0] == pytest.approx(0.31)
    assert bound.y[2] / bound.y[0] == pytest.approx((math.log(24) / 12) / (math.log(12) / 6))


def test_ratios_by_epoch_are_drawn_in_powers_of_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    from analysis.figures.heat_map import draw_heat_maps

    def draw(title: str, maps: Any, shades: Any) -> Any:
        seen.append((maps, shades))
        return draw_heat_maps(title, maps, shades)

    monkeypatch.setattr("analysis.questions.norm_preservation.pictures.draw_heat_maps", draw)
    doubled = [math.log(2)] * 6
    rows = [*norm_rows([0.0] * 6, epoch=0), *norm_rows(doubled, epoch=5), *norm_rows([*doubled[:5], None])]
    trial = preresnet(14, measure="gradient-norms", measure_every=5)
    results = opened(tmp_path, [ended(trial, measurements=rows), *of_depths({20: [0.1]})])
    part = made(results)
    (((each,), shades),) = seen
    assert shades.signed
    assert each.columns == (0, 5, 10)
    np.testing.assert_allclose(each.values, [[0, 1, 1]] * 5 + [[0, 1, np.nan]])
    assert [picture.name for picture in part.pictures][:2] == ["gradient-norms", "gradient-norms-end"]
    arrow = tables(part)["gradient_ratios"].arrow
    assert arrow.num_rows == 3 * 6 + 9
    assert arrow.filter(arrow["log_ratio"].is_null()).to_pylist()[0]["epoch"] == 10
    assert page(results, part)


@pytest.mark.parametrize(
    "trials",
    [
        lambda: [ended(preresnet(14, measure="gradient-norms"), measurements=norm_rows([None] * 6))],
        lambda: [ended(preresnet(14, measure="gradient-norms"), measurements=norm_rows([0.1]))],
        lambda: [ended(preresnet(14, measure="gradient-norms"), 0.9, measurements=norm_rows([0.1] * 6))],
        lambda: [
            ended(
                preresnet(14, 0, measure="gradient-norms", **PROJECTED), measurements=norm_rows([None] * 6, {1: None})
            ),
            ended(preresnet(14, 1, measure="gradient-norms"), status="diverged"),
        ],
        lambda: [
            stack("sequential", 0, [0.0] * 4, 0.0),
            stack("parallel", 0, [0.0], 1.0),
            stack("parallel", 1, [0.0], 1.0),
        ],
    ],
    ids=["no ratio", "one stage", "guessing", "no like", "twins without a loss"],
)
def test_odd_results_have_a_page(tmp_path: Path, trials: Callable[[], list[TrialResult]]) -> None:
    results = opened(tmp_path, trials(), [preresnet(14, 9, measure="gradient-norms")])
    assert page(results, made(results))


def test_a_study_without_norms_has_no_part(tmp_path: Path) -> None:
    assert answer(opened(tmp_path, [ended(preresnet(14))]), STUDY, Palette()) is None
