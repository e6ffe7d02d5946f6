"""A plan in the store that cannot be read: it ends no sweep of another study, and lets nobody replace its margins."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from mlflow import MlflowClient

from sweep.ledger import Ledger, PlannedSweep
from sweep.schedule import run_sweep
from sweep.tracking import tracking_uri

STUDY = """
study: {name}
factors: {{dataset: digits, train_samples: 100, val_samples: 50, batch_size: 50, epochs: 1, depth: 2, filters: 2,
  architecture: [sequential, parallel]}}
"""
QUICKLY = ("--executor", "local", "--workers", "1")
MARGIN = ("--margin", "ratio=0.5")


@pytest.fixture
def run(call, tmp_path, unrendered):
    """Run a small study into the store; returns the exit code."""

    def run(name: str, *arguments: str) -> int:
        study = tmp_path / f"{name}.yaml"
        study.write_text(STUDY.format(name=name))
        arguments = arguments if "--track" in arguments else (*arguments, "--no-track")
        return call("run", str(study), "--store", str(tmp_path / "store"), *QUICKLY, *arguments)

    return run


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def garble(plan: Path) -> None:
    plan.write_text("no plan")


def change(plan: Path, **facts: object) -> None:
    """Write other facts into a plan that is whole otherwise."""
    table = pq.read_table(plan)
    found = json.loads((table.schema.metadata or {})[b"sweep"]) | facts
    pq.write_table(table.replace_schema_metadata({b"sweep": json.dumps(found)}), plan)


def of_another_version(plan: Path) -> None:
    change(plan, margins={"loss": 1})


def of_no_day(plan: Path) -> None:
    change(plan, declared_at="some day")


DAMAGES = [garble, of_another_version, of_no_day]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_plan_of_another_study_is_reported_once_and_the_run_ends_with_its_answer(run, store, capsys, damage) -> None:
    assert run("other", "--no-report") == 0
    (plan,) = (store / "sweeps").iterdir()
    damage(plan)
    spoilt = plan.read_bytes()
    for _ in ("trained", "again"):
        capsys.readouterr()
        assert run("healthy") == 0
        printed = capsys.readouterr()
        (note,) = (line for line in printed.err.splitlines() if str(plan) in line)
        assert note.startswith(f"{plan} cannot be read: ")
        assert note.endswith("; this sweep goes on without it")
        assert "2 trials planned, 2 finished" in printed.out
        assert "digits    validation loss" in printed.out
        assert f"Report: {store}/report/healthy/report.html" in printed.out
        assert "There is no" not in printed.out
    assert plan.read_bytes() == spoilt


def test_the_runs_of_a_sweep_are_written_beside_a_plan_that_cannot_be_read(run, store, capsys) -> None:
    assert run("other", "--no-report") == 0
    (plan,) = (store / "sweeps").iterdir()
    garble(plan)
    assert run("healthy", "--track") == 0
    assert "MLflow" not in capsys.readouterr().out
    client = MlflowClient(tracking_uri=tracking_uri(Ledger.open(store), None))
    experiment = client.get_experiment_by_name("healthy")
    assert experiment is not None
    assert len(client.search_runs([experiment.experiment_id])) == 3


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("sweep", [(), ("--set", "seed=1")], ids=["its own sweep", "another sweep of its study"])
def test_a_plan_of_the_same_study_is_refused_before_training(run, store, capsys, damage, sweep) -> None:
    assert run("healthy", "--no-report") == 0
    (plan,) = (store / "sweeps").iterdir()
    damage(plan)
    before = {path: path.read_bytes() for folder in ("commits", "sweeps") for path in (store / folder).iterdir()}
    capsys.readouterr()
    assert run("healthy", "--no-report", *MARGIN, *sweep) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"sweep: {plan} cannot be read: ")
    assert printed.err.count("\n") == 1
    assert before == {
        path: path.read_bytes() for folder in ("commits", "sweeps") for path in (store / folder).iterdir()
    }


def test_a_plan_of_the_same_study_that_covers_a_part_of_another_holds_its_margins(
    run, store, capsys, monkeypatch
) -> None:
    assert run("healthy", "--no-report", "--limit", "1", "--margin", "ratio=0.01") == 0
    (part,) = (store / "sweeps").iterdir()
    of, later = PlannedSweep.of, dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2)
    monkeypatch.setattr(PlannedSweep, "of", lambda *planned: replace(of(*planned), declared_at=later.isoformat()))
    assert run("healthy", "--no-report") == 0
    assert "Margin declared: 1 % of the loss" in capsys.readouterr().out
    garble(part)
    assert run("healthy", "--no-report") == 2
    assert "'healthy' cannot go on, as this plan may hold its margins" in capsys.readouterr().err


@pytest.mark.parametrize("folder", ["sweeps", "commits"])
def test_damage_that_came_during_the_training_costs_the_answer_alone(run, store, capsys, monkeypatch, folder) -> None:
    def run_and_damage(*arguments):
        outcome = run_sweep(*arguments)
        for path in (store / folder).iterdir():
            garble(path)
        return outcome

    monkeypatch.setattr("sweep.launch.run_sweep", run_and_damage)
    assert run("healthy") == 0
    printed = capsys.readouterr().out
    assert "2 trials planned, 2 finished" in printed
    (reason,) = (line for line in printed.splitlines() if line.startswith("There is no answer: "))
    assert folder in reason
    assert "Look further:" in printed
