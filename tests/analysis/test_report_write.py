"""What is in a report's folder, and that it stands alone: a whole report, drawn once."""

import math
import os
import re
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

from analysis.questions.equivalence.wording import headline as answer_sentence

PICTURES = (
    "losses",
    "strata",
    "training-losses",
    "training-strata",
    "heat-map",
    "by-q",
    "learning-curves",
    "cost",
)
TABLES = (
    "verdicts",
    "accuracies",
    "mixed_networks",
    "assay",
    "table_2",
    "cost",
    "spread",
    "missing",
    "seeds",
    "heterogeneity",
    "training_heterogeneity",
    "worst",
    "strata",
    "pairs",
)


def test_everything_is_there(report, files):
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


def test_the_same_results_are_the_same_bytes_also_from_the_command_line(report, tmp_path, files):
    command = [sys.executable, "-m", "sweep", "report", "--store", str(report.store), "-o", str(tmp_path / "again")]
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    done = subprocess.run([*command, "--no-track"], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    answer, page = done.stdout.splitlines()
    assert answer == f"Equivalence: {answer_sentence(report.findings.answer)}"
    assert page == f"Report: {tmp_path / 'again' / 'report.html'}"
    assert files(tmp_path / "again") == files(report.folder)


def test_the_numbers_are_enough_to_say_the_headline_again(report, numbers):
    found = numbers(report.folder)
    part = found["parts"]["equivalence"]
    assert found["headline"] == report.made.headline
    assert found["verdicts"] == {"equivalence": part["verdict"]}
    assert part["verdict"] == answer_sentence(report.findings.answer)
    assert part["plain"] is report.findings.answer.plain
    for metric in ("val_loss", "train_loss"):
        for dataset, each in part["answers"][metric].items():
            ends = each["grid"]["estimate"], each["interval"]["low"], each["interval"]["high"]
            rebuilt = [math.exp(value) for value in ends]
            name = f"{dataset}_{metric}"
            assert [found["headline"][f"{name}_ratio{end}"] for end in ("", "_low", "_high")] == pytest.approx(rebuilt)
            assert found["headline"][f"{name}_p_equivalence"] == each["p_equivalence"]
    assert found["headline"]["control_failed"] == 0
    assert part["controls"]["identical"] == part["controls"]["pairs"] == 48
    assert found["trials"] == {"planned": 384, "finished": 375, "diverged": 2, "failed": 2, "missing": 5}
    assert part["question"]["margins"] == {"ratio": 0.1}
    assert found["results"] == report.made.key
    assert set(part["answers"]["val_loss"]) == {"mnist", "cifar10"}
    assert set(part["mixed"]) == {
        f"{each}, {stages} stages" for each in ("mixed/sequential", "parallel/mixed") for stages in (2, 4)
    }
    assert len(part["claims"]) == 3


def test_the_headline_can_be_computed_anew_from_the_pairs(report, numbers):
    pairs = pq.read_table(report.folder / "tables" / "pairs.parquet").to_pandas()
    deep = pairs[(pairs.metric == "val_loss") & (pairs.contrast == "parallel/sequential") & (pairs.depth > 1)]
    factors = ["depth", "filters", "kernel_size", "activation"]
    for dataset, found in numbers(report.folder)["parts"]["equivalence"]["answers"]["val_loss"].items():
        own = deep[deep.dataset == dataset].copy()
        sides = {}
        for side in ("sequential", "parallel"):
            diverged = own[f"{side}_status"] == "diverged"
            sides[side] = own[side].where(~diverged, math.log(10))
        ratio = np.log(sides["parallel"] / sides["sequential"])
        means = ratio.groupby([own[name] for name in factors]).mean()
        assert found["configurations"] == len(means) == 16
        assert found["grid"]["estimate"] == pytest.approx(means.mean())
        assert found["counts"]["pairs"] == len(own) == 48
        assert found["counts"]["complete"] == int(own.ratio.notna().sum())


def test_tables_are_the_same_as_parquet_and_as_json(report, numbers):
    found = numbers(report.folder)["parts"]["equivalence"]
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


def test_the_page_says_what_the_numbers_are(report, words):
    said, found = words(report.folder), report.findings
    for each in found.answer.by_dataset.values():
        low, high = (math.exp(end) for end in (each.interval.low, each.interval.high))
        assert f"over {each.configurations} configurations" in said
        assert f"{math.exp(each.grid.estimate):.3f} [{low:.3f}, {high:.3f}]" in said
    assert "The declared margin is 0.909 to 1.100" in said
    assert answer_sentence(found.answer) in said
    assert "interim" in said
    assert "379 of 384 trials" in said
    assert "Interim: 5 planned trials are missing" in said
    assert "control passed: 48 of 48 pairs identical" in said
    assert "training differs from the authors' habits" in said
    assert "Epochs 3 instead of 100." in said
    assert "Mixed networks" in said
    assert str(report.store) in said
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b(?!\))", said)
