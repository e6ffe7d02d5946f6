"""The README and the docs name what is there: files, commands, studies, parts and options, and the example in full."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from analysis.equivalence.registry import STATISTICS
from sweep.cli import app
from sweep.parts import FACTORS, MEASURES, METHODS, NETWORKS
from sweep.studies import STUDIES
from sweep.studyfile import find_study
from sweep.submission import BACKENDS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
OWN = ROOT / "docs" / "own-networks.md"

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def code_blocks(page: Path, language: str = "") -> list[str]:
    """The fenced blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def command_lines(page: Path) -> list[str]:
    """Every ``sweep ...`` that a page prints, as a line of its own or within a sentence."""
    text = page.read_text().replace("\\\n", " ")
    lines = re.findall(r"^ *(sweep .*)$", text, re.MULTILINE)
    return [re.sub(r" #.*| {2,}#.*", "", line) for line in lines] + re.findall(r"`(sweep [^`]*)`", text)


def registered(page: Path) -> Iterator[str]:
    """Names of built-in studies that commands of a page are given."""
    for line in command_lines(page):
        found = re.match(r"sweep (?:plan|run|submit) ([a-z][a-z-]*)(?: |$)", line)
        if found:
            yield found[1]


def anchors(page: Path) -> set[str]:
    """What a link into a page may name: its headings as GitHub writes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_example_is_shown_as_it_is() -> None:
    [shown] = code_blocks(OWN, "python")
    assert shown == (ROOT / "examples" / "separable.py").read_text()


@pytest.mark.parametrize("page", [OWN, ROOT / "docs" / "studies.md"], ids=lambda page: page.name)
def test_studies_that_are_shown_are_valid(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    shown = [block for block in code_blocks(page, "yaml") if "study" in yaml.safe_load(block)]
    assert shown
    for block in shown:
        file = tmp_path / "shown.yaml"
        file.write_text(block)
        assert list(find_study(str(file)).trials())


@pages
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def _paths(name: str) -> list[str]:
    """Where a path, or a module or package, may be."""
    module = name.replace(".", "/")
    return [name] if "/" in name else [f"{module}.py", f"{module}/__main__.py"]


@pages
def test_files_that_are_named_exist(page: Path) -> None:
    text = page.read_text()
    pattern = r"`((?:models|sweep|analysis|tests|examples|docs|benchmarks|scripts)/[\w./-]+)`"
    named = set(re.findall(pattern, text)) | set(re.findall(r"\b(benchmarks\.\w+)", text))
    missing = {
        name
        for name in named
        if not name.startswith("benchmarks/results/")
        and not re.search(r"\bNAME\b", name)
        and not any((ROOT / path).exists() for path in _paths(name))
    }
    assert not missing


@pages
def test_commands_and_their_options_exist(page: Path) -> None:
    known: dict[str, Any] = {name: app[name] for name in app if not name.startswith("-")}
    for line in command_lines(page):
        words = line.split()
        assert words[1] in known or not words[1].isalpha(), line
        if words[1] in known:
            taken = {name for argument in known[words[1]].assemble_argument_collection() for name in argument.names}
            options = {word.partition("=")[0] for word in words[2:] if re.match(r"--[a-z]", word)}
            assert options <= taken | {"--help"}, line


@pages
def test_studies_that_are_named_exist(page: Path) -> None:
    assert set(registered(page)) <= STUDIES.keys()


def test_every_study_is_described() -> None:
    text = (ROOT / "docs" / "studies.md").read_text()
    assert {name for name in STUDIES if f"`{name}`" in text} == set(STUDIES)


def cell(row: str, page: str) -> str:
    """The second cell of the table row whose first one is `row`."""
    [found] = re.findall(rf"^\| {row} \| (.*) \|$", (ROOT / "docs" / page).read_text(), re.MULTILINE)
    return found


def test_the_table_of_factors_has_all_factors() -> None:
    rows = [cell(row, "studies.md") for row in ("images", "network", "training", "method", "measures")]
    named = re.findall(r"`(\w+)`", " ".join(rows))
    assert sorted(named) == sorted(set(FACTORS) - {"study"})


@pytest.mark.parametrize(
    ("row", "names"),
    [("network", NETWORKS), ("method", METHODS), ("measures", MEASURES)],
    ids=["network", "method", "measures"],
)
def test_the_table_of_factors_has_all_parts(row: str, names: Any) -> None:
    [listed] = re.findall(r"^`\w+` \(([^)]*)", cell(row, "studies.md"))
    listed = re.split(r", or |, several", listed)[0]
    assert listed.split(", ") == [name for name in names if ":" not in name]


def test_backends_and_statistics_that_are_named_exist() -> None:
    text = "".join(page.read_text() for page in PAGES)
    assert set(re.findall(r"--backend (\w+)", text)) <= set(BACKENDS)
    assert set(re.findall(r"statistics\[\"(\w+)\"\]", text)) <= set(STATISTICS)
