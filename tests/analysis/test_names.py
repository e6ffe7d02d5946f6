"""Names as people read them, wherever they do: on the page, in its figures, and on a terminal."""

import re

import pytest

from analysis.formats import DATASETS, NAMES
from analysis.questions.equivalence.terminal import notes, rows
from sweep.parts import FACTORS

RAW = re.compile(rf"\b({'|'.join([*DATASETS, *NAMES, *(name for name in FACTORS if '_' in name)])})\b")


def test_the_page_and_its_figures_say_no_name_of_a_program(report, words):
    assert RAW.findall("cifar10: val_loss by kernel_size") == ["cifar10", "val_loss", "kernel_size"]
    assert RAW.findall(words(report.folder)) == []
    for figure in (report.folder / "figures").glob("*.svg"):
        assert RAW.findall(re.sub(r"<[^>]+>", " ", figure.read_text(encoding="utf-8"))) == [], figure.name


def test_files_keep_the_names_of_programs(report, numbers):
    found = numbers(report.folder)["parts"]["equivalence"]
    assert {row["dataset"] for row in found["verdicts"]} == {"cifar10", "mnist"}
    assert {row["metric"] for row in found["verdicts"]} == {"val_loss", "train_loss"}


@pytest.mark.parametrize("said", [lambda of: [" ".join(row) for row in rows(of)], notes], ids=["rows", "notes"])
def test_a_terminal_says_names_with_plain_hyphens(said, report):
    text = "\n".join(said(report.findings))
    assert RAW.findall(text) == []
    assert "CIFAR-10" in text
