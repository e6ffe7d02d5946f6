"""Reports on odd stores, their figures made but not rendered."""

import itertools
import math
import re
from collections.abc import Callable

import numpy as np
import pyarrow.parquet as pq
import pytest

import analysis
from analysis.formats import DASH
from analysis.report.assemble import Report, make_report
from analysis.report.write import write_report
from sweep.result import TrialResult
from sweep.trial import Trial

TABLES = ("strata", "heterogeneity", "table_2", "cost", "pairs")


def trials(**levels) -> list[Trial]:
    names = {
        "dataset": ["digits"],
        "depth": [1, 2, 4],
        "filters": [1, 2],
        "seed": [0, 1, 2],
        "architecture": ["sequential", "parallel"],
        **levels,
    }
    return [
        Trial("test", epochs=1, **dict(zip(names, each, strict=True))) for each in itertools.product(*names.values())
    ]


def loss(each: Trial, spread: float = 0.03) -> float:
    pair, own = (np.random.default_rng(int(name[:12], 16)).normal() for name in (each.pair_id, each.trial_id))
    return math.exp(0.3 * pair + spread * own * (each.depth > 1))


ALL = trials()
MIXED = [
    Trial("test", dataset="digits", depth=8, stages=stages, filters=filters, architecture="mixed", epochs=1)
    for stages in (2, 4)
    for filters in (1, 2)
]
NOTHING: Callable[[Trial], None] = lambda each: None  # noqa: E731
# Planned trials, and what becomes of each: a status, its two losses, or nothing for the usual.
ODD: dict[str, tuple[list[Trial], Callable[[Trial], object]]] = {
    "one data set": (ALL, NOTHING),
    "two data sets": (trials(dataset=["mnist", "cifar10"]), NOTHING),
    "one factor level each": (trials(depth=[1, 2], filters=[1]), NOTHING),
    "one trained pair": (trials(depth=[2], filters=[1], seed=[0]), NOTHING),
    "two configurations": (trials(depth=[2, 4], filters=[1]), NOTHING),
    "one seed": (trials(seed=[0]), NOTHING),
    "no control": (trials(depth=[2, 4]), NOTHING),
    "mixed": ([*trials(depth=[1, 2, 8], seed=[0]), *MIXED], NOTHING),
    "interim": (ALL, lambda each: "missing" if each.filters == 2 and each.seed else None),
    "interim, one seed": (trials(seed=[0]), lambda each: "missing" if each.filters == 2 else None),
    "a data set missing": (
        trials(dataset=["mnist", "cifar10"]),
        lambda each: "missing" if each.dataset == "mnist" else None,
    ),
    "a level without a pair": (ALL, lambda each: "failed" if each.depth == 4 else None),
    "one side diverges": (
        ALL,
        lambda each: "diverged" if each.depth == 4 and each.architecture == "parallel" else None,
    ),
    "one pair left": (
        ALL,
        lambda each: "diverged" if each.depth > 1 and (each.depth, each.filters, each.seed) != (2, 1, 0) else None,
    ),
    "all alike": (ALL, lambda each: (1.0, 0.5)),
    "zeros on both sides": (ALL, lambda each: (0.0, 0.0) if each.depth == 4 else None),
    "zeros throughout": (ALL, lambda each: (0.0, 0.0)),
    "zeros on one side": (ALL, lambda each: (0.0, 0.0) if each.depth > 1 and each.architecture == "parallel" else None),
    "an exploded loss": (
        ALL,
        lambda each: (1e20, 1e20) if (each.depth, each.seed, each.architecture) == (4, 0, "parallel") else None,
    ),
    "a failed control": (
        ALL,
        lambda each: (9.0, 9.0) if (each.depth, each.seed, each.architecture) == (1, 0, "parallel") else None,
    ),
}


@pytest.fixture
def odd(make_store, end) -> Callable[..., Report]:
    def of(planned: list[Trial], becomes: Callable[[Trial], object]) -> Report:
        results: list[TrialResult] = []
        for each in planned:
            match becomes(each):
                case None:
                    results.append(end(each, loss(each), loss(each) / 2))
                case (val, train):
                    results.append(end(each, val, train))
                case status if status != "missing":
                    results.append(end(each, status=status))
        return make_report(analysis.open(make_store(results, planned)))

    return of


@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize(("planned", "becomes"), ODD.values(), ids=ODD)
def test_a_report_is_written_of_odd_stores_without_a_warning(odd, planned, becomes, tmp_path, words, numbers):
    folder = write_report(odd(planned, becomes), tmp_path / "report").parent
    said, found = words(folder), numbers(folder)
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b(?!\))", said)
    part = found["parts"]["equivalence"]
    assert found["verdicts"] == {"equivalence": part["verdict"]}
    assert all(math.isfinite(value) for value in found["headline"].values())
    assert ("interim" in said) == (found["trials"]["missing"] > 0)
    assert ("no control" in said) == (part["controls"]["pairs"] == 0)
    for name in TABLES:
        assert pq.read_table(folder / "tables" / f"{name}.parquet").num_columns


@pytest.mark.usefixtures("unrendered")
def test_one_seed_has_estimates_and_says_that_it_has_no_interval(odd, tmp_path, words):
    said = words(write_report(odd(*ODD["one seed"]), tmp_path / "report").parent)
    assert "(no interval without a second seed) over 4 configurations" in said
    assert f"p = {DASH}" not in said
    assert f"[{DASH}" not in said
    # Without a test, neither is said.
    assert "not shown to learn" not in said


@pytest.mark.usefixtures("unrendered")
def test_a_failed_control_is_the_first_thing_said(odd, tmp_path, words, numbers):
    report = odd(*ODD["a failed control"])
    assert not report.trusted
    folder = write_report(report, tmp_path / "report").parent
    said = words(folder)
    assert "These results are not to be trusted." in said
    assert "The control fails: 2 of 6 depth-1 pairs differ by more than rounding" in said
    assert "No verdict is given" in said
    assert "control failed" in said
    found = numbers(folder)
    assert found["trusted"] is False
    assert found["verdicts"]["equivalence"].startswith("No verdict: the control fails: 2 of 6 depth-1 pairs differ")
    assert found["headline"]["control_failed"] == 1
