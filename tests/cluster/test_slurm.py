"""Sweeps through a real Slurm: two nodes, each a host of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sweep.ledger import Ledger
from sweep.submission import Job
from tests.cluster.slurm_cluster import slurm_cluster, unavailable

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(600),
    pytest.mark.skipif(unavailable() is not None, reason=str(unavailable())),
]

STUDY = """
study: slurm
factors:
  dataset: [digits]
  depth: [1, 2]
  filters: [2]
  seed: [{seeds}]
  architecture: [sequential, parallel]
  epochs: [{epochs}]
"""


@pytest.fixture(scope="module")
def shared() -> Iterator[Path]:
    with slurm_cluster() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state of the user"))
        yield folder


def sweep(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command towards Slurm."""
    command = [sys.executable, "-m", "sweep", *arguments, "--backend", "slurm"]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


class Sweep:
    """A small sweep of a store of its own, submitted to both nodes by the command line."""

    def __init__(self, shared: Path, name: str, seeds: int, epochs: int) -> None:
        self.trials, self.store = 4 * seeds, shared / name
        self.folder = self.store / "slurm"
        self._study = shared / f"{name}.yaml"
        self._study.write_text(STUDY.format(seeds=", ".join(map(str, range(seeds))), epochs=epochs))

    def submit(self) -> str:
        """The job that has it, whether it was there or not."""
        asked = ["--nodes", "2", "--cpus-per-node", "1", "--time", "20", "--store", str(self.store)]
        how = ["--device", "cpu", "--no-report", "--pack-size", "2"]
        done = sweep("submit", str(self._study), *asked, *how)
        assert done.returncode == 0, done.stderr
        self.was_there = "this sweep is already submitted" in done.stdout
        return done.stdout.partition(":")[0]

    def log(self, job: str) -> Path:
        return self.folder / f"{job}.log"

    def rows(self) -> list[str]:
        """The trials that have a row, as often as they have one."""
        return Ledger.open(str(self.store)).read("trials")["trial_id"].to_pylist()

    def commits(self) -> set[str]:
        return {path.name for path in self.store.glob("commits/*.json")}

    def said(self, job: str) -> str:
        """All that the sweep and Ray wrote."""
        paths = (self.log(job), Path(f"{self.log(job)}.ray"))
        return "\n".join(path.read_text() for path in paths if path.exists())


def wait_for(condition: Callable[[], object], what: str, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.5)


def shown(job: str) -> str:
    """All that Slurm shows of a job, to anyone who asks."""
    number = job.rpartition("-")[2]
    done = subprocess.run(["scontrol", "show", "job", "--details", number], capture_output=True, text=True)
    return done.stdout


def listed(job: str) -> Job:
    """A job as `sweep jobs` lists it."""
    done = sweep("jobs", "--json")
    assert done.returncode == 0, done.stderr
    (found,) = [each for each in json.loads(done.stdout) if each["id"] == job]
    return Job(**found)


def exit_code(job: str) -> str:
    """The exit code that Slurm shows once it has ended a job."""
    wait_for(lambda: listed(job).over, "the job to end")
    wait_for(lambda: "JobState=COMPLETING" not in shown(job), "the job to be cleaned up")
    return next(word.removeprefix("ExitCode=") for word in shown(job).split() if word.startswith("ExitCode="))


def test_a_sweep_runs_once_however_often_it_is_submitted(shared):
    sweep = Sweep(shared, "once", seeds=3, epochs=3)
    job = sweep.submit()
    assert not sweep.was_there
    assert (sweep.submit(), sweep.was_there) == (job, True)

    token_file = sweep.folder / f"job-{job.rpartition('-')[2]}.token"
    wait_for(lambda: token_file.exists() and token_file.read_text(), "the token")
    token = token_file.read_text()
    assert token_file.stat().st_mode & 0o777 == 0o600
    assert sweep.submit() == job
    assert token not in shown(job)

    assert exit_code(job) == "0:0", sweep.log(job).read_text()
    assert len(sweep.rows()) == len(set(sweep.rows())) == sweep.trials
    assert f"{sweep.trials} trials planned, {sweep.trials} finished" in sweep.log(job).read_text()
    assert "On head node" in sweep.said(job)
    assert "On worker node" in sweep.said(job)
    assert token not in sweep.said(job)
    assert token not in (sweep.folder / f"{job.rpartition('-')[0]}.sh").read_text()
    assert not token_file.exists()

    commits = sweep.commits()
    later = sweep.submit()
    assert later != job
    assert exit_code(later) == "0:0", sweep.log(later).read_text()
    assert sweep.commits() == commits


def test_the_warning_before_the_time_limit_ends_a_sweep_in_order(shared):
    sweep = Sweep(shared, "limited", seeds=5, epochs=60)
    job = sweep.submit()
    wait_for(sweep.commits, "the first result")
    # What `#SBATCH --signal=B:TERM@120` makes Slurm do.
    subprocess.run(["scancel", "--batch", "--signal=TERM", job.rpartition("-")[2]], check=True)
    assert exit_code(job) == "130:0", sweep.log(job).read_text()
    again = f"Interrupted; go on with: sweep submit {shared}/limited.yaml --nodes 2"
    assert again in sweep.log(job).read_text()
    assert len(sweep.rows()) == len(set(sweep.rows())) < sweep.trials


def test_jobs_are_followed_stopped_and_known_after_slurm_has_forgotten_them(shared):
    first, second, third = (Sweep(shared, name, seeds=5, epochs=200) for name in ("running", "next", "last"))
    job, waiting, cancelled = first.submit(), second.submit(), third.submit()
    wait_for(first.commits, "the first result")
    assert listed(job).state == "running"
    assert (listed(waiting).state, listed(waiting).exit_code) == ("waiting", None)

    # Nobody told the command line of this.
    subprocess.run(["scancel", cancelled.rpartition("-")[2]], check=True)
    assert listed(cancelled).state == "stopped"
    stopped = sweep("stop", waiting)
    assert (stopped.returncode, stopped.stdout) == (0, f"{waiting}: interrupted\n"), stopped.stderr
    assert sweep("logs", waiting).stdout == ""

    following = [sys.executable, "-m", "sweep", "logs", job, "--follow", "--backend", "slurm"]
    followed = subprocess.Popen(following, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    stopped = sweep("stop", job)
    assert (stopped.returncode, stopped.stdout) == (0, f"{job}: interrupted\n"), first.said(job)
    out, err = followed.communicate(timeout=60)
    assert (followed.returncode, err) == (130, f"sweep: {job}: interrupted\n")
    assert "Interrupted; go on with: sweep submit" in out
    assert sweep("logs", job).stdout == out == first.log(job).read_text()
    assert 0 < len(first.rows()) == len(set(first.rows())) < first.trials
    refused = sweep("stop", job)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"{job} has ended already" in refused.stderr

    wait_for(lambda: not shown(job) and not shown(waiting) and not shown(cancelled), "Slurm to forget the jobs", 200)
    ended = listed(job)
    assert (ended.state, ended.exit_code, ended.store) == ("failed", 130, str(first.store))
    assert ended.started is not None
    assert ended.ended is not None
    assert time.time() - 600 < ended.started < ended.ended <= time.time()
    assert listed(waiting).exit_code == 130
    assert (listed(cancelled).state, listed(cancelled).exit_code) == ("failed", None)
    assert "Slurm has forgotten it" in listed(cancelled).message


def test_a_sweep_that_is_stopped_after_its_last_training_is_no_failure(shared):
    ending = Sweep(shared, "ending", seeds=1, epochs=1)
    job = ending.submit()
    # Ray ends some twenty seconds after the sweep.
    wait_for(lambda: len(ending.commits()) and "0 packs in training" in ending.said(job), "the last training")
    stopped = sweep("stop", job)
    assert (stopped.returncode, stopped.stdout) in ((0, f"{job}: done\n"), (0, f"{job}: interrupted\n")), ending.said(
        job
    )
    assert len(ending.rows()) == ending.trials


def test_wrong_input_is_seen_in_the_exit_code_of_who_follows(shared):
    sweep_of_nothing = Sweep(shared, "wrong", seeds=1, epochs=1)
    store = sweep_of_nothing.store
    store.mkdir()
    (store / "commits").write_text("not a folder")
    how = ["--nodes", "1", "--device", "cpu", "--no-report", "--no-track", "--follow", "--store", str(store)]
    followed = sweep("submit", str(shared / "wrong.yaml"), *how)
    assert followed.returncode == 2, followed.stdout + followed.stderr
    assert "wrong input, see its log" in followed.stderr


def test_what_slurm_refuses_is_told_in_its_own_words(shared):
    nowhere = ["--partition", "nowhere", "--store", str(shared / "refused")]
    refused = sweep("submit", "quick", *nowhere)
    assert refused.returncode == 2
    assert "Slurm refuses: sbatch: error: invalid partition specified: nowhere" in refused.stderr


def test_a_controller_that_does_not_answer_is_not_waited_for(shared, monkeypatch):
    configuration = Path(os.environ["SLURM_CONF"])
    deaf = shared / "deaf.conf"
    deaf.write_text(configuration.read_text().replace("SlurmctldPort=16817", "SlurmctldPort=16819"))
    monkeypatch.setenv("SLURM_CONF", str(deaf))
    began = time.monotonic()
    refused = sweep("submit", "quick", "--store", str(shared / "deaf"))
    assert time.monotonic() - began < 30
    assert refused.returncode == 2
    assert refused.stderr.startswith("sweep: Slurm does not answer")
