"""Ray's autoscaler starts GPU nodes from none for packs that wait, and ends them when idle.

The nodes are processes on one host, and their GPUs are counted by Ray but not there, so an engine that trains nothing
stands in; the autoscaler and the scheduling are the real ones.
"""

import json
from pathlib import Path

import pytest
from hosts import ROOT, Network
from ray_cluster import wait_until

from sweep.ledger import Ledger

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

MOST = 2
CONFIG = {
    "cluster_name": "cloud",
    "max_workers": MOST,
    "idle_timeout_minutes": 0.1,
    "upscaling_speed": MOST,
    # Asked for by its own name, the provider looks for a file that Ray's wheel does not have.
    "provider": {
        "type": "external",
        "module": "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider",
        "use_node_id_as_ip": True,
        "disable_node_updaters": True,
        "disable_launch_config_check": True,
    },
    "available_node_types": {
        "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
        "gpu-worker": {"resources": {"CPU": 2, "GPU": 1}, "node_config": {}, "min_workers": 0, "max_workers": MOST},
    },
    "head_node_type": "ray.head.default",
    "auth": {},
    "docker": {},
    "file_mounts": {},
    **{f"{kind}setup_commands": [] for kind in ("", "head_", "worker_")},
    **{f"{kind}_start_ray_commands": [] for kind in ("head", "worker")},
    "initialization_commands": [],
    "cluster_synced_files": [],
}
VARIABLES = {
    "PYTHONPATH": f"{ROOT / 'tests' / 'sweep' / 'schedule'}:{ROOT}",
    "FAULTY_ENGINES_FOLDER": "/root",
    "RAY_AUTH_MODE": "disabled",
    "RAY_FAKE_CLUSTER": "1",
    "RAY_enable_autoscaler_v2": "0",
    "AUTOSCALER_UPDATE_INTERVAL_S": "1",
}


@pytest.mark.timeout(600)
def test_gpu_nodes_come_for_packs_and_go_when_idle(network: Network, tmp_path: Path) -> None:
    host = network.add("cloud", checkout=True)
    host.path("/root/cluster.json").write_text(json.dumps(CONFIG))
    head = ["ray", "start", "--head", "--num-cpus", "0", "--autoscaling-config", "/root/cluster.json", "--block"]
    small = ["--object-store-memory", "100000000", "--node-ip-address", host.address]
    host.start(*head, *small, log=tmp_path / "ray.log", variables=VARIABLES)

    def workers() -> int:
        listed = host.run("ray", "list", "nodes", "--format", "json", "--filter", "state=ALIVE", variables=VARIABLES)
        return len(json.loads(listed.stdout)) - 1 if listed.stdout.startswith("[") else -1

    wait_until(lambda: workers() == 0, "a head alone", 60)
    quickly = ["--set", "epochs=1", "--pack-size", "2", "--engine", "paced_engine:train", "--no-track", "--no-report"]
    line = ["python", "-m", "sweep", "run", "quick", *quickly, "--store", "results"]
    log = tmp_path / "sweep.log"
    sweep = host.start(*line, "--device", "cuda", "--address", "auto", log=log, variables=VARIABLES)
    wait_until(lambda: workers() == MOST, "as many nodes as may come", 200)
    assert sweep.wait(timeout=300) == 0, log.read_text()
    assert Ledger.open(host.path("/root/results")).read("trials").num_rows == 384
    assert {line.split()[0] for line in host.path("/root/asked").read_text().splitlines()} == {"cuda"}
    wait_until(lambda: workers() == 0, "idle nodes to go", 120)
