"""The service from Python."""

import doctest
import importlib
from pathlib import Path

import pytest

import sweep
from sweep.ledger import Ledger

WIDTHS = sweep.Study(
    "widths",
    {"dataset": "digits", "depth": 2, "filters": [1, 2], "architecture": ["sequential", "parallel"], "epochs": 1},
    where="filters > 1",
    margins=sweep.Margins(ratio=0.05),
)


@pytest.mark.parametrize("module", ["sweep.api", "sweep.study"])
def test_what_the_documentation_shows_is_so(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testmod(importlib.import_module(module))
    assert tried
    assert not failed


def test_the_page_on_python_is_true_to_the_letter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testfile(str(Path(__file__).parents[2] / "docs" / "python.md"), module_relative=False)
    assert tried > 8
    assert not failed


def test_a_study_made_here_is_that_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "widths.yaml"
    path.write_text(
        "study: widths\nfactors: {dataset: digits, depth: 2, filters: [1, 2], architecture: [sequential, parallel], "
        "epochs: 1}\nwhere: filters > 1\nmargins: {ratio: 0.05}\n"
    )
    assert sweep.plan(str(path)) == sweep.plan(WIDTHS)
    assert sweep.plan(WIDTHS).margins.ratio == 0.05
    assert len(sweep.plan("grid")) == 6912


def test_a_plan_takes_the_options_of_the_command_line() -> None:
    made = sweep.plan(WIDTHS, factors={"seed": "0..2", "epochs": 3}, where="seed > 0", margins={"ratio": 0.2})
    assert {(trial.seed, trial.epochs) for trial in made.trials} == {(1, 3), (2, 3)}
    assert made.margins.ratio == 0.2
    assert len(sweep.plan(made, limit=1)) == 1
    parts = [sweep.plan(WIDTHS, factors={"seed": "0..3"}, shard=f"{part}/2") for part in (1, 2)]
    assert sum(map(len, parts)) == 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time": "soon"}, "not a time"),
        ({"executor": "slurm"}, "executor 'slurm' is not known"),
        ({"device": "gpu", "executor": "local"}, "device is 'gpu'"),
        ({"workers": 0}, "workers is 0"),
        ({"order": "x"}, "order 'x' is not known"),
        ({"where": "dept == 1"}, "did you mean 'depth'"),
        ({"factors": {"dept": 1}}, "did you mean 'depth'"),
        ({"factors": {"seed": [0, 0]}}, "level twice"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_made(options: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(sweep.SweepError, match=message):
        sweep.run(WIDTHS, store=tmp_path / "store", **options)
    assert not (tmp_path / "store").exists()


def test_a_run_trains_what_is_missing_tracks_it_and_writes_the_report(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    results = sweep.run(WIDTHS, store=store, executor="local", progress=False)
    assert results.trials["status"].to_pylist() == ["finished"] * 2
    assert (store / "mlflow.db").exists()
    assert (store / "report" / "widths" / "report.html").exists()
    assert capfd.readouterr() == ("", "")
    commits = Ledger.open(store).contents.status
    again = sweep.run(WIDTHS, store=store, executor="local")
    assert again.trials.equals(results.trials)
    assert Ledger.open(store).contents.status == commits
    assert sweep.open(store).trials.equals(results.trials)


def test_a_run_whose_time_is_up_returns_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(sweep.SweepError, match="there are no results"):
        sweep.run(WIDTHS, store=tmp_path / "store", executor="local", time="0.000001s", track=False)


def test_names_that_there_are_not_are_no_attributes() -> None:
    with pytest.raises(AttributeError, match="no attribute 'plans'"):
        sweep.plans  # noqa: B018
