"""The answer that a sweep prints at its end."""

import io
from collections.abc import Callable, Iterable

import pytest
from rich.console import Console

import analysis
from analysis.control import Controls
from analysis.formats import DASH
from sweep.cli.answer import print_answer
from sweep.ledger import Ledger, Margins, to_tables
from sweep.plan import Plan
from sweep.result import Epoch, TrialResult
from sweep.trial import Trial


def trial(side: str, depth: int, **factors) -> Trial:
    return Trial("test", **{"dataset": "digits", "epochs": 1, "depth": depth, "architecture": side, **factors})


def result(of: Trial, loss: float) -> TrialResult:
    return TrialResult(of, "finished", (Epoch(1, loss / 2, 0.5, loss, 1 - loss / 10, 1.0, 0.0),))


def pairs(ratio: float, depths: Iterable[int] = (2,), **factors) -> list[TrialResult]:
    """Two seeds of each depth; the ratio differs a little between depths."""
    return [
        result(
            trial(side, depth, seed=seed, **factors),
            (1 + seed / 10) * (ratio + depth / 1000 if side == "parallel" else 1),
        )
        for depth in depths
        for seed in (0, 1)
        for side in ("sequential", "parallel")
    ]


@pytest.fixture
def answer(tmp_path) -> Callable[..., tuple[str, Controls]]:
    """The printed answer and the control for results, of which the plan has all trials except `left_out`."""

    def of(results: list[TrialResult], margins: Margins | None = None, left_out: Iterable[Trial] = ()):
        ledger = Ledger.create(tmp_path / "store")
        planned = [each.trial for each in results if each.trial not in left_out]
        plan = Plan.of("test", planned, margins or Margins())
        ledger.record_sweep(plan.sweep_id, plan.study, plan.trials, plan.margins)
        ledger.publish(to_tables(results))
        out = io.StringIO()
        control = print_answer(analysis.open(tmp_path / "store"), plan, Console(file=out, width=200, highlight=False))
        return out.getvalue(), control

    return of


def rows(printed: str) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for line in printed.splitlines():
        cells = [cell.strip() for cell in line.split("  ") if cell.strip()]
        if len(cells) > 2 and cells[1] in ("val_loss", "train_loss", "val_accuracy"):
            found[cells[0], cells[1]] = cells[2:]
    return found


def test_each_data_set_and_metric_has_a_row_with_its_interval_and_verdict(answer):
    printed, _ = answer([*pairs(1.3, (2, 4, 8)), *pairs(1.0, (2, 4, 8), dataset="mnist")], Margins(0.1))
    found = rows(printed)
    assert set(found) == {
        (data, metric) for data in ("digits", "mnist") for metric in ("val_loss", "train_loss", "val_accuracy")
    }
    ratio, interval, verdict = found["digits", "val_loss"]
    assert (ratio, verdict) == ("1.3047", "sequential better")
    low, high = map(float, interval.strip("[]").split(","))
    assert low < 1.3047 < high
    assert found["mnist", "val_loss"][2] == "equivalent"
    assert found["digits", "val_accuracy"][0].startswith("-0.0")
    assert found["digits", "val_accuracy"][2] == "(difference)"


def test_the_answer_names_the_declared_margins_and_the_pairs(answer):
    diverged = [TrialResult(trial("parallel", 16), "diverged", diverged_epoch=1), result(trial("sequential", 16), 1.0)]
    printed, _ = answer([*pairs(1.1, (2, 4)), *diverged], Margins(0.25, 2))
    said = " ".join(printed.split())
    assert "Margins declared: 25 % of the loss, 2 times the spread among seeds." in said
    assert "digits 4 in 3 configurations, 1 incomplete because a side diverged, failed or is missing." in said


def test_the_answer_covers_only_the_plan(answer):
    others = pairs(9.0, (32,))
    printed, _ = answer([*pairs(1.0, (2, 4)), *others], left_out=[each.trial for each in others])
    assert "digits 4 in 2 configurations" in printed
    assert rows(printed)["digits", "val_loss"][0] == "1.0030"


@pytest.mark.parametrize(
    ("ratio", "identical", "said", "failed"),
    [
        (1.0, 2, "as they must be.", False),
        (1 + 1e-6, 0, "2 differ by rounding, as sides trained in different packs may.", False),
        (1.01, 0, "and others differ: THE CONTROL FAILS, do not trust these results.", True),
    ],
)
def test_the_control_is_printed_and_returned(answer, ratio, identical, said, failed):
    printed, control = answer([*pairs(1.0), *pairs(ratio - 0.001, (1,))])
    assert f"Control: {identical} of 2 depth-1 pairs are identical, {said}" in " ".join(printed.split())
    assert control.failed is failed


def test_without_a_control_the_answer_does_not_mention_one(answer):
    printed, control = answer(pairs(1.0))
    assert "ontrol" not in printed
    assert not control.failed


def test_one_configuration_has_an_estimate_without_an_interval(answer):
    printed, _ = answer(pairs(1.1))
    ratio, interval, verdict = rows(printed)["digits", "val_loss"]
    assert (ratio, interval, verdict) == ("1.1020", f"[{DASH}, {DASH}]", "undecided")


def test_without_a_deeper_pair_only_the_control_is_printed(answer):
    printed, _ = answer(pairs(0.999, (1,)))
    assert "Parallel against sequential" not in printed
    assert "Control: 2 of 2" in printed
