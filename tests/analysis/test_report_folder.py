"""Where a report is written: its folder is there whole or not at all."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.figures import Rendered
from analysis.report.assemble import Report
from analysis.report.content import Column, Lead, Part, Picture, Table
from analysis.report.write import Written, current, write_report
from sweep.errors import SweepError


def made(png: bytes = b"png") -> Report:
    """A report of one small part."""
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 300"></svg>'
    part = Part(
        "small",
        "A small part",
        Lead("It is small.", "Very small.", "good", figure="losses"),
        "small",
        pictures=[Picture("losses", Rendered(svg, png), "nothing", "Nothing.")],
        tables=[Table(name, [Column("value")], [{"value": 1.0}]) for name in ("one", "other")],
    )
    return Report("test", "key", ("store",), {"planned": 1, "missing": 0}, (part,))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def report() -> Report:
    return made()


@pytest.fixture
def written(report, tmp_path) -> Path:
    return write_report(report, tmp_path / "place" / "report").parent


@pytest.mark.parametrize("before", ["nothing", "empty folder", "report"])
def test_a_report_takes_the_place_of_an_earlier_one(report, before, tmp_path):
    place = tmp_path / "new" / "report"
    if before == "empty folder":
        place.mkdir(parents=True)
    if before == "report":
        write_report(report, place)
        (place / "figures" / "of-an-older-version.svg").touch()
    assert write_report(made(b"other"), place) == place / "report.html"
    assert (place / "figures" / "losses.png").read_bytes() == b"other"
    assert not (place / "figures" / "of-an-older-version.svg").exists()
    assert names(place.parent) == ["report"]


@pytest.mark.parametrize("name", ["notes.txt", "figures.txt", ".git"])
def test_what_is_not_a_reports_is_not_replaced(report, written, name, tmp_path, files):
    (written / name).write_text("mine")
    before = files(written)
    with pytest.raises(SweepError, match="holds something other than a report; choose another place with -o"):
        write_report(report, written)
    other = tmp_path / "other"
    other.mkdir()
    (other / name).write_text("mine")
    with pytest.raises(SweepError, match="holds something other than a report"):
        write_report(report, other)
    with pytest.raises(SweepError, match="holds something other than a report"):
        write_report(report, other / name)
    assert files(written) == before
    assert files(other) == {name: b"mine"}


@pytest.mark.parametrize("name", ["figures/notes.txt", "tables/mine.csv", "figures/more/mine.svg"])
def test_a_file_of_the_users_inside_a_report_is_not_replaced(report, written, name):
    (written / name).parent.mkdir(exist_ok=True)
    (written / name).write_text("mine")
    with pytest.raises(SweepError, match="holds something other than a report"):
        write_report(report, written)
    assert (written / name).read_text() == "mine"


def test_a_place_that_cannot_be_is_one_sentence(report, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SweepError) as error:
        write_report(report, tmp_path / "file" / "under" / "it")
    assert re.fullmatch(
        r"the report cannot be written to \S+: Not a directory; choose another with -o", str(error.value)
    )
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("place", [".", "..", "../here"])
def test_the_working_folder_is_not_replaced(report, place, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(SweepError, match="is the working folder"):
        write_report(report, Path(place))
    assert Path.cwd() == tmp_path / "here"
    assert not names(Path.cwd())


def test_a_link_to_a_folder_stays_one(report, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_report(report, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "report.html").exists()
    assert names(tmp_path) == ["link", "real"]


def test_a_full_disk_leaves_the_old_report_and_nothing_else(report, written, monkeypatch, files):
    before, calls = files(written), itertools.count()
    write = Path.write_bytes

    def fill_up(path: Path, content: bytes) -> int:
        if next(calls) == 5:
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", fill_up)
    with pytest.raises(SweepError, match=r"cannot be written to .*: No space left on device"):
        write_report(report, written)
    assert files(written) == before
    assert names(written.parent) == ["report"]


def test_a_rename_that_fails_brings_the_old_report_back(report, written, monkeypatch, files):
    before, calls = files(written), itertools.count()
    rename = Path.rename

    def fail(path: Path, target: Path) -> Path:
        if next(calls) == 1:
            raise PermissionError(1, "Operation not permitted")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(SweepError, match="Operation not permitted"):
        write_report(report, written)
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


def test_a_report_is_current_while_its_numbers_are_whole_and_of_the_same_results(report, written):
    def found(key: str = report.key) -> Written | None:
        numbers = written / "numbers.json"
        return current("page", numbers.read_bytes() if numbers.exists() else None, key)

    assert found("another key") is None
    assert {state: found() for state in spoilt(written)} == {
        "as written": Written("page", {"small": "small"}, True),
        "other JSON": None,
        "no JSON": None,
        "no numbers": None,
    }
