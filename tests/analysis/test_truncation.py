"""Truncations of networks with known losses."""

import math

import pyarrow.parquet as pq
import pytest

import analysis
from analysis.claims import Outcome
from analysis.figures.style import Palette
from analysis.questions.truncation import view
from analysis.questions.truncation.summary import find_truncations
from analysis.report.assemble import make_report
from analysis.report.content import Part
from analysis.report.write import write_report
from sweep.trial import Trial


def stack(seed: int = 0, **fields) -> Trial:
    same = {"dataset": "digits", "epochs": 1, "depth": 4, "measure": "truncation", "finetune_epochs": 1}
    return Trial("test", **{**same, "seed": seed, **fields})


@pytest.fixture
def results(make_store, end, truncation_rows):
    every = [
        end(stack(seed), 0.5, measurements=truncation_rows({1: 4.0 + seed, 2: 1.0, 4: 0.5}, {1: 0.8, 4: 0.4}))
        for seed in (0, 2)
    ]
    every.append(end(stack(3), 0.5, measurements=truncation_rows({1: math.inf, 2: None, 4: 0.5})))
    every.append(end(stack(4), status="diverged"))
    every.append(end(stack(0, architecture="parallel"), 0.6, measurements=truncation_rows({1: 0.6}, {1: 0.5})))
    return analysis.open(make_store(every, [each.trial for each in every] + [stack(5)]))


@pytest.fixture
def judged(make_store, end, truncation_rows):
    """The part on sequential networks of so many seeds whose loss at the lowest order is about so many times the whole.

    `mixed` adds another network, whose loss goes the other way.
    """

    def of(times: float, seeds: int = 5, mixed: bool = False) -> Part:
        every = [
            end(stack(seed, depth=depth), measurements=truncation_rows({1: 0.5 * ratio * 1.01**seed, depth: 0.5}))
            for depth, ratio in ((4, times), *([(8, 1 / times)] if mixed else []))
            for seed in range(seeds)
        ]
        part = view.answer(analysis.open(make_store(every)), "test", Palette())
        assert part is not None
        return part

    return of


def test_figures_by_order_are_means_over_the_seeds_that_have_one(results):
    found = find_truncations(results, "test")
    assert found is not None
    ends = {"planned": 6, "finished": 4, "diverged": 1, "failed": 0, "missing": 1}
    assert found.counts == {**ends, "finished_without_measurements": 0}
    sequential, parallel = found.networks
    assert (sequential.label, len(sequential.seeds)) == ("stack of 4, sequential", 3)
    assert (parallel.label, len(parallel.seeds)) == ("stack of 4, parallel", 1)
    assert sequential.loss.mean == pytest.approx(0.5)
    trained, tuned = sequential.orders["truncate"], sequential.orders["truncate-finetuned"]
    assert trained.order.tolist() == [1, 2, 4]
    assert trained.loss.n.tolist() == [2, 2, 3]
    assert trained.loss.mean == pytest.approx([5.0, 1.0, 0.5])
    assert (trained.loss.lowest[0], trained.loss.highest[0]) == (4.0, 6.0)
    assert trained.error.mean[0] == pytest.approx(0.5)
    assert (tuned.order.tolist(), tuned.loss.mean.tolist()) == ([1, 4], [pytest.approx(0.8), pytest.approx(0.4)])


@pytest.mark.usefixtures("unrendered")
def test_the_part_says_the_lowest_order_and_draws_networks_that_have_one(results, monkeypatch):
    drawn = []
    monkeypatch.setattr(view, "draw_panels", lambda title, rows, *_, **__: drawn.append(rows))
    monkeypatch.setattr(view, "render", lambda figure: None)
    part = view.answer(results, "test", Palette())
    assert part is not None
    assert part.verdict == (
        "not decided: truncated to order 1, stack of 4, sequential goes in loss from 0.50 to 5.00, "
        "fine-tuned from 0.40 to 0.80"
    )
    assert [[panel.title for panel in row] for rows in drawn for row in rows] == [["stack of 4, sequential"]]
    (table,) = part.tables
    rows = table.records
    assert {row["network"] for row in rows} == {"stack of 4, sequential", "stack of 4, parallel"}
    (first,) = (row for row in rows if row["seeds"] == 2 and row["truncation"] == "as trained" and row["order"] == 1)
    assert (first["loss"], first["to_whole"]) == (5.0, 10.0)


@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize(
    ("fields", "outcome", "begins"),
    [
        ({"times": 3.0}, Outcome.HOLDS, "Yes: truncated to order 1, stack of 4, sequential goes in loss from 0.50 to"),
        ({"times": 0.5}, Outcome.CONTRADICTED, "No, networks gain by dropping them: "),
        ({"times": 3.0, "mixed": True}, Outcome.MIXED, "In some networks, and others gain by dropping them: "),
        ({"times": 3.0, "seeds": 1}, Outcome.OPEN, "Not decided: "),
        ({"times": 1.0, "seeds": 2}, Outcome.OPEN, "Not decided: "),
    ],
)
def test_the_verdict_answers_the_question_of_the_title(judged, fields, outcome, begins):
    part = judged(**fields)
    (claim,) = part.claims
    assert claim.outcome is outcome
    assert part.title == "Are higher-order terms needed?"
    assert part.lead.verdict.startswith(begins)
    assert part.lead.tone == ("info" if outcome is Outcome.OPEN else "good")


@pytest.mark.usefixtures("unrendered")
def test_a_network_that_has_no_lower_order_is_not_judged(make_store, end, truncation_rows):
    alone = end(stack(architecture="parallel"), 0.6, measurements=truncation_rows({1: 0.6}))
    part = view.answer(analysis.open(make_store([alone])), "test", Palette())
    assert part is not None
    assert part.lead.verdict == "No network has a lower order that it could be truncated to."
    assert not part.pictures


def test_a_study_of_truncations_has_a_report(results, tmp_path, words, numbers, files):
    folder = write_report(make_report(results), tmp_path / "report").parent
    said, found = words(folder), numbers(folder)
    assert list(found["verdicts"]) == ["truncation"]
    assert "Of 6 trials 4 finished, 1 diverged, 0 failed and 1 are missing;" in said
    assert "Loss by order" in said
    assert "5.000" in said
    assert not {"nan", "None"} & set(said.split())
    assert found["parts"]["truncation"]["trials"]["finished_without_measurements"] == 0
    rows = pq.read_table(folder / "tables" / "truncation.parquet").to_pylist()
    assert rows == found["parts"]["truncation"]["truncation"]
    assert len(rows) == 7
    assert {"figures/truncation.svg", "figures/truncation.png"} <= set(files(folder))


def test_without_truncations_there_is_no_part(make_store, end):
    results = analysis.open(make_store([end(stack(measure="none", finetune_epochs=0)), end(stack(1))]))
    assert view.answer(results, "test", Palette()) is None
