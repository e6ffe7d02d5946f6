"""Parts of a user's own: from files, from modules beside the study, in workers, and everything that they may not be."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import analysis

ROOT = Path(__file__).parents[2]
SEPARABLE = (ROOT / "examples" / "separable.py").read_text()
STUDY = """
study: mine
factors:
  dataset: digits
  train_samples: 100
  val_samples: 50
  batch_size: 50
  epochs: 1
  network: {network}
  depth: [1, 2]
  filters: 2
  kernel_size: 5
  architecture: [sequential, parallel]
  measure: lesions+truncation+paths
  lesion_draws: 1
  most_deleted: 1
  path_draws: 2
"""
LOCALLY = ("--executor", "local", "--workers", "1", "--device", "cpu", "--no-track")


def sweep(*arguments: str | Path, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own: what is registered stays registered."""
    command = [str(Path(sys.executable).parent / "sweep"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env={**os.environ, **variables})


def study(folder: Path, network: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "mine.yaml"
    path.write_text(STUDY.format(network=json.dumps(network)))
    return path


@pytest.mark.slow
def test_a_file_is_imported_and_brought_to_the_workers_of_ray(tmp_path: Path) -> None:
    path, mine = study(tmp_path / "here", "separable:KIND"), tmp_path / "elsewhere" / "separable.py"
    mine.parent.mkdir()
    mine.write_text(SEPARABLE)
    done = sweep(
        "run", path, "--import", mine, "--store", "s", "--workers", "1", "--no-track", folder=tmp_path / "here"
    )
    assert done.returncode == 0, done.stderr
    assert "Control: 1 of 1 depth-1 pairs are identical" in done.stdout
    # Whoever reads the results needs no module.
    results = analysis.open(tmp_path / "here" / "s")
    assert results.sql("select distinct network, kernel_size, status from trials").to_pylist() == [
        {"network": "separable:KIND", "kernel_size": 5, "status": "finished"}
    ]
    measured = set(results.measurements["measurement"].to_pylist())
    assert {"delete-one", "truncate", "path-gradient"} <= measured
    assert results.pairs("val_loss").num_rows == 2


@pytest.mark.parametrize("how", ["beside the study", "working folder", "search path"])
def test_a_module_of_a_package_is_found_by_its_name(tmp_path: Path, how: str) -> None:
    path = study(tmp_path / "studies", "mypackage.networks:KIND")
    places = {"beside the study": tmp_path / "studies", "working folder": tmp_path, "search path": tmp_path / "far"}
    package = places[how] / "mypackage"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "networks.py").write_text(SEPARABLE)
    # Nothing that lies there hides what the program needs.
    (package.parent / "models.py").write_text("raise ImportError('not this one')")
    done = sweep(
        "run", path, "--store", "s", *LOCALLY, "--no-report", folder=tmp_path, SWEEP_IMPORT_PATH=str(tmp_path / "far")
    )
    assert done.returncode == 0, done.stderr
    assert "4 finished" in done.stdout


BROKEN = {
    "no such file": ("gone", None, "gone.py cannot be read: No such file"),
    "a fault of its own": ("faulty", "1 / 0", "faulty.py cannot be imported: ZeroDivisionError: division by zero"),
    "no Python": ("wrong", "def", "wrong.py cannot be imported: SyntaxError"),
    "the name of another module": ("json", SEPARABLE, "json.py has the name of another module, 'json'; rename it"),
    "no kind": ("nothing", "KIND = 3", "network 'nothing:KIND' is not one: a network is a frozen dataclass derived"),
    "nothing of that name": ("empty", "", "network 'empty:KIND' is not there: empty has no 'KIND'"),
    "a factor declared otherwise": (
        "other",
        SEPARABLE.replace("low=1, high=15", "low=3, high=7"),
        "factor 'kernel_size' of network 'other:KIND' is declared otherwise by stack; give it the same type",
    ),
    "a factor of all trials": (
        "common",
        SEPARABLE.replace("kernel_size", "batch_size"),
        "factor 'batch_size' of network 'common:KIND' is declared otherwise by every trial",
    ),
    "a factor with a taken name": (
        "taken",
        SEPARABLE.replace("kernel_size:", "status:").replace("self.kernel_size", "self.status"),
        "factor 'status' of network 'taken:KIND' has a name that is taken; rename it",
    ),
    "impossible sizes": (
        "impossible",
        SEPARABLE.replace("Dense((width,), (classes,))", "Dense((width,), (classes + 1,))"),
        "the head must give values of size (10,), one per class",
    ),
}


@pytest.mark.parametrize(("name", "text", "sentence"), BROKEN.values(), ids=BROKEN.keys())
def test_what_cannot_be_used_is_one_sentence(tmp_path: Path, name: str, text: str | None, sentence: str) -> None:
    path, file = study(tmp_path, f"{name}:KIND"), tmp_path / f"{name}.py"
    if text is not None:
        file.write_text(text)
    done = sweep("plan", path, "--import", file, "--no-calibrate", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert sentence in done.stderr
    assert done.stderr.startswith("sweep: ")


def test_what_is_missing_says_how_to_bring_it(tmp_path: Path) -> None:
    done = sweep("plan", study(tmp_path, "absent:KIND"), "--no-calibrate", folder=tmp_path)
    assert done.returncode == 2
    assert "network 'absent:KIND' cannot be imported: No module named 'absent'; put absent beside" in done.stderr
    assert done.stderr.endswith("(--import)\n")


def test_factors_of_an_imported_file_are_shown(tmp_path: Path) -> None:
    mine = tmp_path / "tall.py"
    mine.write_text(SEPARABLE.replace("kernel_size", "spread"))
    code = (
        "from pathlib import Path; from sweep.own_code import import_file; from sweep.parts import NETWORKS;"
        f"import_file(Path({str(mine)!r})); NETWORKS.load('tall:KIND');"
        "from sweep.cli import main; main(['factors', 'spread'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "side of the depthwise kernels" in done.stdout, done.stderr
    assert "network tall:KIND" in done.stdout


def test_a_part_brings_factors_that_nothing_else_has(tmp_path: Path) -> None:
    text = SEPARABLE.replace("kernel_size", "spread").replace("spread=1)", "kernel_size=1)")
    (tmp_path / "wide.py").write_text(text)
    path = study(tmp_path, "wide:KIND")
    # Above the network that brings it.
    path.write_text(path.read_text().replace("  kernel_size: 5\n", "").replace("factors:", "factors:\n  spread: 5"))
    done = sweep("run", path, "--store", "s", *LOCALLY, "--no-report", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "4 finished" in done.stdout
    again = "from sweep.trial import Trial; print(Trial('s', spread=7, network='wide:KIND').kind)"
    done = subprocess.run([sys.executable, "-c", again], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == "Separable(spread=7)\n", done.stderr


def test_what_a_job_sends_has_the_modules_and_names_them(tmp_path: Path) -> None:
    code = """
import json, sys
from pathlib import Path
from sweep.cli.options import PlanOptions
from sweep.own_code import loaded
from sweep.submission import Batch
study, mine = sys.argv[1:]
options = PlanOptions(imports=(Path(mine),))
batch = Batch(options.plan(study), study, "store", (), "again", options.imports, loaded())
print(json.dumps([sorted(batch.own_files()), batch.command("sent"), batch.environment("sent"), batch.command()]))
"""
    mine = tmp_path / "separable.py"
    mine.write_text(SEPARABLE)
    path = study(tmp_path, "separable:KIND")
    done = subprocess.run([sys.executable, "-c", code, str(path), str(mine)], capture_output=True, text=True)
    files, command, environment, here = json.loads(done.stdout)
    assert files == ["mine.yaml", "separable.py"]
    assert command[:2] == ["run", "sent/mine.yaml"]
    assert "--import=sent/separable.py" in command
    assert environment["SWEEP_IMPORT_PATH"] == "sent"
    assert here[1] == str(path)
    assert f"--import={mine}" in here
