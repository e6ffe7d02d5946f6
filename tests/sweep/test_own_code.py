"""Parts of a user's own: from files, from modules beside the study, in workers, and everything that they may not be."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import analysis
from sweep.trial import Trial
from tests import forks

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
    return forks.sweep(*arguments, folder=folder, env={**os.environ, **variables})


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
    command = [str(Path(sys.executable).parent / "sweep"), "run", str(path), "--import", str(mine), "--store", "s"]
    how = ("--workers", "1", "--no-track")
    done = subprocess.run([*command, *how], capture_output=True, text=True, cwd=tmp_path / "here")
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
    "an exit": ("leaving", "raise SystemExit(3)", "leaving.py cannot be imported: SystemExit: 3"),
    "no Python": ("wrong", "def", "wrong.py cannot be imported: SyntaxError"),
    "the name of another module": ("json", SEPARABLE, "json.py has the name of another module, 'json'; rename it"),
    "no kind": ("nothing", "KIND = 3", "network 'nothing:KIND' is not one: a network is a frozen dataclass derived"),
    "nothing of that name": ("empty", "", "network 'empty:KIND' is not there: empty has no 'KIND'"),
    "a factor declared differently": (
        "other",
        SEPARABLE.replace("low=1, high=15", "low=3, high=7"),
        "factor 'kernel_size' of network 'other:KIND' is declared differently by stack; give it the same type",
    ),
    "a factor of all trials": (
        "common",
        SEPARABLE.replace("kernel_size", "batch_size"),
        "factor 'batch_size' of network 'common:KIND' has a name that is taken; rename it",
    ),
    "a factor with a taken name": (
        "taken",
        SEPARABLE.replace("kernel_size:", "status:").replace("self.kernel_size", "self.status"),
        "factor 'status' of network 'taken:KIND' has a name that is taken; rename it",
    ),
    "a field that is not a factor": (
        "field",
        SEPARABLE.replace('= factor(3, low=1, high=15, meaning="side of the depthwise kernels")', "= 3"),
        "field 'kernel_size' of Separable is not a factor; declare it with models.factor.factor",
    ),
    "not frozen": ("thawed", SEPARABLE.replace("(frozen=True)", ""), "network 'thawed:KIND' is not one: a network is"),
    "no layout": ("bare", SEPARABLE.replace("def layout", "def plan"), "network 'bare:KIND' does not define layout"),
    "a layout with a fault": (
        "wrongly",
        SEPARABLE.replace("hidden = (width", "hidden = (height"),
        "network 'wrongly:KIND' has a fault: NameError: name 'height' is not defined",
    ),
    "a relative import": (
        "relative",
        "from .there import THING",
        "relative.py cannot be imported: ImportError: attempted relative import with no known parent package",
    ),
    "a default out of bounds": (
        "beyond",
        SEPARABLE.replace("factor(3, low=1", "factor(30, low=1").replace("kernel_size", "side"),
        "factor 'side' of network 'beyond:KIND' has the default 30, but takes an integer from 1 to 15",
    ),
    "another module missing": (
        "needy",
        "import no_such_module",
        "needy.py cannot be imported: ModuleNotFoundError: No module named 'no_such_module'",
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


@pytest.mark.parametrize("name", [":KIND", "a b:KIND", "mine:", "mine:a.b", "../mine:KIND"])
def test_a_name_that_is_none_is_one_sentence(tmp_path: Path, name: str) -> None:
    done = sweep("plan", study(tmp_path, name), "--no-calibrate", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert f"network is {name!r}, but a part of your own is named module:NAME" in done.stderr


def test_a_name_without_a_module_says_how_own_parts_are_named(tmp_path: Path) -> None:
    done = sweep("plan", study(tmp_path, "separable"), "--no-calibrate", folder=tmp_path)
    assert "takes one of stack, resnet, preresnet, vgg, linear," in done.stderr
    assert ", or module:NAME of your own" in done.stderr


STRETCHED = SEPARABLE.replace(
    "    kernel_size: int",
    '    stretch: int = factor(1, low=1, high=4, meaning="of the width")\n    kernel_size: int',
).replace("hidden = (width,", "width *= self.stretch\n        hidden = (width,")


@pytest.mark.slow
def test_factors_of_its_own_reach_the_workers_and_may_be_set_first(tmp_path: Path) -> None:
    (tmp_path / "stretched.py").write_text(STRETCHED)
    factors = ("--set", "stretch=1,2", "--set", "network=stretched:KIND", "--set", "measure=none")
    measures = ("--set", "lesion_draws=0", "--set", "most_deleted=0", "--set", "path_draws=0")
    path = study(tmp_path, "stack")
    how = ("--store", "s", "--workers", "1", "--no-track", "--no-report")
    done = sweep("run", path, *factors, *measures, *how, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    trials = analysis.open(tmp_path / "s").trials
    assert sorted(set(trials["stretch"].to_pylist())) == [1, 2]
    assert len(set(trials["parameters"].to_pylist())) == 4


@pytest.mark.slow
def test_modules_that_a_part_needs_go_with_it(tmp_path: Path) -> None:
    package = tmp_path / "lib" / "nets"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from nets import words\n")
    (package / "words.py").write_text("LABEL = 'network of two modules'\n")
    (package / "kinds.py").write_text(
        SEPARABLE.replace("from dataclasses", "from nets import words\nfrom dataclasses", 1).replace(
            '"separable network"', "words.LABEL"
        )
    )
    (tmp_path / "lib" / "wide.py").write_text("from nets.kinds import Separable\n\nKIND = Separable\n")
    (tmp_path / "here").mkdir()
    path = study(tmp_path / "here", "wide:KIND")
    how = ("--import", tmp_path / "lib" / "wide.py", "--store", "s", "--workers", "1", "--no-track", "--limit", "2")
    done = sweep("run", path, *how, folder=tmp_path / "here")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 finished" in done.stdout


def test_what_is_missing_says_how_to_bring_it(tmp_path: Path) -> None:
    done = sweep("plan", study(tmp_path, "absent:KIND"), "--no-calibrate", folder=tmp_path)
    assert done.returncode == 2
    assert "network 'absent:KIND' cannot be imported: No module named 'absent'; put absent beside" in done.stderr
    assert done.stderr.endswith("(--import)\n")


def test_factors_of_an_imported_file_are_shown(tmp_path: Path) -> None:
    (tmp_path / "stretched.py").write_text(STRETCHED)
    done = sweep("factors", "stretch", "--import", tmp_path / "stretched.py", folder=tmp_path)
    assert "taken by  network stretched:KIND" in done.stdout, done.stderr
    assert "takes     an integer from 1 to 4" in done.stdout


def test_a_worker_imports_what_it_was_sent_and_no_other_file_of_that_name(tmp_path: Path) -> None:
    code = """
from sweep.own_code import OwnModule, restore
restore([OwnModule("pack", "/far/pack/__init__.py", "A = 'sent'"), OwnModule("pack.one", "/far/pack/one.py", "A = 1")])
import pack
from pack.one import A
print(pack.A, A)
"""
    (tmp_path / "pack.py").write_text("A = 'another'")
    done = forks.python(code, folder=tmp_path)
    assert done.stdout == "sent 1\n", done.stderr


def test_a_trial_travels_to_a_process_that_knows_no_other_part(tmp_path: Path) -> None:
    code = """
import pickle, sys
from pathlib import Path
from sweep.own_code import import_file
from sweep.parts import FACTORS, NETWORKS
from sweep.trial import Trial
NETWORKS.register_all(import_file(Path(sys.argv[1])))
assert "stretch" in FACTORS
print(pickle.dumps(Trial("s", network="resnet", depth=20, measure="lesions")).hex())
"""
    mine = tmp_path / "stretched.py"
    mine.write_text(STRETCHED)
    done = forks.python(code, mine)
    assert pickle.loads(bytes.fromhex(done.stdout)) == Trial("s", network="resnet", depth=20, measure="lesions")


def test_what_a_job_sends_has_the_modules_and_names_them(tmp_path: Path) -> None:
    code = """
import json, sys
from pathlib import Path
from sweep.cli.plan_options import PlanOptions
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
    done = forks.python(code, path, mine)
    files, command, environment, here = json.loads(done.stdout)
    assert files == ["mine.yaml", "separable.py"]
    assert command[:2] == ["run", "sent/mine.yaml"]
    assert "--import=sent/separable.py" in command
    assert environment["SWEEP_IMPORT_PATH"] == "sent"
    assert here[1] == str(path)
    assert f"--import={mine}" in here


def test_what_a_module_prints_does_not_mix_with_the_answer(tmp_path: Path) -> None:
    (tmp_path / "separable.py").write_text('print("hello")\n' + SEPARABLE)
    done = sweep("plan", study(tmp_path, "separable:KIND"), "--no-calibrate", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["trials"] == 4
    assert "hello" in done.stderr


def test_a_pipe_is_no_file_to_import(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    done = sweep("plan", "quick", "--import", tmp_path / "pipe.py", "--no-calibrate", folder=tmp_path)
    assert done.returncode == 2
    assert "pipe.py cannot be imported; give a Python file" in done.stderr
