"""A report's folder: what is in it, that it stands alone, and that it is there whole or not at all."""

import itertools
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import analysis
from analysis.figures import Rendered
from analysis.report import Findings, find, headline, is_current, write_report
from analysis.report.pictures import PICTURES
from sweep.engine import TrialResult
from sweep.errors import SweepError
from sweep.trial import Trial

DRAWN = Rendered('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 300"><title>t</title></svg>', b"png")
TABLES = ("strata", "heterogeneity", "table_2", "cost", "pairs")
VOID = {"meta", "link", "br", "path", "rect", "use"}


@pytest.fixture
def unrendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are made, but not turned into files, which takes most of the time."""
    monkeypatch.setattr("analysis.figures.render", lambda figure: DRAWN)


class Words(HTMLParser):
    """What a page says, without figures; fails where elements do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.said: list[str] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "svg"} & set(self.open):
            self.said.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())


def words(folder: Path) -> str:
    return Words((folder / "report.html").read_text(encoding="utf-8")).text


def numbers(folder: Path) -> dict[str, Any]:
    """The JSON, read strictly."""
    return json.loads((folder / "numbers.json").read_text(), parse_constant=lambda name: pytest.fail(name))


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# A whole report, drawn once.


def test_everything_is_there(report):
    assert set(files(report.folder)) == {
        "report.html",
        "numbers.json",
        *(f"figures/{name}.{kind}" for name in PICTURES for kind in ("svg", "png")),
        *(f"tables/{name}.parquet" for name in TABLES),
    }
    assert all(files(report.folder).values())


def test_the_page_stands_alone(report):
    """Nothing is fetched: addresses name XML namespaces, and links lead to places of the page and files beside it."""
    html = (report.folder / "report.html").read_text(encoding="utf-8")
    assert set(re.findall(r"https?://[^\"'\s<)]+", html)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert set(re.findall(r"(\S+)=\"https?://", html)) <= {"xmlns", "xmlns:xlink"}
    assert not re.search(r"\ssrc=|<script|<iframe|<object|@import|\son\w+=", html)
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", html))
    links = set(re.findall(r"<(?:a|link)[^>]*\shref=\"([^\"]*)\"", html))
    for link in links:
        assert link.startswith(("#", "data:")) or (report.folder / link).is_file(), link
    assert {f"figures/{name}.png" for name in PICTURES} <= links
    ids = re.findall(r"\sid=\"([^\"]*)\"", html)
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)


def test_figures_are_those_of_the_page(report):
    html = (report.folder / "report.html").read_text(encoding="utf-8")
    for name in PICTURES:
        svg = (report.folder / "figures" / f"{name}.svg").read_text(encoding="utf-8")
        assert svg.removeprefix("<svg ") in html
        assert (report.folder / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_results_are_the_same_bytes_also_from_the_command_line(report, tmp_path):
    command = [sys.executable, "-m", "sweep", "report", "--store", str(report.store), "-o", str(tmp_path / "again")]
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    done = subprocess.run([*command, "--no-track"], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == f"{report.findings.verdict.value}: {tmp_path / 'again' / 'report.html'}"
    assert files(tmp_path / "again") == files(report.folder)


def test_the_numbers_are_enough_to_say_the_headline_again(report):
    found = numbers(report.folder)
    assert found["headline"] == headline(report.findings)
    assert found["verdict"] == found["overall"]["val_loss"]["verdict"] == report.findings.verdict.value
    for metric in ("val_loss", "train_loss"):
        tost = found["overall"][metric]["ratio"]["tost"]
        rebuilt = [math.exp(value) for value in (tost["estimate"], tost["interval"]["low"], tost["interval"]["high"])]
        assert [found["headline"][f"{metric}_ratio{end}"] for end in ("", "_low", "_high")] == pytest.approx(rebuilt)
        assert found["headline"][f"{metric}_p_equivalence"] == tost["p"]
    assert found["headline"]["control_failed"] == 0
    assert found["controls"]["identical"] == found["controls"]["pairs"] == 48
    assert found["trials"] == {"planned": 384, "finished": 375, "diverged": 2, "failed": 2, "missing": 5}
    assert found["margins"]["margins"] == {"ratio": 0.1, "seed_noise": 1.0}
    assert found["results"] == report.findings.key
    assert set(found["by_dataset"]) == {"mnist", "cifar10"}
    assert set(found["mixed"]) == {
        f"{each}, {stages} stages" for each in ("mixed/sequential", "parallel/mixed") for stages in (2, 4)
    }
    assert len(found["claims"]) == 3


def test_the_headline_can_be_computed_anew_from_the_pairs(report):
    pairs = pq.read_table(report.folder / "tables" / "pairs.parquet").to_pandas()
    deep = pairs[(pairs.metric == "val_loss") & (pairs.contrast == "parallel/sequential") & (pairs.depth > 1)]
    factors = ["dataset", "depth", "filters", "kernel_size", "activation"]
    means = np.log(deep.ratio).groupby([deep[name] for name in factors]).mean()
    found = numbers(report.folder)["overall"]["val_loss"]
    assert found["configurations"] == len(means) == 32
    assert found["ratio"]["tost"]["estimate"] == pytest.approx(means.mean())
    assert found["counts"]["pairs"] == len(deep) == 96
    assert found["counts"]["complete"] == int(deep.ratio.notna().sum())


def test_tables_are_the_same_as_parquet_and_as_json(report):
    found = numbers(report.folder)
    for name in TABLES:
        table = pq.read_table(report.folder / "tables" / f"{name}.parquet")
        assert table.num_rows
        if name != "pairs":
            rows = [
                {
                    key: None if isinstance(value, float) and not math.isfinite(value) else value
                    for key, value in row.items()
                }
                for row in table.to_pylist()
            ]
            assert rows == found[name]
    strata = pq.read_table(report.folder / "tables" / "strata.parquet")
    assert set(strata["metric"].to_pylist()) == {"val_loss", "train_loss"}


def test_the_page_says_what_the_numbers_are(report):
    said, found = words(report.folder), report.findings
    scale = found.overall["val_loss"].main
    low, high = (math.exp(end) for end in (scale.tost.interval.low, scale.tost.interval.high))
    assert f"Over {scale.configurations} configurations" in said
    assert f"{math.exp(scale.tost.estimate):.3f} [{low:.3f}, {high:.3f}]" in said
    assert "the declared margin is 0.909 to 1.100" in said
    assert "interim" in said
    assert "379 of 384 trials" in said
    assert "Interim: 5 planned trials are missing" in said
    assert "control passed: 48 of 48 pairs identical" in said
    assert "training differs from the authors' habits" in said
    assert "Epochs 3 instead of 100." in said
    assert "Mixed networks" in said
    assert str(report.store) in said
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b(?!\))", said)


# Odd stores, their figures made but not rendered.


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
def odd(make_store, end) -> Callable[..., Findings]:
    def of(planned: list[Trial], becomes: Callable[[Trial], object]) -> Findings:
        results: list[TrialResult] = []
        for each in planned:
            match becomes(each):
                case None:
                    results.append(end(each, loss(each), loss(each) / 2))
                case (val, train):
                    results.append(end(each, val, train))
                case status if status != "missing":
                    results.append(end(each, status=status))
        return find(analysis.open(make_store(results, planned)))

    return of


@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize(("planned", "becomes"), ODD.values(), ids=ODD)
def test_a_report_is_written_of_odd_stores_without_a_warning(odd, planned, becomes, tmp_path):
    findings = odd(planned, becomes)
    folder = write_report(findings, tmp_path / "report").parent
    said, found = words(folder), numbers(folder)
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b(?!\))", said)
    assert found["verdict"] == findings.verdict.value
    assert all(math.isfinite(value) for value in found["headline"].values())
    assert ("interim" in said) == (findings.states["missing"] > 0)
    assert ("no control" in said) == (findings.controls.pairs == 0)
    for name in TABLES:
        assert pq.read_table(folder / "tables" / f"{name}.parquet").num_columns


@pytest.mark.usefixtures("unrendered")
def test_a_failed_control_is_the_first_thing_said(odd, tmp_path):
    findings = odd(*ODD["a failed control"])
    folder = write_report(findings, tmp_path / "report").parent
    said = words(folder)
    assert "The control fails: these results are not to be trusted." in said
    assert "No verdict is given" in said
    assert "2 of 6 pairs differ by more than rounding" in said
    assert "control failed" in said
    found = numbers(folder)
    assert (found["verdict"], found["headline"]["control_failed"]) == ("undecided", 1)


# Where it is written.


@pytest.fixture
def findings(odd) -> Findings:
    return odd(*ODD["one factor level each"])


@pytest.fixture
def written(findings, unrendered, tmp_path) -> Path:
    return write_report(findings, tmp_path / "place" / "report").parent


@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize("before", ["nothing", "empty folder", "report"])
def test_a_report_takes_the_place_of_an_earlier_one(findings, before, tmp_path, monkeypatch):
    place = tmp_path / "new" / "report"
    if before == "empty folder":
        place.mkdir(parents=True)
    if before == "report":
        write_report(findings, place)
        (place / "figures" / "of-an-older-version.svg").touch()
    monkeypatch.setattr("analysis.figures.render", lambda figure: Rendered(DRAWN.svg, b"other"))
    assert write_report(findings, place) == place / "report.html"
    assert (place / "figures" / "losses.png").read_bytes() == b"other"
    assert not (place / "figures" / "of-an-older-version.svg").exists()
    assert names(place.parent) == ["report"]


@pytest.mark.parametrize("name", ["notes.txt", "figures.txt", ".git"])
def test_what_is_not_a_reports_is_not_replaced(findings, written, name, tmp_path):
    (written / name).write_text("mine")
    before = files(written)
    with pytest.raises(SweepError, match="holds something other than a report; choose another place with -o"):
        write_report(findings, written)
    other = tmp_path / "other"
    other.mkdir()
    (other / name).write_text("mine")
    with pytest.raises(SweepError, match="holds something other than a report"):
        write_report(findings, other)
    with pytest.raises(SweepError, match="holds something other than a report"):
        write_report(findings, other / name)
    assert files(written) == before
    assert files(other) == {name: b"mine"}


@pytest.mark.usefixtures("unrendered")
def test_a_place_that_cannot_be_is_one_sentence(findings, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SweepError) as error:
        write_report(findings, tmp_path / "file" / "under" / "it")
    assert re.fullmatch(
        r"the report cannot be written to \S+: Not a directory; choose another with -o", str(error.value)
    )
    assert names(tmp_path) == ["file"]


@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize("place", [".", "..", "../here"])
def test_the_working_folder_is_not_replaced(findings, place, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(SweepError, match="is the working folder"):
        write_report(findings, Path(place))
    assert Path.cwd() == tmp_path / "here"
    assert not names(Path.cwd())


@pytest.mark.usefixtures("unrendered")
def test_a_link_to_a_folder_stays_one(findings, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_report(findings, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "report.html").exists()
    assert names(tmp_path) == ["link", "real"]


def test_a_full_disk_leaves_the_old_report_and_nothing_else(findings, written, monkeypatch):
    before, calls = files(written), itertools.count()
    write = Path.write_bytes

    def fill_up(path: Path, content: bytes) -> int:
        if next(calls) == 5:
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", fill_up)
    with pytest.raises(SweepError, match=r"cannot be written to .*: No space left on device"):
        write_report(findings, written)
    assert files(written) == before
    assert names(written.parent) == ["report"]


def test_a_rename_that_fails_brings_the_old_report_back(findings, written, monkeypatch):
    before, calls = files(written), itertools.count()
    rename = Path.rename

    def fail(path: Path, target: Path) -> Path:
        if next(calls) == 1:
            raise PermissionError(1, "Operation not permitted")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(SweepError, match="Operation not permitted"):
        write_report(findings, written)
    assert files(written) == before
    assert names(written.parent) == ["report"]


def spoilt(folder: Path) -> Iterator[str]:
    yield "as written"
    (folder / "numbers.json").write_text("[]")
    yield "other JSON"
    (folder / "numbers.json").write_text("{")
    yield "no JSON"
    (folder / "numbers.json").unlink()
    yield "no numbers"


def test_a_report_is_current_while_it_is_whole_and_on_the_same_results(findings, written, tmp_path):
    assert not is_current(written, "another key")
    assert not is_current(tmp_path / "nowhere", findings.key)
    assert {state: is_current(written, findings.key) for state in spoilt(written)} == {
        "as written": True,
        "other JSON": False,
        "no JSON": False,
        "no numbers": False,
    }


def test_a_report_without_its_page_is_not_current(findings, written):
    (written / "report.html").unlink()
    assert not is_current(written, findings.key)
