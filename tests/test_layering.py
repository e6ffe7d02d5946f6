"""Dependencies point one way: analysis -> (Arrow files) <- sweep -> models."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OWN = ("models", "sweep", "analysis")
HEAVY = ("ray", "mlflow", "pydantic", "yaml", "rich", "cyclopts", "duckdb", "scipy", "sklearn", "pandas")


def imports() -> dict[str, set[str]]:
    """Module name to the modules that it imports anywhere in it, own ones with their full names."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): set(_imported(path))
        for package in OWN
        for path in sorted((ROOT / package).rglob("*.py"))
    }


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            assert node.module is not None
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if _is_module(full) else node.module


def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return name.startswith(OWN) and (path.with_suffix(".py").exists() or (path / "__init__.py").exists())


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


IMPORTS = imports()


def importers(*packages: str) -> set[str]:
    """Modules that import any of the packages themselves."""
    return {module for module, names in IMPORTS.items() if any(within(name, *packages) for name in names)}


def breaches(of: str, *forbidden: str) -> set[tuple[str, str]]:
    return {
        (module, name)
        for module, names in IMPORTS.items()
        if within(module, of)
        for name in names
        if within(name, *forbidden)
    }


def test_the_walk_sees_the_packages() -> None:
    assert {"models.kinds.stack", "sweep.trial", "sweep.ledger.ledger", "analysis.results"} <= IMPORTS.keys()
    assert "sweep.data" in IMPORTS["sweep.trial"]
    assert "sweep.schedule.book" in IMPORTS["sweep.schedule.local"]
    assert not any(within(name, *OWN) and not _is_module(name) for names in IMPORTS.values() for name in names)


def test_models_import_torch_alone() -> None:
    allowed = {*sys.stdlib_module_names, "torch", "torchvision", "models"}
    assert not {
        (module, name)
        for module, names in IMPORTS.items()
        if within(module, "models")
        for name in names
        if name.partition(".")[0] not in allowed
    }


def test_ray_is_for_the_modules_that_schedule_on_it_or_submit_to_it() -> None:
    on_ray = {f"sweep.schedule.{name}" for name in ("tune", "cluster", "own_ray", "object_cache", "probe")}
    on_ray.add("sweep.ray_private")
    assert importers("ray") <= on_ray | {module for module in IMPORTS if within(module, "sweep.submission")}
    assert "sweep.schedule.tune" in importers("ray")


def test_mlflow_is_for_tracking() -> None:
    assert importers("mlflow")
    assert all(within(module, "sweep.tracking") for module in importers("mlflow"))


@pytest.mark.parametrize(
    ("library", "package"),
    [("cyclopts", "sweep.cli"), ("rich", "sweep.cli"), ("duckdb", "analysis"), ("yaml", "sweep.studyfile")],
)
def test_a_library_is_for_one_package(library: str, package: str) -> None:
    assert all(within(module, package) for module in importers(library))


CORE = (
    "sweep.errors",
    "sweep.factors",
    "sweep.trial",
    "sweep.expression",
    "sweep.study",
    "sweep.cost",
    "sweep.pack",
    "sweep.planning",
    "sweep.studies",
    "sweep.engine",
    "sweep.ledger",
)


@pytest.mark.parametrize("part", CORE)
def test_the_core_knows_of_nothing_above_it(part: str) -> None:
    assert any(within(module, part) for module in IMPORTS)
    above = ("sweep.schedule", "sweep.tracking", "sweep.cli", "sweep.calibration", "sweep.studyfile", "analysis")
    assert not breaches(part, *HEAVY, *above)


def test_the_engine_does_not_know_the_ledger_nor_the_ledger_what_trains() -> None:
    assert not breaches("sweep.engine", "sweep.ledger")
    assert not breaches("sweep.ledger", "torch", "models", "sweep.engine", "sweep.planning", "sweep.pack")


REGISTERED = ("models.kinds", "sweep.methods", "sweep.measures", "sweep.studies")
SHARED = {"sweep.methods.base", "sweep.measures.base", "sweep.measures.scores", "sweep.studies.recipes"}
FACES = {
    *(("models", f"models.kinds.{kind}") for kind in ("stack", "resnet", "vgg", "linear")),
}
"""What shows programmers the kinds, and the fused form of stacks."""


@pytest.mark.parametrize("family", REGISTERED)
def test_a_part_is_imported_by_its_like_alone(family: str) -> None:
    parts = {module for module in IMPORTS if within(module, family)} - {family, *SHARED}
    assert parts
    known = {(module, name) for module in IMPORTS if not within(module, family) for name in IMPORTS[module] & parts}
    # A question takes the names of its rows from the measure that writes them.
    known = {each for each in known if family != "sweep.measures" or not within(each[0], "analysis.questions")}
    assert known <= FACES


NAMED = {
    *("stack", "resnet", "preresnet", "vgg", "linear", "densenet", "densenet-bc", "se-resnet", "se-preresnet"),
    *("sk-resnet", "wide-resnet", "procrustes-resnet"),
    *("droppath", "residual-droppath", "effective-paths", "procrustes"),
    *("lesions", "truncation", "paths", "features", "subnetworks", "gradient-norms"),
}
"""Names of parts. The plain method and no measure are every trial's."""
MAY_NAME = (
    *("models.kinds", "sweep.methods", "sweep.measures", "sweep.studies"),
    # Each answers the question of one measure, or compares methods and networks that a paper compares.
    *(
        f"analysis.questions.{question}"
        for question in ("lesions", "truncation", "paths", "features", "methods", "shallow_first", "norm_preservation")
    ),
    *("analysis.questions", "analysis.arms"),
)


def test_no_rule_names_a_part() -> None:
    found: set[tuple[str, str]] = set()
    for module in IMPORTS:
        if within(module, *MAY_NAME):
            continue
        path = ROOT.joinpath(*module.split("."))
        tree = ast.parse((path.with_suffix(".py") if not path.is_dir() else path / "__init__.py").read_text())
        words = {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        found |= {(module, word) for word in words & NAMED}
    # The default of the factor `network`, names of modules, and the schedule of drop probabilities.
    others = {("sweep.parts", "stack"), ("models", "droppath"), ("models", "paths"), ("models.droppath", "linear")}
    assert found <= others


def test_no_module_shadows_the_standard_library() -> None:
    assert not {name for name in IMPORTS if name.rpartition(".")[2] in sys.stdlib_module_names}


def test_trials_and_plans_are_known_without_torch() -> None:
    for part in ("sweep.trial", "sweep.planning", "sweep.pack", "sweep.study", "sweep.ledger", "sweep.studies"):
        assert not breaches(part, "torch", "torchvision")


@pytest.mark.parametrize("part", ["models", "sweep.data", "sweep.schedule", "sweep.tracking", "sweep.ledger"])
def test_nothing_reaches_back_to_the_command_line_or_the_analysis(part: str) -> None:
    assert not breaches(part, "sweep.cli", "analysis")


def test_tracking_does_not_know_what_schedules() -> None:
    assert not breaches("sweep.tracking", "sweep.schedule", "ray")


def beyond(of: str, *allowed: str) -> set[tuple[str, str]]:
    """Imports of a package, beside Python's own library, that are not allowed."""
    return {
        (module, name)
        for module, names in IMPORTS.items()
        if within(module, of)
        for name in names
        if name.partition(".")[0] not in sys.stdlib_module_names and not within(name, *allowed)
    }


def test_analysis_meets_sweep_at_the_ledger() -> None:
    libraries = ("pyarrow", "duckdb", "numpy", "scipy", "matplotlib", "jinja2", "markupsafe")
    met = ("sweep.errors", "sweep.durable", "sweep.ledger", "sweep.parts", "sweep.measures")
    assert not beyond("analysis", "analysis", *met, *libraries)
    names = {module for module in importers("sweep.measures") if within(module, "analysis")}
    assert names
    assert all(within(module, "analysis.questions") for module in names)
    met = {name for module, names in IMPORTS.items() if within(module, "analysis") for name in names}
    assert "sweep.ledger" in met


def test_the_statistics_know_arrays_alone() -> None:
    assert not beyond("analysis.equivalence", "analysis.equivalence", "analysis.formats", "numpy", "scipy")
    assert not beyond("analysis.formats")
    users = {module for module in importers("scipy") if within(module, "analysis")}
    assert users
    assert all(within(module, "analysis.equivalence") for module in users)


def test_the_figures_know_nothing_of_the_rest_of_the_analysis() -> None:
    assert not beyond("analysis.figures", "analysis.figures", "numpy", "matplotlib")
    drawing = importers("matplotlib")
    assert drawing
    assert all(within(module, "analysis.figures") or _is_view(module) for module in drawing)


def _is_view(module: str) -> bool:
    """Whether a module is for readers: of a question, anything but its numbers."""
    return module in NOTEBOOKS or (within(module, "analysis.questions") and module.rpartition(".")[2] in VIEWS)


NOTEBOOKS = ("analysis.plots", "analysis.notebook")
VIEWS = ("view", "budget_view", "pictures", "tables", "wording", "published", "claims", "terminal")


def test_what_is_drawn_and_written_comes_last() -> None:
    last = ("analysis.report", "analysis.figures")
    users = {module for module in importers(*last) if within(module, "analysis") and not within(module, *last)}
    assert {module for module in users if not _is_view(module)} <= {"analysis.questions"}
    # A figure knows nothing of pages.
    assert not breaches("analysis.figures", "analysis.report", "analysis.questions")


def test_a_question_knows_no_other_but_for_the_margins_of_matched_pairs() -> None:
    questions = {module.split(".")[2] for module in IMPORTS if module.startswith("analysis.questions.")}
    assert len(questions) > 3
    shared = {"analysis.questions.equivalence.declared"}
    for question in questions:
        own = f"analysis.questions.{question}"
        others = {name for module in IMPORTS if within(module, own) for name in IMPORTS[module]}
        assert {name for name in others if within(name, "analysis.questions") and not within(name, own)} <= shared


def run(code: str) -> list[str]:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


LOADED = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"


STORE = """
import tempfile
from sweep.result import Epoch, TrialResult
from sweep.ledger import Ledger, to_tables
from sweep.trial import Trial
store = tempfile.mkdtemp()
trials = [Trial("s", depth=2, architecture=side) for side in ("sequential", "parallel")]
epoch = Epoch(1, 1.0, 0.5, 1.0, 0.5, 1.0, 1.0)
Ledger.create(store).publish(to_tables([TrialResult(trial, "finished", (epoch,)) for trial in trials]))
"""


def test_a_query_waits_for_no_statistics_figures_or_training() -> None:
    query = (
        "import analysis\nassert analysis.open(store).sql('select ratio from pairs').to_pylist() == [{'ratio': 1.0}]"
    )
    loaded = set(run(f"{STORE}\n{query}\n{LOADED}"))
    assert {"sweep", "duckdb", "pyarrow"} <= loaded
    assert not loaded & {"scipy", "matplotlib", "torch", "torchvision", "ray", "mlflow", "sklearn"}


def test_a_verdict_waits_for_no_figures_or_training() -> None:
    loaded = set(run(f"{STORE}\nimport analysis\nanalysis.assess(analysis.open(store).pairs())\n{LOADED}"))
    assert "scipy" in loaded
    assert not loaded & {"matplotlib", "torch", "torchvision", "ray", "mlflow", "sklearn"}


COMMAND = """
import contextlib, io
from sweep.cli import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main({arguments})
"""


def test_help_waits_for_no_library_of_the_commands() -> None:
    loaded = set(run(f"{COMMAND.format(arguments=['--help'])}\n{LOADED}"))
    assert not loaded & {"numpy", "pyarrow", "pandas", "duckdb", "scipy", "matplotlib", "torch", "ray", "mlflow"}


def test_status_waits_for_little() -> None:
    shown = COMMAND.format(arguments="['status', '--store', store]")
    loaded = set(run(f"{STORE}\nLedger.open(store).record_sweep('a' * 20, 's', trials)\n{shown}\n{LOADED}"))
    assert not loaded & {"duckdb", "scipy", "matplotlib", "torch", "ray", "mlflow"}


def test_planning_loads_no_torch() -> None:
    assert "torch" not in run(f"import sweep.planning, sweep.studies, sweep.ledger\n{LOADED}")


BLOCK = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
"""


def test_the_core_needs_torch_numpy_and_pyarrow_only() -> None:
    core = "sweep.trial, sweep.planning, sweep.studies, sweep.engine.training, sweep.ledger, sweep.schedule.local"
    code = f"""{BLOCK}
import {core}
import tempfile
from sweep.engine import find_engine
from sweep.result import Setting
from sweep.ledger import Ledger, to_tables
ledger = Ledger.create(tempfile.mkdtemp())
ledger.publish(to_tables(next(find_engine("null")([sweep.trial.Trial("s")], Setting()))))
print(ledger.read("trials").num_rows)
"""
    assert run(code) == ["1"]
