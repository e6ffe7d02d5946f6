"""The files from which clusters are made: Ray's own checks, AWS as moto plays it, and what must not be in them."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto import mock_aws
from ray.autoscaler._private.aws import config as aws_config
from ray.autoscaler._private.aws.node_provider import AWSNodeProvider
from ray.autoscaler._private.util import prepare_config, validate_config

ROOT = Path(__file__).parents[1]
CLOUD, ON_PREMISES = ROOT / "cluster.yaml", ROOT / "examples" / "on-premises.yaml"
LAUNCHED = pytest.mark.parametrize("path", [CLOUD, ON_PREMISES], ids=lambda path: path.stem)


def read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text())


def commands(config: dict[str, Any]) -> list[str]:
    return [command for key, value in config.items() if key.endswith("_commands") for command in value]


@LAUNCHED
def test_ray_takes_the_file_before_and_after_its_own_preparation(path):
    validate_config(prepare_config(read(path)))


@LAUNCHED
def test_every_node_installs_the_lock_and_every_file_that_is_copied_is_there(path):
    config = prepare_config(read(path))
    for remote, local in config["file_mounts"].items():
        assert local.startswith("~/.ray/") or (ROOT / local).exists(), remote
    for kind in ("head", "worker"):
        installs = [command for command in config[f"{kind}_setup_commands"] if "pip sync" in command]
        assert len(installs) == 1
        assert "--require-hashes" in installs[0]
        assert installs[0].endswith(" ~/sweep/requirements.lock")
    assert config["file_mounts"]["~/sweep/requirements.lock"] == "requirements.lock"


@LAUNCHED
def test_every_ray_takes_nobody_without_the_token_which_is_a_file_of_the_user(path):
    config = read(path)
    starts = [command for command in commands(config) if "ray start" in command]
    assert len(starts) == 2
    assert all("RAY_AUTH_MODE=token ray start" in command for command in starts)
    assert config["file_mounts"]["~/.ray/auth_token"] == "~/.ray/auth_token"
    assert not any("RAY_AUTH_TOKEN" in command or "get-auth-token" in command for command in commands(config))
    assert not re.search(r"\b[0-9a-f]{32,}\b", path.read_text())


@LAUNCHED
def test_dashboard_and_mlflow_listen_on_loopback(path):
    run = commands(read(path))
    assert not any("--dashboard-host" in command for command in run)
    mlflow = [command for command in run if "mlflow server" in command]
    assert len(mlflow) == 1
    assert "--host 127.0.0.1 --port 5000" in mlflow[0]


@LAUNCHED
def test_the_shell_can_read_every_command(path):
    for command in commands(read(path)):
        done = subprocess.run(["bash", "-n", "-c", f"({command})"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_no_pack_runs_on_the_head_and_workers_are_spot_machines_that_come_and_go():
    config = prepare_config(read(CLOUD))
    head = config["available_node_types"][config["head_node_type"]]
    assert head["resources"] == {"CPU": 0, "GPU": 0}
    assert head["max_workers"] == 0
    workers = [kind for name, kind in config["available_node_types"].items() if name != config["head_node_type"]]
    assert workers
    for worker in workers:
        assert worker["node_config"]["InstanceMarketOptions"]["MarketType"] == "spot"
        assert worker["min_workers"] < worker["max_workers"] <= config["max_workers"]
    assert config["idle_timeout_minutes"] > 0
    assert "--num-cpus=0 --num-gpus=0" in " ".join(read(ON_PREMISES)["head_start_ray_commands"])


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """cluster.yaml after `ray up` has prepared it, on an AWS that has an image and Ray's role, and nothing else."""
    home = tmp_path_factory.mktemp("home")
    (home / ".ssh").mkdir()
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("HOME", str(home))
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        # As after a first cluster; making it takes Ray a pause of 15 seconds.
        iam = boto3.client("iam")
        iam.create_instance_profile(InstanceProfileName="ray-autoscaler-v1")
        iam.create_role(RoleName="ray-autoscaler-v1", AssumeRolePolicyDocument="{}")
        iam.add_role_to_instance_profile(InstanceProfileName="ray-autoscaler-v1", RoleName="ray-autoscaler-v1")
        config = read(CLOUD)
        images = boto3.client("ec2", config["provider"]["region"]).describe_images()["Images"]
        for node_type in config["available_node_types"].values():
            node_type["node_config"]["ImageId"] = images[0]["ImageId"]
        prepared = AWSNodeProvider.fillout_available_node_types_resources(prepare_config(config))
        yield aws_config.bootstrap_aws(prepared)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_on_aws_nothing_is_open_but_ssh(aws):
    groups = {tuple(node["node_config"]["SecurityGroupIds"]) for node in aws["available_node_types"].values()}
    assert len(groups) == 1
    [group] = groups.pop()
    described = boto3.client("ec2", aws["provider"]["region"]).describe_security_groups(GroupIds=[group])
    rules = described["SecurityGroups"][0]["IpPermissions"]
    within = [rule for rule in rules if rule["UserIdGroupPairs"]]
    outside = [rule for rule in rules if not rule["UserIdGroupPairs"]]
    assert [pair["GroupId"] for rule in within for pair in rule["UserIdGroupPairs"]] == [group]
    assert [(rule["FromPort"], rule["ToPort"], rule["IpProtocol"]) for rule in outside] == [(22, 22, "tcp")]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_on_aws_a_worker_is_one_spot_machine_with_a_gpu(aws):
    head, worker = aws["available_node_types"]["head"], aws["available_node_types"]["gpu-worker"]
    assert {name: head["resources"][name] for name in ("CPU", "GPU")} == {"CPU": 0, "GPU": 0}
    assert (worker["resources"]["CPU"], worker["resources"]["GPU"]) == (4, 1)
    provider = AWSNodeProvider(aws["provider"], "sweep")
    provider.create_node(worker["node_config"], {"ray-node-type": "worker"}, 1)
    ec2 = boto3.client("ec2", aws["provider"]["region"])
    machines = [machine for made in ec2.describe_instances()["Reservations"] for machine in made["Instances"]]
    assert [machine.get("InstanceLifecycle") for machine in machines] == ["spot"]


# Not validated against KubeRay's own definition, which no package carries: names of fields as in its API reference.
JOB = {"entrypoint", "backoffLimit", "shutdownAfterJobFinishes", "ttlSecondsAfterFinished", "rayClusterSpec"}
CLUSTER = {
    "rayVersion",
    "authOptions",
    "enableInTreeAutoscaling",
    "autoscalerOptions",
    "headGroupSpec",
    "workerGroupSpecs",
}
WORKERS = {"groupName", "replicas", "minReplicas", "maxReplicas", "rayStartParams", "template"}


def test_the_job_for_kubernetes_has_the_form_of_a_rayjob():
    job = read(ROOT / "examples" / "kuberay-rayjob.yaml")
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    spec = job["spec"]
    cluster = spec["rayClusterSpec"]
    [workers] = cluster["workerGroupSpecs"]
    assert (set(spec), set(cluster), set(workers)) == (JOB, CLUSTER, WORKERS)
    assert cluster["authOptions"] == {"mode": "token"}
    assert cluster["enableInTreeAutoscaling"]
    assert spec["shutdownAfterJobFinishes"]
    lock = (ROOT / "requirements.lock").read_text()
    assert f"\nray=={cluster['rayVersion']} " in lock

    head = cluster["headGroupSpec"]
    assert head["rayStartParams"] == {"num-cpus": "0", "num-gpus": "0"}
    [head_container] = head["template"]["spec"]["containers"]
    [worker_container] = workers["template"]["spec"]["containers"]
    assert head_container["image"] == worker_container["image"]
    assert "nvidia.com/gpu" not in head_container["resources"]["limits"]
    assert worker_container["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert workers["minReplicas"] < workers["maxReplicas"]
    # Whoever may read the file learns no key of the store.
    assert head_container["envFrom"] == [{"secretRef": {"name": "sweep-store"}}]
    assert {variable["name"] for variable in head_container["env"]} == {"AWS_DEFAULT_REGION"}


def test_the_image_holds_the_lock_and_what_the_sweep_imports():
    lines = (ROOT / "examples" / "Dockerfile").read_text().splitlines()
    copied = {line.split()[1] for line in lines if line.startswith("COPY")}
    assert copied == {"requirements.lock", "sweep", "models", "analysis"}
    assert all((ROOT / name).exists() for name in copied)
    assert any("--require-hashes" in line and line.endswith(" requirements.lock") for line in lines)
