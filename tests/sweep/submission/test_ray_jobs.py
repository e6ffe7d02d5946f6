"""Sweeps submitted to a Ray cluster of two nodes on this machine: a head without processors, and a worker."""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from sweep.ledger import Ledger
from tests import forks
from tests.processes import kill_tree
from tests.servers import free_port

pytestmark = pytest.mark.slow

STUDY = """
study: small
factors:
  dataset: [digits]
  depth: [1, 2]
  filters: [2]
  seed: [0, 1]
  architecture: [sequential, parallel]
  epochs: [2]
"""
START = 90


class Nodes:
    """Two nodes, and a home folder that has their token."""

    def __init__(self, folder: Path) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        self._folder = folder
        self.home = folder / "home"
        token = self.home / ".ray" / "auth_token"
        token.parent.mkdir(parents=True)
        token.write_text(secrets.token_hex(32))
        self.port, self.gcs = free_port(), free_port()
        self.address = f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start Ray on both."""
        head = ["--head", "--port", str(self.gcs), "--num-cpus", "0"]
        self._start(*head, "--dashboard-host", "127.0.0.1", "--dashboard-port", str(self.port))
        self._until(self._answers)
        self._start("--address", f"127.0.0.1:{self.gcs}", "--num-cpus", "1")

    def variables(self, home: Path | None = None) -> Mapping[str, str]:
        """The environment of whoever lives in a home folder."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "SWEEP_"))}
        path = f"{Path(sys.executable).parent}:{ours['PATH']}"
        ray = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
        return {**ours, "HOME": str(home or self.home), "PATH": path, **ray}

    def command(self, *arguments: str) -> list[str]:
        """A command towards the head."""
        return [sys.executable, "-m", "sweep", *arguments, "--address", self.address]

    def sweep(self, *arguments: str, home: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """Run a command towards the head."""
        _, _, _, *words = self.command(*arguments)
        return forks.sweep(*words, folder=Path.cwd(), env=self.variables(home))

    def jobs(self) -> list[dict[str, str]]:
        """What the cluster has."""
        return json.loads(self.sweep("jobs", "--json").stdout)

    def close(self) -> None:
        """Kill both nodes with all that runs on them."""
        for process in self._processes:
            kill_tree(process.pid)
            process.wait()

    def _start(self, *arguments: str) -> None:
        # On a machine of its own a node would have this folder to itself.
        own = ["--temp-dir", str(self._folder / f"node{len(self._processes)}")]
        more = [*own, "--node-ip-address", "127.0.0.1", "--dashboard-agent-listen-port", str(free_port())]
        command = ["ray", "start", *arguments, *more, "--object-store-memory", "200000000", "--block"]
        with (self._folder / "log").open("ab") as log:
            variables = {**self.variables(), "RAY_AUTH_MODE": "token"}
            self._processes.append(
                subprocess.Popen(command, env=variables, stdout=log, stderr=log, start_new_session=True)
            )

    def _until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START
        while not condition():
            assert time.monotonic() < deadline, (self._folder / "log").read_text()[-2000:]
            time.sleep(0.2)

    def _answers(self) -> bool:
        """Whether the Jobs API is there, which asks for a token."""
        try:
            urllib.request.urlopen(f"http://{self.address}/api/jobs/", timeout=5).close()
        except urllib.error.HTTPError as error:
            return error.code == 401
        except OSError:
            return False
        return True


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    # A socket's path may have some hundred characters only, which pytest's own folders nearly take.
    folder = Path(tempfile.mkdtemp(prefix="sweep-ray-"))
    made = Nodes(folder)
    try:
        made.start()
        yield made
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("study") / "small.yaml"
    path.write_text(STUDY)
    return str(path)


def trained(store: Path) -> Counter[str]:
    """How often each trial of a store was published."""
    commits = Ledger.open(store).contents.commits.values()
    return Counter(trial_id for commit in commits for trials in commit.parts.values() for trial_id in trials)


def test_a_sweep_is_one_job_however_often_it_is_submitted(nodes: Nodes, study: str, tmp_path: Path) -> None:
    store = tmp_path / "store"
    line = nodes.command("submit", study, "--store", str(store), "--pack-size", "2", "--no-report")
    both = [
        subprocess.Popen(line, env=nodes.variables(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=240) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    (job,) = {out.split(":")[0] for out, _ in said}
    assert sorted("already submitted" in out for out, _ in said) == [False, True]

    followed = nodes.sweep("logs", job, "--follow")
    assert followed.returncode == 0, followed.stdout + followed.stderr
    assert "small: 8 trials planned, 8 finished" in followed.stdout
    planned = {trial_id for sweep in Ledger.open(store).sweeps().values() for trial_id in sweep.trial_ids}
    assert trained(store) == dict.fromkeys(planned, 1)
    assert nodes.sweep("logs", job).stdout == followed.stdout

    again = nodes.sweep("submit", study, "--store", str(store), "--pack-size", "2", "--no-report", "--follow")
    assert again.returncode == 0, again.stdout + again.stderr
    assert again.stdout.startswith(f"{job.removesuffix('-1')}-2: submitted, 8 trials of small")
    assert trained(store) == dict.fromkeys(planned, 1)
    assert [each["state"] for each in nodes.jobs()] == ["done", "done"]


def test_a_stopped_sweep_keeps_what_is_finished_and_says_how_to_go_on(nodes: Nodes, study: str, tmp_path: Path) -> None:
    store = tmp_path / "store"
    long = ["--set", "epochs=150", "--set", "seed=0,1,2,3,4,5,6,7", "--pack-size", "2", "--no-report", "--no-track"]
    submitted = nodes.sweep("submit", study, "--store", str(store), *long)
    job = submitted.stdout.split(":")[0]
    deadline = time.monotonic() + 180
    while not list(store.glob("commits/*.json")):
        assert time.monotonic() < deadline, nodes.sweep("logs", job).stdout
        time.sleep(0.5)
    stopped = nodes.sweep("stop", job)
    assert (stopped.returncode, stopped.stdout) == (0, f"{job}: stopped\n"), stopped.stderr
    log = " ".join(nodes.sweep("logs", job).stdout.split())
    assert "Traceback" not in log
    assert f"Interrupted; go on with: sweep submit {study} --store {store}" in log
    assert set(trained(store).values()) == {1}
    refused = nodes.sweep("stop", job)
    assert refused.returncode == 2
    assert re.fullmatch(rf"sweep: {job} has ended already \(stopped\); [^\n]+\n", refused.stderr)


def test_wrong_input_is_seen_in_the_exit_code_of_who_follows(nodes: Nodes, study: str) -> None:
    followed = nodes.sweep("submit", study, "--store", "/dev/null/store", "--follow")
    assert followed.returncode == 2
    assert "wrong input, see its log" in followed.stderr
    assert "sweep: the store /dev/null/store cannot be" in followed.stdout


def test_a_stranger_is_refused_in_one_sentence(nodes: Nodes, study: str, tmp_path: Path) -> None:
    for command in (["jobs"], ["submit", study], ["logs", "small"]):
        refused = nodes.sweep(*command, home=tmp_path)
        assert refused.returncode == 2
        assert re.fullmatch(r"sweep: the Ray head at \S+ asks for a token; [^\n]+\n", refused.stderr)
    token = tmp_path / ".ray" / "auth_token"
    token.parent.mkdir()
    token.write_text("0" * 64)
    assert re.match(r"sweep: the Ray head at \S+ refuses this token; ", nodes.sweep("jobs", home=tmp_path).stderr)


def test_an_unknown_job_is_one_sentence(nodes: Nodes) -> None:
    for command in ("logs", "stop"):
        unknown = nodes.sweep(command, "nothing-1")
        assert (unknown.returncode, unknown.stdout) == (2, "")
        assert "has no sweep 'nothing-1'; `sweep jobs` lists those it has" in unknown.stderr


def test_the_token_is_nowhere_but_in_its_file(nodes: Nodes) -> None:
    token = (nodes.home / ".ray" / "auth_token").read_text()
    listed = subprocess.run(["grep", "-rlsF", token, str(nodes.home.parent)], capture_output=True, text=True).stdout
    assert listed.split() == [str(nodes.home / ".ray" / "auth_token")]


OWN = """
study: own
factors: {dataset: digits, train_samples: 50, val_samples: 50, batch_size: 50, epochs: 1, depth: 2, filters: 2}
arms:
  file: {network: "separable:KIND"}
  package: {network: "mypackage.networks:KIND"}
"""


def test_networks_of_ones_own_go_along(nodes: Nodes, tmp_path: Path) -> None:
    example = (Path(__file__).parents[3] / "examples" / "separable.py").read_text()
    study, mine, package = tmp_path / "own.yaml", tmp_path / "far" / "separable.py", tmp_path / "mypackage"
    study.write_text(OWN)
    for path, text in ((mine, example), (package / "__init__.py", ""), (package / "networks.py", example)):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    store = tmp_path / "store"
    how = ["--import", str(mine), "--store", str(store), "--no-report", "--no-track", "--follow"]
    done = nodes.sweep("submit", str(study), *how)
    assert done.returncode == 0, done.stdout + done.stderr
    trials = Ledger.open(store).read("trials")
    assert sorted(zip(trials["network"].to_pylist(), trials["status"].to_pylist(), strict=True)) == [
        ("mypackage.networks:KIND", "finished"),
        ("separable:KIND", "finished"),
    ]
