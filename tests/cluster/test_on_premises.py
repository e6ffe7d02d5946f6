"""The example for machines of one's own: `ray up` over SSH, a submitted sweep, `ray down`."""

import secrets
from pathlib import Path

import pytest
import yaml
from hosts import ENVIRONMENT, ROOT, Host, Network
from ray_cluster import give_token, wait_until

from sweep.ledger import Ledger

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

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
INSTALLS = ("uv", "pip")


def start_ssh(host: Host, key: str, logs: Path) -> None:
    """Let whoever has a key in."""
    host.path("/root/.ssh/authorized_keys").write_text(key)
    host.run("ssh-keygen", "-A").check_returncode()
    host.path("/run/sshd").mkdir(exist_ok=True)
    host.start("/usr/sbin/sshd", "-D", "-e", "-o", "StrictModes=no", log=logs / f"{host.name}-ssh.log")


def example(head: Host, workers: list[Host]) -> dict:
    """The example with these hosts, whose packages are there already: a closed network has nothing to install from."""
    config = yaml.safe_load((ROOT / "examples" / "on-premises.yaml").read_text())
    config["provider"] |= {"head_ip": head.address, "worker_ips": [worker.address for worker in workers]}
    config["auth"] = {"ssh_user": "root", "ssh_private_key": "/root/.ssh/id_ed25519"}
    others = [line for line in config["setup_commands"] if not any(f" {word} " in line for word in INSTALLS)]
    others = [line for line in others if "/uv " not in line]
    assert 2 <= len(others) < len(config["setup_commands"])
    config["setup_commands"] = [f"mkdir -p ~/sweep && ln -sfn {ENVIRONMENT} ~/sweep/.venv", *others]
    return config


def has_ray(host: Host) -> bool:
    return any("raylet" in line for line in host.processes())


@pytest.mark.timeout(900)
def test_up_submit_down(network: Network, tmp_path: Path) -> None:
    head, *workers = [network.add(name) for name in ("head", "worker1", "worker2")]
    laptop = network.add("laptop", checkout=True)
    laptop.run("ssh-keygen", "-t", "ed25519", "-N", "", "-f", "/root/.ssh/id_ed25519").check_returncode()
    for host in (head, *workers):
        start_ssh(host, laptop.path("/root/.ssh/id_ed25519.pub").read_text(), tmp_path)
    token = secrets.token_hex(32)
    give_token(laptop, token)
    laptop.path("/root/cluster.yaml").write_text(yaml.safe_dump(example(head, workers)))
    laptop.path("/root/small.yaml").write_text(STUDY)

    up = laptop.run("ray", "up", "-y", "/root/cluster.yaml", folder=str(ROOT), timeout=400)
    assert up.returncode == 0, up.stdout[-3000:] + up.stderr[-3000:]
    assert token not in up.stdout + up.stderr
    wait_until(lambda: all(has_ray(worker) for worker in workers), "Ray on both workers", 240)
    assert laptop.run("sweep", "jobs", "--address", f"http://{head.address}:8265").returncode == 2

    ports = ["-L", "8265:127.0.0.1:8265", "-L", "5000:127.0.0.1:5000"]
    ssh = ["ssh", "-N", "-o", "StrictHostKeyChecking=no", *ports, f"root@{head.address}"]
    laptop.start(*ssh, log=tmp_path / "tunnel.log")
    wait_until(lambda: laptop.run("sweep", "jobs").returncode == 0, "the head behind the tunnel", 60)
    health = ["curl", "-sf", "http://127.0.0.1:5000/health"]
    wait_until(lambda: laptop.run(*health).returncode == 0, "MLflow behind the tunnel", 120)
    tracked = ["--tracking", "http://127.0.0.1:5000", "--no-report", "--pack-size", "2"]
    done = laptop.run("sweep", "submit", "small.yaml", "--store", "results", *tracked, "--follow", timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "small: 8 trials planned, 8 finished, 0 diverged, 0 failed, 0 missing." in done.stdout
    assert Ledger.open(head.path("/root/results")).read("trials").num_rows == 8

    down = laptop.run("ray", "down", "-y", "/root/cluster.yaml", folder=str(ROOT), timeout=200)
    assert down.returncode == 0, down.stdout[-3000:] + down.stderr[-3000:]
    wait_until(lambda: not any(has_ray(host) for host in (head, *workers)), "no Ray on any host", 60)
