"""The command line, called in process."""

import io
import json
from pathlib import Path

import pyarrow as pa
import pytest

from sweep.cli import app, main

STUDY = """
study: tiny
factors:
  dataset: [digits]
  depth: [1, 2]
  filters: [2]
  kernel_size: [3]
  activation: [relu]
  seed: [0, 1]
  architecture: [sequential, parallel]
  epochs: [2]
"""
COMMANDS = ["plan", "run", "status", "query", "ui", "track", "data", "data fetch", "data verify", "data import"]


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("studies") / "tiny.yaml"
    path.write_text(STUDY)
    return str(path)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, study: str) -> str:
    """A store with a finished sweep."""
    folder = str(tmp_path_factory.mktemp("stores") / "a store")
    assert call("run", study, "--store", folder, "--executor", "local") == 0
    return folder


def test_run_prints_the_answer_and_where_to_look(study, tmp_path, capsys):
    assert call("run", study, "--store", str(tmp_path / "s"), "--executor", "local", "--no-track") == 0
    printed = capsys.readouterr()
    assert "8 trials planned, 8 finished, 0 diverged, 0 failed, 0 missing" in printed.out
    assert "digits    val_loss" in printed.out
    assert "Control: 2 of 2 depth-1 pairs are identical, as they must be." in " ".join(printed.out.split())
    assert "sweep query --store" in printed.out
    assert "Traceback" not in printed.err


def test_run_again_trains_nothing(study, store, capsys):
    before = sorted(Path(store, "commits").iterdir())
    assert call("run", study, "--store", store, "--executor", "local") == 0
    assert sorted(Path(store, "commits").iterdir()) == before
    assert "8 finished" in capsys.readouterr().out


def test_failed_trials_are_exit_code_1(study, tmp_path, capsys, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "schedule"))
    arguments = ("--executor", "local", "--no-track", "--engine", "faulty_engines:train", "--set", "seed=0,101")
    assert call("run", study, "--store", str(tmp_path / "s"), *arguments) == 1
    printed = capsys.readouterr()
    assert "4 finished, 0 diverged, 4 failed, 0 missing" in printed.out
    assert "ValueError: this trial cannot be trained" in printed.err


def test_a_run_takes_part_of_a_study(study, tmp_path, capsys):
    store = str(tmp_path / "s")
    part = ("--where", "depth == 2", "--set", "epochs=1", "--set", "seed=5", "--limit", "1")
    assert call("run", study, "--store", store, "--executor", "local", "--no-track", *part) == 0
    assert (
        call("query", "select depth, epochs, seed, architecture from trials", "--store", store, "--format", "json") == 0
    )
    out = capsys.readouterr().out
    rows = json.loads(out[out.index("[\n") :])
    assert rows == [{"depth": 2, "epochs": 1, "seed": 5, "architecture": "sequential"}]


def test_status_counts_trials(store, capsys):
    assert call("status", "--store", store, "--json") == 0
    total = json.loads(capsys.readouterr().out)["total"]
    assert total == {"planned": 8, "finished": 8, "diverged": 0, "failed": 0, "missing": 0}
    assert call("status", "--store", store) == 0
    assert "tiny" in capsys.readouterr().out


def test_plan_shows_cost_and_what_is_done(study, store, capsys):
    assert call("plan", study, "--store", store, "--no-calibrate", "--set", "seed=0,1,2") == 0
    out = capsys.readouterr().out
    assert "12, of which 8 done (67 %)" in out
    assert "FLOPs" in out
    assert call("plan", study, "--no-calibrate", "--json", "--trials", "--store", store) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["trials"], plan["done"], plan["packs"], len(plan["list"])) == (8, 8, 3, 8)


def test_plan_measures_this_machine(study, store, capsys):
    assert call("plan", study, "--json", "--store", store) == 0
    plan = json.loads(capsys.readouterr().out)
    assert 0 < plan["estimated_seconds"] < 600
    assert plan["estimated_seconds_left"] == 0


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("select count(*) as n from trials", [{"n": 8}]),
        ("select count(*) as n, max(epoch) as last from curves", [{"n": 16, "last": 2}]),
        (
            "select depth, count(*) as n from pairs group by depth order by depth",
            [{"depth": 1, "n": 2}, {"depth": 2, "n": 2}],
        ),
    ],
)
def test_query_answers_in_every_format(store, query, rows, capsysbinary):
    assert call("query", query, "--store", store, "--format", "json") == 0
    assert json.loads(capsysbinary.readouterr().out) == rows
    assert call("query", query, "--store", store, "--format", "arrow") == 0
    assert pa.ipc.open_stream(io.BytesIO(capsysbinary.readouterr().out)).read_all().to_pylist() == rows
    assert call("query", query, "--store", store, "--format", "csv") == 0
    assert capsysbinary.readouterr().out.count(b"\n") == 1 + len(rows)
    assert call("query", query, "--store", store) == 0
    table = capsysbinary.readouterr().out.decode()
    assert all(name in table for name in rows[0])


def test_track_writes_runs_and_makes_them_anew(store, capsys):
    assert call("track", "--store", store) == 0
    assert call("track", "--store", store, "--rebuild") == 0
    assert "8 trials" in capsys.readouterr().out


def test_data_verify(capsys):
    assert call("data", "verify", "digits") == 0
    assert "digits" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_has_help(command, capsys):
    assert call(*command.split(), "--help") == 0
    assert "Usage: sweep" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["rn"], 'Unknown command "rn"'),
        (["run"], "STUDY"),
        (["run", "gird"], "did you mean 'grid'"),
        (["run", "no-such.yaml"], "no-such.yaml cannot be read"),
        (["run", "quick", "--wher", "x"], "--where"),
        (["run", "quick", "--where", "depht > 1"], "did you mean 'depth'"),
        (["run", "quick", "--where", "depth >"], "cannot be read"),
        (["run", "quick", "--where", "depth > 99"], "no trial"),
        (["run", "quick", "--set", "epochs=none"], "epochs is 'none'"),
        (["run", "quick", "--set", "epochs"], "FACTOR=VALUE"),
        (["run", "quick", "--limit", "0"], "--limit is 0"),
        (["run", "quick", "--limit", "x"], '"x"'),
        (["run", "quick", "--shard", "3/2"], "3/2"),
        (["plan", "quick", "--limit", "2", "--shard", "2/2"], "fewer parts"),
        (["plan", "quick", "--pack-size", "0"], "--pack-size is 0"),
        (["run", "quick", "--device", "gpu"], "--device is 'gpu'"),
        (["run", "quick", "--device", "cuda:1"], "Ray chooses"),
        (["run", "quick", "--engine", "troch"], "did you mean 'torch'"),
        (["run", "quick", "--executor", "slurm"], "'slurm'"),
        (["run", "quick", "--workers", "0"], "--workers is 0"),
        (["run", "quick", "--pack-size", "0"], "--pack-size is 0"),
        (["run", "quick", "--store", "ftp://somewhere/x"], "ftp://somewhere/x"),
        (["status", "--store", "nowhere"], "no store at nowhere"),
        (["query", "select 1", "--store", "nowhere"], "no store at nowhere"),
        (["ui", "--store", "nowhere"], "no store at nowhere"),
        (["data", "fetch", "imagenet"], "imagenet"),
        (["data", "import", "mnist", "nowhere"], "nowhere"),
    ],
)
def test_wrong_input_is_one_sentence_and_exit_code_2(arguments, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call(*arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("sweep: ")
    assert err.count("\n") == 1
    assert sentence in err
    assert not list(tmp_path.glob("*/commits"))


@pytest.mark.parametrize(
    "query", ["selec 1", "select nothing from trials", "create table x (a int)", "select * from other"]
)
def test_a_wrong_query_is_one_sentence(store, query, capsys):
    assert call("query", query, "--store", store) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_commands_are_those_of_the_documentation():
    assert {name for name in app if not name.startswith("-")} == {command.split()[0] for command in COMMANDS}
