"""The answer that a sweep prints at its end."""

import io
from collections.abc import Callable, Iterable

import pytest
from rich.console import Console

import analysis
from analysis.formats import DASH, NAMES
from analysis.report.assemble import make_report
from analysis.study import NothingToReport
from sweep.cli.answer import print_answer
from sweep.ledger import Ledger, Margins, to_tables
from sweep.planning import Plan
from sweep.result import Epoch, TrialResult
from sweep.trial import Trial


def trial(side: str, depth: int, **factors) -> Trial:
    return Trial("test", **{"dataset": "digits", "epochs": 1, "depth": depth, "architecture": side, **factors})


def result(of: Trial, loss: float) -> TrialResult:
    return TrialResult(of, "finished", (Epoch(1, loss / 2, 0.5, loss, 1 - loss / 10, 1.0, 0.0),))


def pairs(ratio: float, depths: Iterable[int] = (2,), seeds: Iterable[int] = (0, 1), **factors) -> list[TrialResult]:
    """Two seeds of each depth, unless told; the ratio differs a little between depths."""
    return [
        result(
            trial(side, depth, seed=seed, **factors),
            (1 + seed / 100) * (ratio + depth / 1000 + seed % 3 / 1e4 * (depth > 1) if side == "parallel" else 1),
        )
        for depth in depths
        for seed in seeds
        for side in ("sequential", "parallel")
    ]


@pytest.fixture
def answer(tmp_path) -> Callable[..., tuple[str, bool]]:
    """The printed answer, and whether the results may be trusted."""

    def of(results: list[TrialResult], margins: Margins | None = None):
        ledger = Ledger.create(tmp_path / "store")
        plan = Plan.of("test", [each.trial for each in results], margins or Margins())
        ledger.record_sweep(plan.sweep_id, plan.study, plan.trials, plan.margins)
        ledger.publish(to_tables(results))
        out = io.StringIO()
        trusted = print_answer(analysis.open(tmp_path / "store"), "test", Console(file=out, width=200, highlight=False))
        return out.getvalue(), trusted

    return of


def rows(printed: str) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for line in printed.splitlines():
        cells = [cell.strip() for cell in line.split("  ") if cell.strip()]
        if len(cells) > 2 and cells[1] in NAMES.values():
            found[cells[0], cells[1]] = cells[2:]
    return found


MANY = {"depths": (2, 4, 8, 16), "seeds": range(13)}
"""Enough pairs for a verdict."""


def test_each_data_set_and_metric_has_a_row_with_its_interval_and_verdict(answer):
    printed, trusted = answer([*pairs(1.3, **MANY), *pairs(1.0, **MANY, dataset="mnist")], Margins(0.1))
    found = rows(printed)
    assert set(found) == {(data, metric) for data in ("digits", "MNIST") for metric in NAMES.values()}
    ratio, interval, verdict = found["digits", "validation loss"]
    assert (ratio, verdict) == ("1.308", "sequential better")
    low, high = map(float, interval.strip("[]").split(","))
    assert low <= 1.308 <= high
    assert found["MNIST", "validation loss"][2] == "different but inside the margin*"
    assert found["digits", "validation accuracy"][0].startswith("-0.0")
    assert found["digits", "validation accuracy"][2] == "(difference)"
    assert "* MNIST: whether depth helps here is not known" in printed
    assert "It depends on the data set. digits: sequential better; MNIST: different but inside the margin" in printed
    assert trusted


def test_the_answer_names_the_declared_margin_and_the_pairs(answer):
    diverged = [TrialResult(trial("parallel", 16), "diverged", diverged_epoch=1), result(trial("sequential", 16), 1.0)]
    printed, _ = answer([*pairs(1.1, (2, 4)), *diverged], Margins(0.25))
    said = " ".join(printed.split())
    assert "Margin declared: 25 % of the loss, and of what is learned." in said
    assert "Complete pairs: 4 of 5 in 3 configurations on digits." in said


def test_the_answer_covers_the_study(answer):
    printed, _ = answer([*pairs(1.0, (2, 4)), *pairs(9.0, (32,))])
    assert "6 of 6 in 3 configurations" in printed
    assert "No verdict: too few pairs" in printed


@pytest.mark.parametrize(
    ("ratio", "said", "trusted"),
    [
        (1.0, "Control: 2 of 2 depth-1 pairs are identical, as they must be.", True),
        (1 + 1e-6, "Control: 0 of 2 depth-1 pairs are identical, 2 differ by rounding, as sides trained in", True),
        (1.01, "The control fails: 2 of 2 depth-1 pairs differ by more than rounding", False),
    ],
)
def test_the_control_is_printed_and_returned(answer, ratio, said, trusted):
    printed, found = answer([*pairs(1.0), *pairs(ratio - 0.001, (1,))])
    assert said in " ".join(printed.split())
    assert found is trusted
    assert ("Do not trust these results." in printed) is not trusted


def test_without_a_control_the_answer_does_not_mention_one(answer):
    printed, trusted = answer(pairs(1.0))
    assert "ontrol" not in printed
    assert trusted


def test_one_seed_has_an_estimate_without_an_interval(answer):
    printed, _ = answer(pairs(1.1, seeds=(0,)))
    ratio, interval, verdict = rows(printed)["digits", "validation loss"]
    assert (ratio, interval, verdict) == ("1.102", "none", "undecided")
    assert "No interval without a second seed." in printed
    assert DASH not in printed


def test_a_study_of_something_else_has_no_table_of_pairs_as_on_its_page(answer, tmp_path):
    printed, _ = answer([*pairs(1.1, measure="lesions"), *pairs(0.999, (1,), measure="lesions")])
    assert "Parallel against sequential" not in printed
    assert "Control: 2 of 2" in printed
    with pytest.raises(NothingToReport):
        make_report(analysis.open(tmp_path / "store"))


def test_without_a_deeper_pair_only_the_control_is_printed(answer):
    printed, _ = answer(pairs(0.999, (1,)))
    assert "Parallel against sequential" not in printed
    assert "Control: 2 of 2" in printed
