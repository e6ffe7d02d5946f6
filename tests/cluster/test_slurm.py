"""A sweep through a real Slurm: two nodes, each a host of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sweep.errors import SweepError
from sweep.ledger import Ledger
from sweep.submission import slurm
from tests.cluster.slurm_cluster import ROOT, slurm_cluster, unavailable

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
    with slurm_cluster() as folder:
        yield folder


class Sweep:
    """A small sweep of a store of its own, submitted to both nodes by the command line."""

    def __init__(self, shared: Path, name: str, seeds: int, epochs: int) -> None:
        self.trials, self.store = 4 * seeds, shared / name
        self.folder = self.store / "slurm"
        self.name = ""
        self._study = shared / f"{name}.yaml"
        self._study.write_text(STUDY.format(seeds=", ".join(map(str, range(seeds))), epochs=epochs))

    def submit(self) -> slurm.Submitted:
        asked = ["--slurm", "--nodes", "2", "--cpus-per-node", "1", "--time", "20", "--store", str(self.store)]
        how = ["--device", "cpu", "--no-report", "--pack-size", "2"]
        command = [sys.executable, "-m", "sweep", "submit", str(self._study), *asked, *how]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        words = done.stdout.split()
        job_id, log = words[2].rstrip(":"), Path(words[words.index("-F") + 1])
        self.name = log.name.removesuffix(f"-{job_id}.log")
        script = self.folder / f"{self.name}.sh"
        return slurm.Submitted(job_id, script, log, "this sweep is there already" in done.stdout)

    def rows(self) -> list[str]:
        """The trials that have a row, as often as they have one."""
        return Ledger.open(str(self.store)).read("trials")["trial_id"].to_pylist()

    def commits(self) -> set[str]:
        return {path.name for path in self.store.glob("commits/*.json")}


def wait_for(condition: Callable[[], object], what: str, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.5)


def shown(job: slurm.Submitted) -> str:
    """All that Slurm shows of a job, to anyone who asks."""
    done = subprocess.run(["scontrol", "show", "job", "--details", job.job_id], capture_output=True, text=True)
    return done.stdout


def exit_code(sweep: Sweep, job: slurm.Submitted) -> str:
    wait_for(lambda: "EndTime" in shown(job) and slurm.running(sweep.name) is None, "the job to end")
    wait_for(lambda: "JobState=COMPLETING" not in shown(job), "the job to be cleaned up")
    return next(word.removeprefix("ExitCode=") for word in shown(job).split() if word.startswith("ExitCode="))


def said(job: slurm.Submitted) -> str:
    """All that the sweep and Ray wrote."""
    return "\n".join(path.read_text() for path in (job.log, Path(f"{job.log}.ray")) if path.exists())


def test_a_sweep_runs_once_however_often_it_is_submitted(shared):
    sweep = Sweep(shared, "once", seeds=3, epochs=3)
    job = sweep.submit()
    again = sweep.submit()
    assert (again.job_id, again.was_there, job.was_there) == (job.job_id, True, False)

    token_file = sweep.folder / f"job-{job.job_id}.token"
    wait_for(lambda: token_file.exists() and token_file.read_text(), "the token")
    token = token_file.read_text()
    assert token_file.stat().st_mode & 0o777 == 0o600
    assert sweep.submit().job_id == job.job_id
    assert token not in shown(job)

    assert exit_code(sweep, job) == "0:0", job.log.read_text()
    assert len(sweep.rows()) == len(set(sweep.rows())) == sweep.trials
    assert f"{sweep.trials} trials planned, {sweep.trials} finished" in job.log.read_text()
    assert "On head node" in said(job)
    assert "On worker node" in said(job)
    assert token not in said(job)
    assert token not in job.script.read_text()
    assert not token_file.exists()

    commits = sweep.commits()
    later = sweep.submit()
    assert later.job_id != job.job_id
    assert exit_code(sweep, later) == "0:0", later.log.read_text()
    assert sweep.commits() == commits


def test_the_warning_before_the_time_limit_ends_a_sweep_in_order(shared):
    sweep = Sweep(shared, "limited", seeds=5, epochs=60)
    job = sweep.submit()
    wait_for(sweep.commits, "the first result")
    # What `#SBATCH --signal=B:TERM@120` makes Slurm do.
    subprocess.run(["scancel", "--batch", "--signal=TERM", job.job_id], check=True)
    assert exit_code(sweep, job) == "130:0", job.log.read_text()
    assert f"Interrupted; go on with: sweep submit {shared}/limited.yaml --slurm --nodes 2" in job.log.read_text()
    assert len(sweep.rows()) == len(set(sweep.rows())) < sweep.trials


def test_what_slurm_refuses_is_told_in_its_own_words(shared):
    allocation = slurm.Allocation(partition="nowhere")
    script = slurm.batch_script(["true"], "refused", shared / "refused", ROOT, allocation)
    with pytest.raises(SweepError, match="Slurm refuses: sbatch: error: invalid partition specified: nowhere"):
        slurm.submit(script, "refused", shared / "refused")


def test_a_controller_that_does_not_answer_is_not_waited_for(shared, monkeypatch):
    configuration = Path(os.environ["SLURM_CONF"])
    deaf = shared / "deaf.conf"
    deaf.write_text(configuration.read_text().replace("SlurmctldPort=16817", "SlurmctldPort=16819"))
    monkeypatch.setenv("SLURM_CONF", str(deaf))
    began = time.monotonic()
    with pytest.raises(SweepError, match="Slurm"):
        slurm.submit(slurm.batch_script(["true"], "deaf", shared / "deaf", ROOT, slurm.Allocation()), "deaf", shared)
    assert time.monotonic() - began < 30
