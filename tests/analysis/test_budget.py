"""How ratios change with the budget, on curves whose ratios are known."""

import math
from typing import Any

import numpy as np
import pytest

import analysis
from analysis.figures.style import Palette
from analysis.questions.equivalence import view
from analysis.questions.equivalence.budget import Course, chosen_epochs, find_courses
from analysis.report.content import Part
from sweep.result import Epoch, TrialResult
from sweep.trial import Trial

EPOCHS = 6
GUESSING = math.log(10)


def trial(architecture: str, depth: int, seed: int, **fields: Any) -> Trial:
    return Trial("test", architecture=architecture, depth=depth, seed=seed, epochs=EPOCHS, filters=2, **fields)


def trained(trial: Trial, losses: list[float]) -> TrialResult:
    """A trial with these validation losses; with fewer than its epochs it diverged."""
    epochs = tuple(Epoch(number, 1.0, 0.5, loss, 0.5, 1.0, 1.0) for number, loss in enumerate(losses, 1))
    done = len(losses) == trial.epochs
    return TrialResult(trial, "finished" if done else "diverged", epochs, None if done else len(losses) + 1)


def pair(depth: int, seed: int, slope: float, bend: float = 0.0, **fields: Any) -> list[TrialResult]:
    """Both sides; the parallel one is 1.2 times the other after an epoch, and times exp(slope) each doubling."""
    noise = 0.01 * math.sin(7 * depth + 3 * seed)
    sequential = [2.0 / epoch for epoch in range(1, EPOCHS + 1)]
    log_ratios = [
        math.log(1.2) + slope * math.log2(epoch) + noise + (bend if epoch == EPOCHS else 0.0)
        for epoch in range(1, EPOCHS + 1)
    ]
    parallel = [loss * math.exp(ratio) for loss, ratio in zip(sequential, log_ratios, strict=True)]
    return [
        trained(trial("sequential", depth, seed, **fields), sequential),
        trained(trial("parallel", depth, seed, **fields), parallel),
    ]


def controls(**fields: Any) -> list[TrialResult]:
    return [trained(trial(each, 1, 0, **fields), [1.0] * EPOCHS) for each in ("sequential", "parallel")]


@pytest.fixture
def courses(make_store):
    def of(
        slope: float, bend: float = 0.0, extra: list[TrialResult] | None = None, **fields: Any
    ) -> tuple[Course, ...]:
        results = [*controls(**fields), *(extra or [])]
        for depth in (2, 4, 8):
            for seed in range(4):
                results += pair(depth, seed, slope, bend, **fields)
        opened = analysis.open(make_store(results))
        return tuple(find_courses(opened, opened.pairs("val_loss", "test")))

    return of


def test_each_point_is_the_mean_log_ratio_after_so_many_epochs(courses):
    (course,) = courses(math.log(0.9))
    assert (course.dataset, course.images, course.pairs, course.configurations) == ("mnist", 60000, 12, 3)
    assert course.epochs == (1, 2, 3, 4, 5, 6)
    noise = np.mean([0.01 * math.sin(7 * depth + 3 * seed) for depth in (2, 4, 8) for seed in range(4)])
    expected = [math.log(1.2) + math.log(0.9) * math.log2(epoch) + noise for epoch in course.epochs]
    assert [mean.estimate for mean in course.at] == pytest.approx(expected)
    assert course.slope.estimate == pytest.approx(math.log(0.9))
    assert course.missed.estimate == pytest.approx(0, abs=1e-12)
    for times, ahead in zip((2, 10), course.ahead, strict=True):
        assert ahead.estimate == pytest.approx(expected[-1] + math.log(0.9) * math.log2(times))
        low, high = ahead.interval(0.95)[1:]
        assert low < ahead.estimate < high


def test_a_last_point_off_the_line_is_missed_by_as_much(courses):
    (course,) = courses(math.log(0.95), bend=0.3)
    assert course.missed.estimate == pytest.approx(0.3)


def test_a_network_counts_as_guessing_from_where_it_diverged(courses):
    extra = [
        trained(trial("sequential", 16, 0), [1.0] * EPOCHS),
        trained(trial("parallel", 16, 0), [1.0, 1.0]),
    ]
    (course,) = courses(0.0, extra=extra)
    (without,) = courses(0.0)
    assert course.pairs == without.pairs + 1
    share = 1 / course.configurations
    for place, (mean, other) in enumerate(zip(course.at, without.at, strict=True)):
        own = 0.0 if place < 2 else math.log(GUESSING)
        assert mean.estimate == pytest.approx((1 - share) * other.estimate + share * own)


@pytest.mark.parametrize(
    "fields", [{"schedule": "cosine"}, {"pretrain_epochs": 2, "filters": 4}, {"method": "droppath", "drop_rate": 0.2}]
)
def test_trainings_that_no_shorter_one_begins_like_have_no_course(courses, fields):
    fields = {name: value for name, value in fields.items() if name != "filters"}
    assert courses(0.0, **fields) == ()


def test_numbers_of_images_have_a_course_each(courses):
    extra = [result for seed in range(4) for result in pair(2, seed, 0.0, train_samples=500)]
    few, all_images = courses(math.log(0.9), extra=extra)
    assert (few.images, few.pairs, all_images.images, all_images.pairs) == (500, 4, 60000, 12)
    assert few.slope.estimate == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("last", "expected"), [(1, [1]), (9, list(range(1, 10))), (10, [1, 2, 4, 8, 10]), (64, [1, 2, 4, 8, 16, 32, 64])]
)
def test_the_epochs_that_are_looked_at(last, expected):
    assert chosen_epochs(last) == expected


@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize(
    ("slope", "bend", "change", "detail"),
    [
        (math.log(0.9), 0.0, "falls with more epochs, times 0.900", "as far as can be seen a line is right"),
        (math.log(1.1), 0.2, "rises with more epochs, times", "ratios do not follow a line"),
    ],
)
def test_the_part_says_what_a_doubling_does_and_how_far_a_line_holds(make_store, slope, bend, change, detail):
    results = controls()
    for depth in (2, 4):
        for seed in range(4):
            results += pair(depth, seed, slope + 1e-4 * math.cos(5 * seed + depth), bend)
    part = view.answer(analysis.open(make_store(results)), "test", Palette())
    assert isinstance(part, Part)
    said = part.words["budget"]
    assert change in said["changes"][0]
    assert detail in said["lines"][0]
    by_epoch, lines = (table for table in part.tables if table.name.startswith("budget"))
    assert [row["epochs"] for row in by_epoch.records] == [1, 2, 3, 4, 5, 6]
    assert lines.records[0]["slope"] == pytest.approx(math.exp(slope), rel=1e-3) or bend
