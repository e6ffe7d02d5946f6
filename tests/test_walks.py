"""The walks of docs/architecture.md: each adds one throw-away part to a copy of the packages, by one file and one line.

The copy is then used as a user would, in processes of its own.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import forks

ROOT = Path(__file__).parents[1]

METHOD = '''
from dataclasses import dataclass

from models.factor import factor
from models.intervention import NO_INTERVENTION, Intervention
from sweep.methods.base import Method, Step


@dataclass(frozen=True)
class Warmup(Method):
    """The first block rests at first."""

    rest_steps: int = factor(2, low=0, high=1000, meaning="steps without the first block")

    def step(self, trial, number, batch, device):
        return Step(Intervention.dropping([0]) if number < self.rest_steps else NO_INTERVENTION)

    @classmethod
    def describe(cls, row):
        return f"rest {row['rest_steps']}"
'''

MEASURE = '''
from dataclasses import dataclass

from models.factor import factor
from sweep.measures.base import Measure
from sweep.result import Measurement


@dataclass(frozen=True)
class Weights(Measure):
    """Norms of the parameters of every block."""

    norm_order: int = factor(0, low=0, high=4, stands_for=2, meaning="of the norm")

    def passes(self, trial):
        return 1.0

    def measure(self, subject):
        network = subject.network
        rows = []
        for number in range(len(network.blocks)):
            values = [p.flatten().norm(self.norm_order).item() for p in network.block(number).parameters()]
            rows.append(Measurement("weights", "norm", max(values), str(number)))
        yield 1.0, rows
'''

STATISTIC = """
import numpy as np

from analysis.equivalence.statistic import Statistic

RANGE = Statistic(
    "range", lambda of, margin: float(np.ptp(of.means)), {"range": lambda found: "wide"}
)
"""

QUESTION = """
from analysis.measurements import measured_study
from analysis.report.content import Column, Lead, Part, Table
from analysis.seeds import over_seeds
from analysis.report.words import plain


def answer(results, study, palette):
    found = measured_study(results, study, "weights", ["weights"])
    if found is None:
        return None
    rows = [
        {"network": each.label, "norm": over_seeds(each.over("subject", "weights", "norm")[1].max(axis=1)).at()}
        for each in found.networks
    ]
    table = Table("norms", (Column("network", "network"), Column("norm", "norm", plain())), rows, "Norms by network")
    return Part("norms", "How large do weights grow?", Lead("Not very.", "On digits.", "info"), "not very",
                template="norms/page.html", tables=[table], trials=found.counts["planned"])
"""
QUESTION_PAGE = """
{% from "blocks.html" import section, table with context %}
{% call section("norms", "Norms of weights") %}{{ table("norms") }}{% endcall %}
"""

STUDY = """
from sweep.study import Study

STUDY = Study(
    name="throwaway",
    about="one of each",
    factors={
        "dataset": ["digits"], "train_samples": [100], "val_samples": [50], "batch_size": [50], "epochs": [1],
        "network": ["separable"], "depth": [1, 2], "filters": [1, 2], "architecture": ["sequential", "parallel"],
        "method": ["warmup"], "measure": ["weights+lesions"], "lesion_draws": [1], "most_deleted": [1], "seed": [0, 1],
    },
)
"""

BACKEND = (ROOT / "tests" / "sweep" / "submission" / "here.py").read_text()

WALKS = {
    "network": (
        "models/kinds/separable.py",
        (ROOT / "examples" / "separable.py").read_text(),
        "models/kinds/__init__.py",
        '        "vgg": "models.kinds.vgg:VGG",',
        '        "separable": "models.kinds.separable:Separable",',
    ),
    "method": (
        "sweep/methods/warmup.py",
        METHOD,
        "sweep/methods/__init__.py",
        '        "plain": "sweep.methods.plain:Plain",',
        '        "warmup": "sweep.methods.warmup:Warmup",',
    ),
    "measure": (
        "sweep/measures/weights.py",
        MEASURE,
        "sweep/measures/__init__.py",
        '        "paths": "sweep.measures.paths:Paths",',
        '        "weights": "sweep.measures.weights:Weights",',
    ),
    "statistic": (
        "analysis/equivalence/extent.py",
        STATISTIC,
        "analysis/equivalence/registry.py",
        '    "skewness:SKEWNESS",',
        '    "extent:RANGE",',
    ),
    "question": (
        "analysis/questions/norms/view.py",
        QUESTION,
        "analysis/questions/__init__.py",
        '    "paths",',
        '    "norms",',
    ),
    "backend": (
        "sweep/submission/here.py",
        BACKEND,
        "sweep/submission/backend.py",
        '    "ray": "sweep.submission.ray_jobs:RayJobs",',
        '    "here": "sweep.submission.here:Here",',
    ),
    "study": (
        "sweep/studies/throwaway.py",
        STUDY,
        "sweep/studies/__init__.py",
        '        "grid": "sweep.studies.grid:STUDY",',
        '        "throwaway": "sweep.studies.throwaway:STUDY",',
    ),
}
"""What is added: the new file with its text, and the file with the line after which the one new line comes."""


class House:
    """A copy of the packages with one more part of each sort."""

    def __init__(self, root: Path) -> None:
        self.root, self.printed = root, ""
        for package in ("models", "sweep", "analysis"):
            shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
        for new, text, registry, after, line in WALKS.values():
            assert not (root / new).exists()
            (root / new).parent.mkdir(exist_ok=True)
            (root / new).write_text(text)
            before = (root / registry).read_text()
            assert before.count(f"{after}\n") == 1, f"{registry} has not the line {after}"
            (root / registry).write_text(before.replace(f"{after}\n", f"{after}\n{line}\n"))

        (root / WALKS["question"][0]).with_name("page.html").write_text(QUESTION_PAGE)

    def python(self, code: str) -> str:
        """What a Python that imports the copy prints."""
        return self._printed(forks.python(code, folder=self.root, env=self._variables))

    def sweep(self, *arguments: str) -> str:
        """What a command prints."""
        return self._printed(forks.sweep(*arguments, folder=self.root, env=self._variables))

    @property
    def _variables(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.root)}

    def _printed(self, done: "subprocess.CompletedProcess[str]") -> str:
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    house = House(tmp_path_factory.mktemp("house"))
    house.printed = house.sweep("run", "throwaway", "--executor", "local", "--workers", "1", "--no-track")
    return house


def rows(house: House, query: str) -> list[dict[str, object]]:
    return json.loads(house.sweep("query", query, "--format", "json"))


@pytest.mark.slow
def test_a_network_trains_in_every_arrangement(house: House) -> None:
    found = rows(house, "select network, architecture, count(*) as n, min(blocks) as blocks from trials group by all")
    assert {(row["network"], row["architecture"], row["n"], row["blocks"]) for row in found} == {
        ("separable", "sequential", 8, 1),
        ("separable", "parallel", 8, 1),
    }
    assert "Control: 4 of 4 depth-1 pairs are identical" in house.printed


@pytest.mark.slow
def test_a_method_trains_and_its_factor_is_a_column(house: House) -> None:
    assert rows(house, "select distinct method, rest_steps from trials") == [{"method": "warmup", "rest_steps": 2}]
    assert "steps without the first block" in house.sweep("factors", "rest_steps")


@pytest.mark.slow
def test_a_measure_has_rows_and_a_cost(house: House) -> None:
    found = rows(house, "select subject, count(*) as n from measurements where measurement = 'weights' group by all")
    assert {row["subject"]: row["n"] for row in found} == {"0": 16, "1": 8}
    code = (
        "from sweep.cost import measuring_features as cost; from sweep.trial import Trial;"
        "print(cost(Trial('s', network='separable', measure='weights'))[0] > 0)"
    )
    assert house.python(code) == "True\n"


@pytest.mark.slow
def test_a_statistic_is_in_the_numbers_and_the_table(house: House) -> None:
    report = house.root / "results" / "report" / "throwaway"
    assert '"range":' in "".join(path.read_text() for path in report.glob("*.json"))
    assert "wide" in (report / "report.html").read_text()


@pytest.mark.slow
def test_a_question_is_answered_on_the_page_and_in_the_files(house: House) -> None:
    report = house.root / "results" / "report" / "throwaway"
    page = (report / "report.html").read_text()
    assert "How large do weights grow?" in page
    assert "Norms by network" in page
    assert len(json.loads((report / "numbers.json").read_text())["parts"]["norms"]["norms"]) == 8
    assert (report / "tables" / "norms.parquet").exists()
    assert "Norms: not very." in house.printed


@pytest.mark.slow
def test_a_backend_takes_submissions(house: House) -> None:
    how = ("--backend", "here", "--folder", "kept", "--no-track", "--no-report", "--store", "results")
    assert "16 trials planned, 16 finished" in house.sweep("submit", "throwaway", *how, "--follow")
    assert "--backend STR" in house.sweep("submit", "--help")


@pytest.mark.slow
def test_a_study_is_known_by_name(house: House) -> None:
    assert "throwaway: 16 trials" in house.sweep("plan", "throwaway", "--no-calibrate")
    assert "throwaway" in house.sweep("plan", "--help")
