"""The registry of backends, what the command line makes of it, and what backends have in common."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sweep.cli import main
from sweep.errors import SweepError
from sweep.submission import BACKENDS, Backend, Batch, Job, backend_class

STUDY = """
study: small
factors:
  dataset: [digits]
  depth: [1, 2]
  filters: [2]
  architecture: [sequential, parallel]
  epochs: [1]
"""


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command in this process; its exit code and what it prints."""

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert isinstance(ended.value.code, int)
        printed = capsys.readouterr()
        return ended.value.code, printed.out, printed.err

    return run


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder to work in, and a backend that one line has registered."""
    monkeypatch.setitem(BACKENDS, "here", "tests.sweep.submission.here:Here")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(STUDY)
    return tmp_path


def test_a_backend_is_one_module_and_one_line(call: Callable, here: Path) -> None:
    at = ("--backend", "here", "--folder", str(here / "kept"))
    how = ("--engine", "null", "--no-track", "--no-report", "--store", "store")
    code, out, err = call("submit", "small.yaml", *at, *how, "--follow")
    assert code == 0, out + err
    job = out.partition(":")[0]
    assert out.startswith(f"{job}: submitted, 4 trials of small, kept in store\n")
    assert "small: 4 trials planned, 4 finished" in out

    code, out, _ = call("submit", "small.yaml", *at, *how)
    assert code == 0
    again = out.partition(":")[0]
    assert again == f"{job.removesuffix('-1')}-2"
    assert f"  sweep logs --follow {again} --backend here --folder {here / 'kept'}\n" in out

    code, out, _ = call("jobs", *at, "--json")
    assert [(each["id"], each["state"], each["exit_code"]) for each in json.loads(out)] == [
        (job, "done", 0),
        (again, "done", 0),
    ]
    assert "4 trials planned" in call("logs", again, *at)[1]
    assert call("stop", job, *at) == (2, "", f"sweep: {job} has ended already (done); there is nothing to stop\n")
    assert call("logs", "other", *at)[2] == (
        f"sweep: the folder {here / 'kept'} has no sweep 'other'; `sweep jobs` lists those it has\n"
    )


def test_the_exit_code_of_a_followed_sweep_is_that_of_the_command(call: Callable, here: Path) -> None:
    (here / "store").write_text("no folder")
    code, _, err = call("submit", "small.yaml", "--backend", "here", "--no-track", "--store", "store", "--follow")
    assert code == 2
    assert err.endswith(": wrong input, see its log\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["submit", "quick", "--folder", "x"], "--folder is for --backend here; choose that backend, or leave it out"),
        (["submit", "quick", "--nodes", "1"], "--nodes is for --backend slurm or here; choose that backend"),
        (["submit", "quick", "--backend", "here", "--nodes", "2"], "there is one node; leave --nodes out"),
        (["submit", "quick", "--backend", "here", "--install"], "--install is for --backend ray"),
        (["submit", "quick", "--backend", "slurm", "--address", "x"], "--address is for --backend ray"),
        (["submit", "quick", "--backend", "slurm", "--cpus-per-node", "0"], "--cpus-per-node is 0"),
        (["submit", "quick", "--backend", "slum"], "backend 'slum' is not known; did you mean 'slurm'?"),
        (["jobs", "--backend", "nothing"], "known are ray, slurm, here"),
        (["jobs", "--backend", "here", "--address", "x"], "--address is for --backend ray"),
        (["jobs", "--backend", "here", "--nodes", "1"], "--nodes"),
    ],
)
def test_what_a_backend_does_not_take_is_refused_in_one_sentence(
    call: Callable, here: Path, arguments: list[str], sentence: str
) -> None:
    code, out, err = call(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("sweep: ")
    assert sentence in err


@pytest.mark.parametrize(
    ("command", "named", "nodes"),
    [("submit", ["here", "ray", "slurm"], ["here", "slurm"]), ("stop", ["here", "ray"], [])],
)
def test_help_has_the_options_of_each_backend_in_a_group_of_its_own(
    call: Callable, here: Path, command: str, named: list[str], nodes: list[str]
) -> None:
    code, out, _ = call(command, "--help")
    assert code == 0
    assert "ray, slurm, here" in out
    groups = {part.split()[0]: part for part in out.split("With --backend ")[1:]}
    assert sorted(groups) == named
    assert [name for name in groups if "--address" in groups[name]] == ["ray"]
    assert [name for name in groups if "--folder" in groups[name]] == ["here"]
    assert sorted(name for name in groups if "--nodes" in groups[name]) == nodes
    assert "This machine, which has run a job when it says so." in groups["here"]


@pytest.mark.parametrize("name", BACKENDS)
def test_every_backend_declares_its_options_and_says_what_it_is(name: str) -> None:
    backend = backend_class(name)
    assert backend.__doc__
    made = backend(backend.Options())
    assert made.where
    assert made.store("/a/folder") == "/a/folder"
    with pytest.raises(SweepError, match=r"takes a server such as http://HOST:5000, or a database"):
        made.check_tracking("nonsense", "/a/folder")


class Growing(Backend):
    """A job whose log grows by three words each time that it is asked for, the last of them half written."""

    Options = object
    where = "nowhere"
    poll_seconds = 0.0

    def __init__(self, options: object) -> None:
        self._asked, self._job = 0, Job("one", "small", "0", "store", "waiting")

    def store(self, given: str) -> str:
        return given

    def submit(self, batch: Batch) -> tuple[Job, bool]:
        return self._job, True

    def jobs(self) -> list[Job]:
        self._asked += 1
        return [replace(self._job, state="done" if self._asked > 4 else "running")]

    def read(self, job: Job) -> str:
        text = "".join(f"é {number}\nend {number}\n" for number in range(self._asked))
        return text if job.over else text[:-3]

    def interrupt(self, job: Job) -> None: ...


def test_a_job_is_followed_line_by_line_to_its_end() -> None:
    written: list[str] = []
    backend = Growing(None)
    assert backend.follow("one", written.append).state == "done"
    assert "".join(written) == backend.log("one")[: len("".join(written))]
    assert "".join(written).splitlines()[-1] == "end 4"
    assert all(part.endswith("\n") for part in written)
    assert len(written) == 5
    assert Growing(None).wait("one", 0).state == "running"
    assert Growing(None).wait("one", 60).state == "done"
