"""A sweep submitted to several hosts, of which one dies."""

import json
import os
import re
import shutil
import time
from collections import Counter
from pathlib import Path

import pytest
from hosts import Host, Network
from ray_cluster import RayCluster, wait_until

import analysis
from sweep.ledger import Ledger

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

WHERE = "dataset == 'mnist' and depth <= 2 and filters <= 2 and kernel_size <= 3"
SIZES = {"epochs": "3", "seed": "0,1", "train_samples": "4000", "val_samples": "500"}
SETTINGS = [word for name, levels in SIZES.items() for word in ("--set", f"{name}={levels}")]
STUDY = ("grid", "--where", WHERE, *SETTINGS, "--pack-size", "8")
DIGITS = [word for name in ("train_samples", "val_samples", "image_size") for word in ("--set", f"{name}=0")]
DIGITS += ["--set", "dataset=digits", "--set", "epochs=1"]
TRACKED = ("--tracking", "http://127.0.0.1:5000", "--no-report")


@pytest.fixture(scope="module")
def cluster(network: Network, tmp_path_factory: pytest.TempPathFactory) -> RayCluster:
    made = RayCluster(network, tmp_path_factory.mktemp("logs"))
    made.start()
    return made


def is_training(host: Host) -> bool:
    """Whether a host's workers have used a processor for most of half a second."""
    before = worker_seconds(host)
    time.sleep(0.5)
    return worker_seconds(host) - before > 0.2


def worker_seconds(host: Host) -> float:
    """Processor time that the workers of a host have used."""
    ticks = 0
    for stat in host.path("/proc").glob("[0-9]*/stat"):
        # The name is in brackets, and may hold anything.
        name, _, rest = stat.read_text().partition("(")[2].rpartition(")")
        ticks += sum(map(int, rest.split()[11:13])) if name.startswith("ray::") else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def running(cluster: RayCluster) -> list[dict]:
    return json.loads(cluster.sweep(cluster.laptop, "jobs", "--json").stdout)


@pytest.mark.timeout(1500)
def test_a_worker_host_dies_and_every_trial_ends_once(cluster: RayCluster, tmp_path: Path) -> None:
    laptop = cluster.laptop
    line = ["sweep", "submit", *STUDY, "--address", cluster.address, "--store", "~/results", *TRACKED]
    first = laptop.start(*line, "--follow", log=tmp_path / "followed")
    wait_until(lambda: bool(running(cluster)), "the job", 60)
    again = laptop.run(*line)
    assert again.returncode == 0, again.stderr
    assert "this sweep is already submitted" in again.stdout
    assert len(running(cluster)) == 1

    store = cluster.head.path("/root/results")
    wait_until(lambda: all(is_training(worker) for worker in cluster.workers), "work on both workers", 240)
    wait_until(lambda: len(list(store.glob("commits/*.json"))) >= 3, "three packs", 240)
    wait_until(lambda: is_training(cluster.workers[1]), "a pack on the second worker", 60)
    cluster.workers[1].kill()
    assert first.wait(timeout=900) == 0, (tmp_path / "followed").read_text()

    followed = (tmp_path / "followed").read_text()
    assert re.search(r"grid: (\d+) trials planned, \1 finished, 0 diverged, 0 failed, 0 missing", followed)
    assert re.search("is tried again: the (node that trained it was lost|worker process died)", followed)
    assert "did not complete" not in followed
    kept = tmp_path / "store"
    shutil.copytree(store, kept)
    planned = {trial_id for sweep in Ledger.open(kept).sweeps().values() for trial_id in sweep.trial_ids}
    commits = Ledger.open(kept).contents.commits.values()
    trained = Counter(trial_id for commit in commits for trials in commit.parts.values() for trial_id in trials)
    assert trained == dict.fromkeys(planned, 1)
    assert set(analysis.open(kept).trials["trial_id"].to_pylist()) == planned

    runs = runs_on_head(cluster)
    assert Counter(run["trial_id"] for run in runs if run["trial_id"]) == dict.fromkeys(planned, 1)
    assert {run["status"] for run in runs} == {"FINISHED"}

    began = time.monotonic()
    done = laptop.run(*line, "--follow", timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list(store.glob("commits/*.json"))) == len(list(kept.glob("commits/*.json")))
    assert time.monotonic() - began < 200


def runs_on_head(cluster: RayCluster) -> list[dict]:
    script = (
        "import json; from mlflow import MlflowClient; client = MlflowClient('http://127.0.0.1:5000');"
        "ids = [e.experiment_id for e in client.search_experiments()];"
        "runs = client.search_runs(ids, max_results=5000);"
        "print(json.dumps([{'trial_id': r.data.tags.get('trial_id'), 'status': r.info.status} for r in runs]))"
    )
    done = cluster.on_head("python", "-c", script)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_results_go_to_an_object_store_that_workers_have_no_key_for(cluster: RayCluster) -> None:
    digits = ["--where", "seed == 0 and depth <= 2", *DIGITS, "--store", "s3://bucket/results", *TRACKED]
    done = cluster.sweep(cluster.laptop, "submit", "quick", *digits, "--follow")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"quick: (\d+) trials planned, \1 finished", done.stdout)
    shown = cluster.laptop.run(
        "sweep", "status", "--store", "s3://bucket/results", "--json", variables=cluster.object_store
    )
    total = json.loads(shown.stdout)["total"]
    assert total["planned"] == total["finished"] > 4


def test_a_stranger_is_refused_in_one_sentence(cluster: RayCluster) -> None:
    for command in (["jobs"], ["submit", "quick"], ["stop", "grid-1"]):
        refused = cluster.sweep(cluster.stranger, *command)
        assert refused.returncode == 2
        assert re.fullmatch(r"sweep: the Ray head at \S+ asks for a token; [^\n]+\n", refused.stderr)
    wrong = cluster.stranger.run(
        "sweep", "jobs", "--address", cluster.address, variables={"RAY_AUTH_TOKEN": "0" * 64, "RAY_AUTH_MODE": "token"}
    )
    assert wrong.returncode == 2
    assert "refuses this token" in wrong.stderr
    asked = cluster.stranger.run(
        *("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST", "-d", '{"entrypoint": "id"}'),
        *("-H", "Content-Type: application/json", f"{cluster.address}/api/jobs/"),
    )
    assert asked.stdout == "401"


def test_the_token_is_nowhere_but_where_it_was_put(cluster: RayCluster) -> None:
    found = cluster.on_head(
        "grep", "-rlsF", cluster.token, "/root", "/tmp", "--exclude-dir=proc", "--exclude-dir=.pyenv"
    ).stdout.split()
    assert found == ["/root/.ray/auth_token"]


def test_a_head_that_cannot_be_reached_is_told_within_seconds(cluster: RayCluster) -> None:
    cluster.network.cut_off(cluster.head)
    began = time.monotonic()
    lost = cluster.sweep(cluster.laptop, "jobs")
    assert time.monotonic() - began < 30
    assert lost.returncode == 2
    assert re.fullmatch(r"sweep: no Ray head answers at \S+ \([^)]+\); check --address[^\n]+\n", lost.stderr)
