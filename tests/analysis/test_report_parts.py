"""Reports made of several parts: their order, what their names are good for, and what a page begins with."""

import pytest

import analysis
from analysis.report.assemble import Report, make_report
from analysis.report.content import Badge, Column, Lead, Part, Table
from analysis.report.write import write_report
from analysis.study import NothingToReport
from sweep.trial import Trial


def trial(seed: int = 0, **fields) -> Trial:
    same = {"dataset": "cifar10", "epochs": 2, "network": "preresnet", "depth": 20, "measure": "lesions"}
    return Trial("test", **{**same, "seed": seed, **fields})


def part(name: str, **fields) -> Part:
    return Part(
        name, f"Title of {name}", Lead(f"Answer of {name}.", "In detail.", "good"), f"{name} answered", **fields
    )


def report(*parts: Part) -> Report:
    return Report("test", "key", ("store",), {"planned": 2, "missing": 1}, parts)


@pytest.fixture
def made_of(make_store, end, monkeypatch):
    """The report on a study whose questions have these answers."""

    def of(*parts: Part | None) -> Report:
        answers = [lambda results, study, palette, each=each: each for each in parts]
        monkeypatch.setattr("analysis.report.assemble.answers", lambda: iter(answers))
        return make_report(analysis.open(make_store([end(trial())])))

    return of


def test_the_part_that_speaks_of_most_trials_leads_unless_another_is_not_trusted(made_of):
    made = made_of(
        part("few", trials=1),
        part("wrong", trials=2, trusted=False),
        part("most", trials=9),
        part("equal", trials=1),
    )
    assert [each.name for each in made.parts] == ["wrong", "most", "few", "equal"]


def test_what_is_not_trusted_is_said_first(made_of):
    made = made_of(part("good"), None, part("bad", trusted=False))
    assert list(made.verdicts) == ["bad", "good"]


def test_the_questions_of_a_report_share_a_palette(make_store, end, monkeypatch):
    seen = []
    answers = [lambda results, study, palette, name=name: seen.append(palette) or part(name) for name in "ab"]
    monkeypatch.setattr("analysis.report.assemble.answers", lambda: iter(answers))
    make_report(analysis.open(make_store([end(trial())])))
    assert seen[0] is seen[1]


def test_the_first_part_is_the_pages_and_the_others_follow_under_their_titles(tmp_path, words):
    made = report(
        part("one", badges=[Badge("badge of one")]),
        part("other", badges=[Badge("badge of other")], headline={"number": 1.0, "nothing": float("nan")}),
    )
    said = words(write_report(made, tmp_path / "report").parent)
    places = [said.index(text) for text in ("badge of one", "Answer of one.", "Title of other", "Answer of other.")]
    assert places == sorted(places)
    assert "badge of other" not in said
    assert "1 of 2 trials" in said
    assert made.headline == {"number": 1.0}


def test_one_part_that_is_not_trusted_is_enough():
    assert report(part("one"), part("other")).trusted
    assert not report(part("one"), part("other", trusted=False)).trusted


TABLE = Table("rows", [Column("x")], [])


@pytest.mark.parametrize("fields", [{}, {"headline": {"number": 1.0}}, {"tables": [TABLE]}])
def test_two_parts_do_not_share_a_name(fields):
    names = ("one", "one") if not fields else ("one", "other")
    with pytest.raises(ValueError, match="have one name"):
        report(*(part(name, **fields) for name in names))


def test_a_table_has_a_name_of_its_own():
    """Neither another table's nor that of a number beside it in JSON."""
    with pytest.raises(ValueError, match="two tables of a report have one name: rows, rows"):
        report(part("one", tables=[TABLE, TABLE]))
    with pytest.raises(ValueError, match="numbers and a table of the part one have one name: rows"):
        report(part("one", tables=[TABLE], numbers={"rows": 1}))


def test_without_a_part_there_is_nothing_to_report(make_store, end):
    results = analysis.open(make_store([end(trial()), end(trial(1), status="failed")]))
    with pytest.raises(NothingToReport, match=r"'test' has no matched pair deeper than one block .* `sweep status`"):
        make_report(results)
