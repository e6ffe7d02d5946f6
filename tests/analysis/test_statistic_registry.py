"""Whatever is registered is in the assessment, the table of spread and the numbers, and nothing else changes."""

import itertools
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import analysis
from analysis.equivalence.contrast import Contrasts
from analysis.equivalence.registry import STATISTICS, table_rows
from analysis.equivalence.statistic import Statistic
from analysis.report.assemble import make_report
from analysis.report.write import write_report
from sweep.trial import Trial

LABEL = "a throw-away median"


@dataclass(frozen=True)
class Medians:
    """What a statistic of several numbers may give."""

    means: float
    margin: float


def median(of: Contrasts, margin: float) -> float:
    return float(np.median(of.means))


MEDIAN = Statistic("median", median, {LABEL: lambda found: f"about {math.exp(found):.2f}"})
MEDIANS = Statistic("medians", lambda of, margin: Medians(float(np.median(of.means)), margin))


@pytest.fixture
def registered(monkeypatch) -> Callable[[Statistic[Any]], None]:
    """Registers a statistic for one test."""
    return lambda statistic: monkeypatch.setitem(STATISTICS, statistic.name, statistic)


@pytest.fixture(scope="module")
def store(make_store, end) -> Path:
    """Two data sets, a few configurations, two seeds; one trial is missing."""

    def loss(each: Trial) -> float:
        pair, own = (np.random.default_rng(int(name[:12], 16)).normal() for name in (each.pair_id, each.trial_id))
        return math.exp(0.3 * pair + 0.03 * own * (each.depth > 1))

    levels = ["mnist", "cifar10"], [1, 2, 4], [1, 2], [0, 1], ["sequential", "parallel"]
    trials = [
        Trial("test", dataset=dataset, depth=depth, filters=filters, seed=seed, architecture=side, epochs=1)
        for dataset, depth, filters, seed, side in itertools.product(*levels)
    ]
    return make_store([end(each, loss(each), loss(each) / 2) for each in trials[:-1]], trials)


def without(name: str, numbers: Any) -> Any:
    """The same numbers but for those of one name, wherever it stands."""
    if isinstance(numbers, dict):
        return {key: without(name, value) for key, value in numbers.items() if key != name}
    return [without(name, each) for each in numbers] if isinstance(numbers, list) else numbers


def assessments(part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every assessment of a loss in the numbers."""
    for by_metric in (part["answers"], *part["mixed"].values()):
        for metric, answer in by_metric.items():
            yield from answer.values() if metric != "val_accuracy" else ()


def test_a_statistic_that_is_registered_is_in_every_assessment(registered, made, judged):
    of = made(0.03, spread=0.05)
    before = judged(of)
    registered(MEDIAN)
    after = judged(of)
    means = of.contrasts(of.contrast("ratio")).means
    assert after.statistics["median"] == pytest.approx(np.median(means))
    assert after.statistics == {**before.statistics, "median": after.statistics["median"]}
    assert repr(replace(after, statistics={})) == repr(replace(before, statistics={}))


@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize("statistic", [MEDIAN, MEDIANS], ids=["with a row", "without a row"])
def test_it_is_in_the_table_and_in_the_numbers_and_nothing_else_changes(
    statistic, registered, store, tmp_path, files, numbers
):
    write_report(make_report(analysis.open(store)), tmp_path / "before")
    registered(statistic)
    write_report(make_report(analysis.open(store)), tmp_path / "after")
    before, after = files(tmp_path / "before"), files(tmp_path / "after")
    found, same = numbers(tmp_path / "after"), numbers(tmp_path / "before")
    shown, told = (each["parts"]["equivalence"].pop("spread") for each in (same, found))
    assert [row for row in told if row["statistic"] != LABEL] == shown
    assert len(told) == len(shown) + len(statistic.rows)
    assert without(statistic.name, found) == same
    assert all(statistic.name in each["statistics"] for each in assessments(found["parts"]["equivalence"]))
    page, row = after["report.html"].decode(), rf'<tr><th scope="row" class="left">{LABEL}</th>.*</tr>\n'
    assert len(re.findall(row, page)) == len(statistic.rows)
    assert re.sub(row, "", page) == before["report.html"].decode()
    assert {name for name in after if after[name] != before.get(name)} <= {
        "report.html",
        "numbers.json",
        "tables/spread.parquet",
    }
    assert after.keys() == before.keys()


def test_rows_stand_in_the_order_of_registration(registered):
    before = [label for _, label, _ in table_rows()]
    registered(MEDIAN)
    assert [label for _, label, _ in table_rows()] == [*before, LABEL]


def test_no_two_statistics_have_one_name_and_no_two_rows_one_label():
    assert all(name == statistic.name for name, statistic in STATISTICS.items())
    labels = [label for _, label, _ in table_rows()]
    assert len(labels) == len(set(labels))


def test_an_assessment_has_every_statistic_and_no_other(made, judged):
    assert judged(made(0.0)).statistics.keys() == STATISTICS.keys()
