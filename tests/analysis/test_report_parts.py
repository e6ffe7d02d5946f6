"""Reports made of several parts."""

import pytest

import analysis
from analysis.report import NothingToReport, Report, headline, make_report, write_report
from analysis.report.document import Badge, Lead, Section
from analysis.report.part import Part
from sweep.trial import Trial

STOCHASTIC = {"method": "droppath", "drop_rate": 0.5, "rescale": "evaluation"}


def trial(seed: int = 0, **fields) -> Trial:
    same = {"dataset": "cifar10", "epochs": 2, "network": "preresnet", "depth": 20, "measure": "lesions"}
    return Trial("test", **{**same, "seed": seed, **fields})


def part(name: str, **fields) -> Part:
    lead = Lead(f"Answer of {name}.", "In detail.", "good")
    return Part(name, f"Title of {name}", lead, f"{name} answered", [Section(f"{name}-one", name, [])], **fields)


def report(*parts: Part) -> Report:
    return Report("test", "key", ("store",), {"planned": 2, "missing": 1}, parts)


@pytest.fixture
def study(make_store, end, lesion_rows):
    """A store of lesioned networks: a ResNet, its parallel twin, stochastic depth, and VGG, of some seeds."""

    def of(seeds: tuple[int, ...] = (0, 1), kinds: tuple[str, ...] = ("resnet", "parallel", "stochastic", "vgg")):
        fields = {
            "resnet": {},
            "parallel": {"architecture": "parallel"},
            "stochastic": STOCHASTIC,
            "vgg": {"network": "vgg", "depth": 11},
        }
        rise = {"resnet": 0.004, "parallel": 0.02, "stochastic": 0.003, "vgg": 0.75}
        results = []
        for seed in seeds:
            for kind in kinds:
                error = 0.1 + seed / 100
                deleted = [error + rise[kind] * (1 + seed + 10 * (block == 3 and kind != "vgg")) for block in range(9)]
                some = {size: [min(0.9, error + size * rise[kind])] * 3 for size in (1, 2, 5)}
                swaps = {1: [(0.9, 0.2), (0.8, 0.3)]} if kind == "resnet" else {}
                rows = lesion_rows(error, [min(each, 0.9) for each in deleted], (3,), some, swaps)
                loss = 0.5 + error + rise[kind]
                results.append(end(trial(seed, **fields[kind]), loss, loss / 2, accuracy=1 - error, measurements=rows))
        planned = [each.trial for each in results] + [trial(99)]
        return analysis.open(make_store([*results, end(trial(98), status="failed")], [*planned, trial(98)]))

    return of


def test_the_part_that_speaks_of_most_trials_leads_unless_another_is_not_trusted(study, monkeypatch):
    parts = [
        part("few", trials=1),
        part("wrong", trials=2, trusted=False),
        part("most", trials=9),
        part("equal", trials=1),
    ]
    monkeypatch.setattr("analysis.report.assemble.PARTS", [lambda results, study, each=each: each for each in parts])
    assert [each.name for each in make_report(study()).parts] == ["wrong", "most", "few", "equal"]


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
    assert headline(made) == {"number": 1.0}


def test_one_part_that_is_not_trusted_is_enough():
    assert report(part("one"), part("other")).trusted
    assert not report(part("one"), part("other", trusted=False)).trusted


@pytest.mark.parametrize("fields", [{}, {"headline": {"number": 1.0}}])
def test_two_parts_do_not_share_a_name(fields):
    names = ("one", "one") if not fields else ("one", "other")
    with pytest.raises(ValueError, match="have one name"):
        report(*(part(name, **fields) for name in names))


def test_what_is_not_trusted_is_said_first(make_store, end, monkeypatch):
    makes = [lambda *_: part("good"), lambda *_: None, lambda *_: part("bad", trusted=False)]
    monkeypatch.setattr("analysis.report.assemble.PARTS", tuple(makes))
    assert list(make_report(analysis.open(make_store([end(trial())]))).verdicts) == ["bad", "good"]


def test_without_a_part_there_is_nothing_to_report(make_store, end):
    results = analysis.open(make_store([end(trial()), end(trial(1), status="failed")]))
    with pytest.raises(NothingToReport, match=r"'test' has no matched pair deeper than one block .* `sweep status`"):
        make_report(results)
