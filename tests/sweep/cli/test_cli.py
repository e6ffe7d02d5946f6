"""The command line, called in process."""

import inspect
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pyarrow as pa
import pytest
from cyclopts import App
from mlflow import MlflowClient

from sweep.cli import MEANINGS, app
from sweep.ledger import Ledger
from sweep.tracking import tracking_uri

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
QUICKLY = ("--executor", "local", "--no-track", "--no-report")
COMMANDS = [
    "plan",
    "run",
    "submit",
    "jobs",
    "logs",
    "stop",
    "status",
    "query",
    "export",
    "merge",
    "report",
    "ui",
    "track",
    "factors",
    "data",
    "data fetch",
    "data verify",
    "data import",
]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("studies") / "tiny.yaml"
    path.write_text(STUDY)
    return str(path)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, call: Callable[..., int], study: str) -> str:
    """A store with a finished sweep, its runs and its report."""
    folder = str(tmp_path_factory.mktemp("stores") / "a store")
    assert call("run", study, "--store", folder, "--executor", "local") == 0
    return folder


def test_run_prints_the_answer_and_where_to_look(call, study, tmp_path, capsys):
    assert call("run", study, "--store", str(tmp_path / "s"), *QUICKLY) == 0
    printed = capsys.readouterr()
    assert "8 trials planned, 8 finished, 0 diverged, 0 failed, 0 missing" in printed.out
    assert "digits    validation loss" in printed.out
    assert "Control: 2 of 2 depth-1 pairs are identical, as they must be." in " ".join(printed.out.split())
    assert "sweep query --store" in printed.out
    assert "Traceback" not in printed.err


def test_run_again_trains_nothing_and_writes_no_report(call, study, store, capsys):
    before, page = sorted(Path(store, "commits").iterdir()), Path(store, "report", "tiny", "report.html")
    written = page.stat()
    assert call("run", study, "--store", store, "--executor", "local") == 0
    assert sorted(Path(store, "commits").iterdir()) == before
    printed = capsys.readouterr().out
    assert "8 finished" in printed
    assert f"Report: {page}\n" in printed
    assert (page.stat().st_mtime_ns, page.stat().st_ino) == (written.st_mtime_ns, written.st_ino)


def test_a_run_keeps_its_report_with_its_runs(store):
    client = MlflowClient(tracking_uri=tracking_uri(Ledger.open(store), None))
    experiment = client.get_experiment_by_name("tiny")
    assert experiment is not None
    (parent,) = client.search_runs([experiment.experiment_id], "tags.kind = 'sweep'")
    assert parent.data.metrics["control_failed"] == 0
    assert parent.data.metrics["digits_val_loss_ratio"] > 0
    kept = [file.path for file in client.list_artifacts(parent.info.run_id, "report")]
    assert "report/report.html" in kept


def test_failed_trials_are_exit_code_1(call, study, tmp_path, capsys, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "schedule"))
    arguments = (*QUICKLY, "--engine", "faulty_engines:train", "--set", "seed=0,101")
    assert call("run", study, "--store", str(tmp_path / "s"), *arguments) == 1
    printed = capsys.readouterr()
    assert "4 finished, 0 diverged, 4 failed, 0 missing" in printed.out
    assert "ValueError: this trial cannot be trained" in printed.err


def test_a_run_takes_part_of_a_study(call, study, tmp_path, capsys):
    store = str(tmp_path / "s")
    part = ("--where", "depth == 2", "--set", "epochs=1", "--set", "seed=5", "--limit", "1")
    assert call("run", study, "--store", store, *QUICKLY, *part) == 0
    assert (
        call("query", "select depth, epochs, seed, architecture from trials", "--store", store, "--format", "json") == 0
    )
    out = capsys.readouterr().out
    rows = json.loads(out[out.index("[\n") :])
    assert rows == [{"depth": 2, "epochs": 1, "seed": 5, "architecture": "sequential"}]


def test_status_counts_trials(call, store, capsys):
    assert call("status", "--store", store, "--json") == 0
    total = json.loads(capsys.readouterr().out)["total"]
    assert total == {"planned": 8, "finished": 8, "diverged": 0, "failed": 0, "missing": 0}
    assert call("status", "--store", store) == 0
    assert "tiny" in capsys.readouterr().out


def test_status_is_a_line_per_sweep_on_a_narrow_terminal(call, store, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    assert call("status", "--store", store) == 0
    title, sweep, every = capsys.readouterr().out.splitlines()
    assert title == f"store {store}"
    assert sweep.endswith(": 8 planned, 8 finished")
    assert every == "all: 8 planned, 8 finished"


def test_output_that_cannot_be_written_is_one_sentence(store):
    arguments = [sys.executable, "-m", "sweep", "status", "--store", store]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(arguments, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "sweep: the output cannot be used: No space left on device\n")


def test_plan_shows_cost_and_what_is_done(call, study, store, capsys):
    assert call("plan", study, "--store", store, "--no-calibrate", "--set", "seed=0,1,2") == 0
    out = capsys.readouterr().out
    assert "12, of which 8 done (67 %)" in out
    assert "FLOPs" in out
    assert call("plan", study, "--no-calibrate", "--json", "--trials", "--store", store) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["trials"], plan["done"], plan["packs"], len(plan["list"])) == (8, 8, 3, 8)


def test_plan_lists_what_varies_and_says_what_does_not_in_a_sentence(call, study, store, capsys):
    assert call("plan", study, "--store", store, "--no-calibrate") == 0
    out = capsys.readouterr().out
    table = out.partition("constant")[0]
    assert [line.split()[1] for line in table.splitlines() if line.startswith("│")] == [
        *("architecture", "depth", "stages", "seed")
    ]
    assert "constant dataset digits, " in " ".join(out.split())
    assert "; all else is at its default trials 8" in " ".join(out.split())
    assert call("plan", study, "--store", store, "--no-calibrate", "--limit", "1") == 0
    out = capsys.readouterr().out
    assert out.startswith("tiny: 1 trial\nconstant ")


def test_plan_is_for_the_given_number_of_processors(call, study, store, capsys):
    asked = ("plan", study, "--store", store, "--no-calibrate", "--json")
    seconds = []
    for cpus in ("1", "2", "1000"):
        assert call(*asked, "--cpus", cpus) == 0
        plan = json.loads(capsys.readouterr().out)
        assert (plan["workers"], plan["calibrated"], plan["calibration_fault"]) == (int(cpus), False, None)
        seconds.append(plan["estimated_seconds"])
    # The longest of the three packs ends last.
    assert seconds[0] / 3 < seconds[2] < seconds[1] < seconds[0]
    assert call(*asked[:-1], "--cpus", "8") == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "with 8 workers on CPUs (by the default model, not measured here); GPUs are not measured" in out


def test_a_run_whose_time_is_up_says_so_and_the_next_one_ends(call, study, tmp_path, capsys):
    """A microsecond is over before the first pack."""
    asked = ("run", study, "--store", str(tmp_path / "s"), "--engine", "null", *QUICKLY)
    assert call(*asked, "--time", "0.000001s") == 124
    out = capsys.readouterr().out
    assert "8 missing" in out
    assert "The time is up; train the other 8 trials with: " in out
    assert call(*asked, "--time", "1h", "--order", "random") == 0
    assert "0 missing" in capsys.readouterr().out


def test_plan_measures_this_machine(call, study, store, capsys):
    assert call("plan", study, "--json", "--store", store) == 0
    plan = json.loads(capsys.readouterr().out)
    assert 0 < plan["estimated_seconds"] < 600
    assert plan["estimated_seconds_left"] == 0
    assert plan["calibrated"]


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
def test_query_answers_in_every_format(call, store, query, rows, capsysbinary):
    assert call("query", query, "--store", store, "--format", "json") == 0
    assert json.loads(capsysbinary.readouterr().out) == rows
    assert call("query", query, "--store", store, "--format", "arrow") == 0
    assert pa.ipc.open_stream(io.BytesIO(capsysbinary.readouterr().out)).read_all().to_pylist() == rows
    assert call("query", query, "--store", store, "--format", "csv") == 0
    assert capsysbinary.readouterr().out.count(b"\n") == 1 + len(rows)
    assert call("query", query, "--store", store) == 0
    table = capsysbinary.readouterr().out.decode()
    assert all(name in table for name in rows[0])


def test_track_writes_runs_and_rebuilds_them(call, store, capsys):
    assert call("track", "--store", store) == 0
    assert call("track", "--store", store, "--rebuild") == 0
    assert "8 trials" in capsys.readouterr().out


def test_data_verify(call, capsys):
    assert call("data", "verify", "digits") == 0
    assert "digits" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ((), ["kernel_size 3 network stack side"]),
        (("kernel_size",), ["meaning side of", "default 3", "taken by network stack"]),
        (("study",), ["default the study's name", "taken by every trial"]),
        (("drop_rate",), ["takes a number from 0 to 0.95", "taken by method droppath or residual-droppath"]),
    ],
)
def test_factors_explains_all_factors_or_one(call, name, said, capsys):
    assert call("factors", *name) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert all(words in printed for words in said)


@pytest.mark.parametrize(("place", "meaning"), MEANINGS.items())
def test_a_command_means_what_its_function_says(place: str, meaning: str) -> None:
    module, _, name = place.partition(":")
    command = getattr(import_module(f"sweep.cli.{module}"), name)
    if isinstance(command, App):
        assert command.help == meaning
    else:
        assert inspect.cleandoc(command.__doc__).partition("\n\nParameters\n")[0].replace("\n", " ") == meaning.replace(
            "\n", " "
        )


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_has_help(call, command, capsys):
    assert call(*command.split(), "--help") == 0
    assert "Usage: sweep" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["rn"], 'Unknown command "rn"'),
        (["run"], "STUDY"),
        (["run", "gird"], "did you mean 'grid'"),
        (["plan", ""], "study '' is not known; known are"),
        (["plan", "/dev/stdin"], "/dev/stdin is a pipe or a device"),
        (["run", "no-such.yaml"], "no-such.yaml cannot be read"),
        (["run", "quick", "--wher", "x"], "--where"),
        (["run", "quick", "--where", "depht > 1"], "did you mean 'depth'"),
        (["run", "quick", "--where", "depth >"], "cannot be read"),
        (["run", "quick", "--where", "depth > 99"], "meets the conditions; loosen them (--where)"),
        (["run", "quick", "--set", "epochs=none"], "epochs is 'none'"),
        (["run", "quick", "--set", "epochs"], "FACTOR=VALUE,VALUE, not 'epochs' (--set)"),
        (["run", "quick", "--limit", "0"], "--limit is 0"),
        (["run", "quick", "--limit", "x"], "'x'"),
        (["run", "quick", "--shard", "3/2"], "3/2"),
        (["plan", "quick", "--limit", "2", "--shard", "2/2"], "fewer parts"),
        (["plan", "quick", "--pack-size", "0"], "--pack-size is 0"),
        (["plan", "quick", "--cpus", "0"], "--cpus is 0"),
        (["plan", "quick", "--address", "127.0.0.1:1", "--cpus", "2"], "leave --cpus out"),
        (["plan", "quick", "--address", "127.0.0.1:1"], "Ray cannot be reached"),
        (["run", "quick", "--gpus-per-pack", "0"], "--gpus-per-pack is 0"),
        (["run", "quick", "--gpus-per-pack", "2"], "at most 1"),
        (["run", "quick", "--gpus-per-pack", "0.5", "--executor", "local"], "--gpus-per-pack is for the executor ray"),
        (["run", "quick", "--max-parallel", "2", "--executor", "local"], "--max-parallel is for the executor ray"),
        (["run", "quick", "--max-parallel", "0"], "--max-parallel is 0"),
        (["run", "quick", "--order", "shortest"], '"shortest"'),
        (["run", "quick", "--time", "soon"], "'soon' is not a time, such as 30m or 1h30m (--time)"),
        (["run", "quick", "--time", "0m"], "'0m' is not a time"),
        (["plan", "quick", "--where", "dataset == 'minst'"], "did you mean 'mnist'?"),
        (["plan", "quick", "--set", "seed=3..1"], "such as 0..29 goes up"),
        (["run", "quick", "--device", "gpu"], "--device is 'gpu'"),
        (["run", "quick", "--device", "cuda:1"], "Ray chooses"),
        (["run", "quick", "--engine", "troch"], "did you mean 'torch'"),
        (["submit", "quick", "--device", "cuda:1"], "Ray chooses"),
        (["submit", "quick", "--gpus-per-pack", "0"], "--gpus-per-pack is 0"),
        (["run", "quick", "--tracking", "x.db"], "did you mean sqlite:///x.db?"),
        (["submit", "quick", "--store", "s3://bucket/x"], "cannot hold MLflow's database"),
        (["submit", "quick", "--tracking", "sqlite:///mlflow.db"], "relative to wherever the job runs"),
        (["submit", "quick", "--store", "s3://KEY:key@bucket/x", "--no-track"], "would be shown to all"),
        (["submit", "quick", "--store", "http://bucket/x", "--no-track"], "the scheme http"),
        (["submit", "quick", "--tracking", "nonsense"], r"takes a server such as http://HOST:5000, or a database"),
        (["submit", "quick", "--store", ""], "--store is empty"),
        (["run", "quick", "--executor", "slurm"], "'slurm'"),
        (["run", "quick", "--workers", "0"], "--workers is 0"),
        (["run", "quick", "--pack-size", "0"], "--pack-size is 0"),
        (["run", "quick", "--store", "ftp://somewhere/x"], "ftp://somewhere/x"),
        (["status", "--store", "nowhere"], "no store at nowhere"),
        (["query", "select 1", "--store", "nowhere"], "no store at nowhere"),
        (["query", "select 1", "--store", "nowhere", "--store", "elsewhere"], "no store at nowhere"),
        (["report", "--store", "nowhere"], "no store at nowhere"),
        (["report", "quick", "extra"], "'extra'"),
        (["run", "quick", "--margin", "ratio=0"], "margin ratio is 0"),
        (["run", "quick", "--margin", "raito=1"], "did you mean 'ratio'"),
        (["ui", "--store", "nowhere"], "no store at nowhere"),
        (["factors", "dpeth"], "did you mean 'depth'"),
        (["data", "fetch", "imagenet"], "imagenet"),
        (["data", "import", "mnist", "nowhere"], "nowhere"),
    ],
)
def test_wrong_input_is_one_sentence_and_exit_code_2(call, arguments, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call(*arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("sweep: ")
    assert err.count("\n") == 1
    assert sentence in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("query", "format"),
    [
        ("selec 1", "table"),
        ("select nothing from trials", "table"),
        ("create table x (a int)", "table"),
        ("select * from other", "table"),
        ("select list(seed) as seeds from trials", "csv"),
        ("select 1 as a, 2 as a", "json"),
        ("select 'infinity'::date as a", "json"),
        ("select '-infinity'::timestamptz as a", "table"),
        ("select '101'::bit as a", "csv"),
        ("select interval 3 months as a", "csv"),
    ],
)
def test_a_wrong_query_is_one_sentence(call, store, query, format, capsys):
    assert call("query", query, "--store", store, "--format", format) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)


def test_a_table_shows_every_column_of_the_same_name(call, store, capsys):
    assert call("query", "select 1 as a, 2 as b, 3 as a", "--store", store) == 0
    assert [cell for cell in capsys.readouterr().out.split() if cell.isdigit()] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("value", "json_value"),
    [
        ("'nan'::double", None),
        ("'inf'::double", None),
        ("1.5", 1.5),
        ("1.5::double", 1.5),
        ("null", None),
        ("'x'", "x"),
        ("[1.5, 'nan'::double, null]", [1.5, None, None]),
        ("[[{'x': '-inf'::float}]]", [[{"x": None}]]),
        ("{'a': 'inf'::double, 'b': 1.25::decimal(5, 2), 'c': 3::hugeint}", {"a": None, "b": 1.25, "c": 3}),
        ("map {'a': 'nan'::double, 'b': 2.5}", [["a", None], ["b", 2.5]]),
        ("map {1.5: [2::hugeint]}", [[1.5, [2]]]),
        ("array_value('nan'::double)", [None]),
        ("['\\x00\\xAB'::blob]", ["00ab"]),
    ],
)
def test_json_has_numbers_as_numbers_and_null_for_infinity_and_nan(call, store, value, json_value, capsys):
    assert call("query", f"select {value} as a, sum(seed) as n from trials", "--store", store, "--format", "json") == 0
    (row,) = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert row == {"a": json_value, "n": 4}
    assert isinstance(row["n"], int)


def test_several_stores_are_queried_as_one(call, study, store, tmp_path, capsys):
    other = str(tmp_path / "other")
    assert call("run", study, "--store", other, *QUICKLY, "--engine", "null", "--set", "seed=1,2") == 0
    query = "select seed, count(*) as n, max(device) as device from trials group by seed order by seed"
    devices: list[list[str]] = []
    for stores in ((store, other), (other, store)):
        capsys.readouterr()
        assert call("query", query, "--store", stores[0], "--store", stores[1], "--format", "json") == 0
        rows = json.loads(capsys.readouterr().out)
        assert [(row["seed"], row["n"]) for row in rows] == [(0, 4), (1, 4), (2, 4)]
        devices.append([row["device"] for row in rows])
    assert [device == "null" for device in devices[0]] == [False, False, True]
    assert [device == "null" for device in devices[1]] == [False, True, True]


def test_every_command_is_tested_for_help():
    assert {name for name in app if not name.startswith("-")} == {command.split()[0] for command in COMMANDS}


@pytest.mark.parametrize("command", [["--help"], ["factors"], ["plan", "quick", "--no-calibrate"]])
def test_a_reader_that_closes_its_pipe_is_no_fault(command: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "sweep", *command], stdout=closed, stderr=subprocess.PIPE, text=True
        )
    assert (done.returncode, done.stderr) == (0, "")
