"""A Ray cluster on hosts of their own: a head without processors, two workers, and whoever asks from elsewhere."""

import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from hosts import Host, Network

from sweep.data import fetch

PORT = 8265
_S3_PORT = 5555
_START_SECONDS = 120.0
# MLflow's own background jobs are half a dozen processes.
_VARIABLES = {"RAY_AUTH_MODE": "token", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
_MEMORY = ("--object-store-memory", "300000000")


class RayCluster:
    """`head`, `workers`, `laptop` (which has the checkout and the token) and `stranger` (which has no token)."""

    def __init__(self, network: Network, logs: Path, workers: int = 2) -> None:
        self.logs = logs
        logs.mkdir(parents=True, exist_ok=True)
        self.network = network
        self.token = secrets.token_hex(32)
        self.head = network.add("head")
        self.workers = [network.add(f"worker{number + 1}") for number in range(workers)]
        self.laptop = network.add("laptop", checkout=True)
        self.stranger = network.add("stranger", checkout=True)
        for host in (self.head, *self.workers, self.laptop):
            give_token(host, self.token)
        self.address = f"http://{self.head.address}:{PORT}"
        self.object_store = {
            "AWS_ENDPOINT_URL": f"http://{self.head.address}:{_S3_PORT}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        """Environment of whoever uses the S3 server on the head, which has a bucket named bucket."""

    def start(self) -> None:
        """Start Ray, MLflow's server and one of S3; the head alone has images, and credentials."""
        images = self.head.path("/root/.cache/deep-parallel-sweep")
        images.mkdir(parents=True)
        shutil.copy2(fetch("mnist"), images)
        tracking = ["mlflow", "server", "--backend-store-uri", "sqlite:////root/mlflow.db", "--workers", "1"]
        self._begin(self.head, "mlflow", *tracking, "--host", "127.0.0.1", "--port", "5000")
        self._begin(self.head, "s3", "moto_server", "-H", self.head.address, "-p", str(_S3_PORT))
        head = ["ray", "start", "--head", "--num-cpus", "0", "--dashboard-host", self.head.address, "--port", "6379"]
        self._begin(
            self.head, "ray", *head, "--node-ip-address", self.head.address, *_MEMORY, "--block", **self.object_store
        )
        self._until(lambda: self.sweep(self.laptop, "jobs").returncode == 0, "Ray's head")
        for worker in self.workers:
            join = ["ray", "start", "--address", f"{self.head.address}:6379", "--num-cpus", "1"]
            self._begin(worker, "ray", *join, "--node-ip-address", worker.address, *_MEMORY, "--block")
        for worker in self.workers:
            self._until(lambda worker=worker: any("raylet" in line for line in worker.processes()), worker.name)
        self._until(lambda: self.on_head("curl", "-sf", "http://127.0.0.1:5000/health").returncode == 0, "MLflow")
        bucket = ["curl", "-sf", "-X", "PUT", f"{self.object_store['AWS_ENDPOINT_URL']}/bucket"]
        self._until(lambda: self.on_head(*bucket).returncode == 0, "the S3 server")

    def sweep(self, host: Host, *arguments: str, timeout: float = 600):
        """Run ``sweep`` on a host, towards the head."""
        return host.run("sweep", *arguments, "--address", self.address, timeout=timeout)

    def on_head(self, *command: str):
        """Run a command on the head."""
        return self.head.run(*command)

    def _begin(self, host: Host, name: str, *command: str, **variables: str) -> None:
        host.start(*command, log=self.logs / f"{host.name}-{name}.log", variables=_VARIABLES | variables)

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        wait_until(condition, what, _START_SECONDS)


def give_token(host: Host, token: str) -> None:
    """Put the cluster's token where Ray looks for it."""
    file = host.path("/root/.ray/auth_token")
    file.write_text(token)
    file.chmod(0o600)


def wait_until(condition: Callable[[], bool], what: str, seconds: float) -> None:
    """Wait for a condition; AssertionError after this time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.5)
