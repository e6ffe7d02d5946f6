"""Nodes are lost one after another with the same pack, as spot machines may be."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.cluster_utils import Cluster
from ray_cluster import wait_until

from sweep.ledger import Ledger
from sweep.planning import Plan
from sweep.schedule import ExecutorOptions, RunOptions, run_sweep
from sweep.trial import Trial
from tests.notes import Notes

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

NODE: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 100_000_000}
LOST = 3
"""More than a pack may kill workers on a node that lives."""
ENGINES = Path(__file__).parents[1] / "sweep" / "schedule"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A head without processors; nodes have the engines of these tests."""
    monkeypatch.setenv("PYTHONPATH", str(ENGINES))
    monkeypatch.setenv("FAULTY_ENGINES_FOLDER", str(tmp_path))
    made = Cluster(initialize_head=True, head_node_args=NODE | {"num_cpus": 0})
    try:
        yield made
    finally:
        made.shutdown()


@pytest.mark.timeout(240)
def test_a_pack_that_loses_node_after_node_is_finished_whole(cluster: Cluster, tmp_path: Path) -> None:
    begun, notes, store = tmp_path / "asked", Notes(), Ledger.create(tmp_path / "store")
    pack = [Trial("test", dataset="digits", filters=1, seed=seed) for seed in range(4)]
    options = RunOptions(
        "ray", resources=ExecutorOptions("paced_engine:train_when_released", "cpu", address=cluster.address)
    )
    # Ray starts nodes from the main thread alone.
    with ThreadPoolExecutor() as pool:
        sweep = pool.submit(run_sweep, Plan.of("test", pack), store, options, notes)
        try:
            for number in range(LOST):
                node = cluster.add_node(**NODE)
                wait_until(lambda number=number: times(begun) > number or sweep.done(), "the pack to begin", 60)
                # The first result says where the pack is.
                time.sleep(2)
                cluster.remove_node(node, allow_graceful=False)
                wait_until(lambda number=number: lost() > number, "Ray to miss the node", 60)
        finally:
            (tmp_path / "released").touch()
            cluster.add_node(**NODE)
        outcome = sweep.result(timeout=120)
    assert outcome.status == Counter(finished=len(pack))
    assert [line.split()[2] for line in begun.read_text().splitlines()] == [str(len(pack))] * (LOST + 1)
    assert sum("is tried again" in line for line in notes.lines) == LOST


def lost() -> int:
    """Nodes that Ray knows to be gone."""
    return sum(not node["Alive"] for node in ray.nodes())


def times(begun: Path) -> int:
    """How often a pack has begun."""
    return len(begun.read_text().splitlines()) if begun.exists() else 0
