"""How the ratio of losses changes with the budget, as a reader sees it."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from analysis.equivalence.mean import Estimate, Mean
from analysis.equivalence.verdict import ALPHA, holm
from analysis.figures import render
from analysis.figures.panels import Axis, Line, Panel, draw_panels, in_rows
from analysis.figures.style import Palette
from analysis.formats import dataset_name, p_is
from analysis.questions.equivalence.budget import AHEAD, FITTED, Course
from analysis.questions.equivalence.findings import Findings
from analysis.report.content import Column, Picture, Table
from analysis.report.words import plain, sentence

_CONFIDENCE = 0.95


def budget_tables(findings: Findings) -> list[Table]:
    """The ratios by budget, and lines through them; none where no training can be cut short."""
    courses = findings.courses
    return [_by_epoch(courses), _lines(courses)] if courses else []


def budget_words(findings: Findings) -> dict[str, Any]:
    """What a doubling of the epochs does, and how far a line can be trusted, in sentences by data set."""
    courses, margin = findings.courses, findings.question.margins.ratio
    return {"fitted": FITTED, "changes": _changes(courses), "lines": list(_trust(courses, margin))} if courses else {}


def budget_picture(findings: Findings, palette: Palette) -> list[Picture]:
    """Ratios by epochs of training."""
    courses, margin = findings.courses, findings.question.margins.ratio
    return [_picture(courses, margin, palette)] if courses else []


def _name(course: Course, courses: Sequence[Course]) -> str:
    """The data set, with the number of images where it has several."""
    several = sum(other.dataset == course.dataset for other in courses) > 1
    return f"{dataset_name(course.dataset)}, {course.images:,} images" if several else dataset_name(course.dataset)


def _ratio(mean: Mean) -> Estimate:
    return Estimate(*(math.exp(min(end, 700)) for end in mean.interval(_CONFIDENCE)))


def _changes(courses: Sequence[Course]) -> list[str]:
    """What a doubling does to the ratio in each course, in words; Holm's correction is over the courses."""
    said = []
    for course, p in zip(courses, holm([each.slope.p for each in courses]), strict=True):
        slope = course.slope.estimate
        way = "is not shown to change" if not p < ALPHA else "falls" if slope < 0 else "rises"
        said.append(
            f"{_name(course, courses)}: the ratio parallel / sequential {way} with more epochs, times "
            f"{plain(3)(_ratio(course.slope))} per doubling{f', {p_is(p)}' if math.isfinite(p) else ''}."
        )
    return said


def _trust(courses: Sequence[Course], margin: float) -> Iterator[str]:
    """How far a straight line can be trusted."""
    inside = math.log1p(margin)
    for course in courses:
        missed = _ratio(course.missed)
        text = f"{_name(course, courses)}: a line through the epochs before misses the last by {plain(3)(missed)}"
        low, high = course.missed.interval(_CONFIDENCE)[1:]
        if not math.isfinite(low):
            yield sentence(f"{text}, without an interval, so nothing is said of larger budgets")
        elif low > 0 or high < 0:
            yield sentence(f"{text}, so ratios do not follow a line, and larger budgets are not known from these")
        elif max(-low, high) > inside:
            yield sentence(f"{text}, which is too wide to say anything of larger budgets")
        else:
            yield sentence(f"{text}: as far as can be seen a line is right; beyond a doubling that is a guess")


def _by_epoch(courses: Sequence[Course]) -> Table:
    columns = (
        Column("dataset", "data set", of=lambda row: dataset_name(row[0].dataset)),
        Column("images", "images", "{:,}".format, lambda row: row[0].images),
        Column("epochs", "epochs", of=lambda row: row[0].epochs[row[1]]),
        Column("pairs", "pairs", of=lambda row: row[0].pairs),
        Column("ratio", "ratio parallel / sequential [95 %]", plain(3), lambda row: _ratio(row[0].at[row[1]])),
    )
    rows = [(course, place) for course in courses for place in range(len(course.epochs))]
    return Table("budget", columns, rows, "Ratio of validation losses by budget")


def _lines(courses: Sequence[Course]) -> Table:
    columns: list[Column] = [
        Column("dataset", "data set", of=lambda row: dataset_name(row.dataset)),
        Column("images", "images", "{:,}".format),
        Column("slope", "per doubling [95 %]", plain(3), lambda row: _ratio(row.slope)),
        Column("missed", "line misses the last by", plain(3), lambda row: _ratio(row.missed)),
    ]
    for place, times in enumerate(AHEAD):
        head = f"line at {times} times the epochs"
        columns.append(Column(f"at_{times}", head, plain(3), lambda row, place=place: _ratio(row.ahead[place])))
    columns.append(Column("configurations"))
    return Table("budget_lines", columns, courses, "Straight lines through log ratios")


def _picture(courses: Sequence[Course], margin: float, palette: Palette) -> Picture:
    title = "Ratio of validation losses by epochs of training"
    sets: dict[str, list[Course]] = {}
    for course in courses:
        sets.setdefault(course.dataset, []).append(course)
    margins = {"above": 1 + margin, "below": 1 / (1 + margin)}
    x, y = Axis("epochs", "places"), Axis("parallel / sequential", "ratio")
    panels = [Panel(dataset_name(name), x, y, list(map(_line, own)), margins) for name, own in sets.items()]
    drawn = draw_panels(title, in_rows(panels, 2), palette, band="95 % interval on new seeds", level="declared margin")
    alt = f"{title}, a panel per data set, with 95 % intervals and the declared margin."
    caption = "Every point is what a training of that many epochs gives: the same networks, images and order."
    return Picture("budget", render(drawn), alt, caption)


def _line(course: Course) -> Line:
    points: Any = np.array([_ratio(mean) for mean in course.at])
    return Line(f"{course.images:,} images", np.array(course.epochs, float), *points.T)
