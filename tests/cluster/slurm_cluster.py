"""A Slurm cluster on one machine: a controller here, and nodes that are hosts of their own to all that runs on them.

A node has its own network, processes, name and /tmp; it shares the repository and one folder with the others.
"""

import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAMS = ("ip", "munged", "slurmctld", "slurmd", "sbatch", "squeue", "srun", "unshare", "nsenter")
NODES = ("node1", "node2")


def unavailable() -> str | None:
    """Why there can be no such cluster here."""
    if os.geteuid() != 0:
        return "needs root"
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    return f"needs {', '.join(missing)}; run scripts/install-cluster-test-packages" if missing else None


@contextlib.contextmanager
def slurm_cluster() -> Iterator[Path]:
    """The shared folder of a running cluster, which Slurm's programs find through SLURM_CONF."""
    # Not below pytest's folder: munge wants no folder above its socket that others may write, sticky ones excepted.
    shared = Path(tempfile.mkdtemp(prefix="sweep-slurm-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, shared, ignore_errors=True)
        subnet = _network(stack)
        configuration = _configure(shared, subnet)
        stack.enter_context(_environment(SLURM_CONF=str(configuration)))
        socket_file = shared / "munge.socket"
        munge = ["munged", "--foreground", "--force", f"--socket={socket_file}", f"--key-file={shared / 'munge.key'}"]
        munge += [f"--{name}-file={shared / f'munge.{name}'}" for name in ("pid", "log", "seed")]
        stack.enter_context(_daemon(munge, shared / "munged.out"))
        _wait_for(socket_file.exists, 10, "munged")
        stack.enter_context(_daemon(["slurmctld", "-D", "-f", str(configuration)], shared / "slurmctld.out"))
        for node in NODES:
            # The first process of a host, and `unshare` before it, heed no politer signal.
            command = _node_command(node, shared, configuration)
            stack.enter_context(_daemon(command, shared / f"{node}.out", signal.SIGKILL))
        _wait_for(lambda: _idle() == len(NODES), 60, "the nodes of Slurm")
        yield shared


def _network(stack: contextlib.ExitStack) -> str:
    """A bridge with a namespace for each node; the first three numbers of its addresses."""
    number = os.getpid() % 250 + 1
    bridge, subnet = f"swslurm{number}", f"10.213.{number}"
    _ip(f"link add {bridge} type bridge")
    stack.callback(_ip, f"link del {bridge}")
    _ip(f"address add {subnet}.1/24 dev {bridge}")
    _ip(f"link set {bridge} up")
    for place, node in enumerate(NODES):
        namespace, cable = f"{bridge}-{node}", f"sws{number}-{place}"
        _ip(f"netns add {namespace}")
        stack.callback(_ip, f"netns del {namespace}")
        _ip(f"link add {cable} type veth peer name eth0 netns {namespace}")
        _ip(f"link set {cable} master {bridge} up")
        _ip(f"-n {namespace} address add {subnet}.{place + 2}/24 dev eth0")
        _ip(f"-n {namespace} link set eth0 up")
        _ip(f"-n {namespace} link set lo up")
    return subnet


def _ip(arguments: str) -> None:
    subprocess.run(["ip", *arguments.split()], check=True, capture_output=True)


def _configure(shared: Path, subnet: str) -> Path:
    (shared / "munge.key").write_bytes(os.urandom(128))
    (shared / "munge.key").chmod(0o400)
    addresses = {node: f"{subnet}.{place + 2}" for place, node in enumerate(NODES)}
    # As on many real hosts, a node's own name has a loopback address first.
    for own in NODES:
        lines = ["127.0.0.1 localhost", f"127.0.1.1 {own}"]
        lines += [f"{address} {node}" for node, address in addresses.items()]
        (shared / f"hosts.{own}").write_text("\n".join(lines) + "\n")
    for folder in ("state", *NODES):
        (shared / folder).mkdir()
    nodes = "\n".join(
        f"NodeName={node} NodeAddr={address} CPUs=1 RealMemory=2000" for node, address in addresses.items()
    )
    configuration = shared / "slurm.conf"
    configuration.write_text(
        f"""ClusterName=sweep
SlurmctldHost={socket.gethostname()}({subnet}.1)
SlurmUser=root
SlurmctldPort=16817
SlurmdPort=16818
AuthType=auth/munge
AuthInfo=socket={shared / "munge.socket"}
StateSaveLocation={shared / "state"}
SlurmdSpoolDir={shared}/%n
SlurmctldPidFile={shared / "slurmctld.pid"}
SlurmdPidFile={shared}/%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SwitchType=switch/none
MpiDefault=none
SchedulerParameters=sched_interval=2,bf_interval=2
InactiveLimit=0
KillWait=30
MinJobAge=20
ReturnToService=2
{nodes}
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
    )
    # No part of this cluster uses cgroups, but slurmd starts with a plugin for them, and this one asks least.
    (shared / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
    return configuration


def _node_command(node: str, shared: Path, configuration: Path) -> list[str]:
    """Starts slurmd on a host of its own; all that ran there ends with it."""
    kept = [str(path) for path in (ROOT, shared)]
    script = f"""
set -e
hostname {node}
mount -t tmpfs tmpfs /mnt
mount --bind {shlex.quote(str(shared / f"hosts.{node}"))} /etc/hosts
place=0
for path in {shlex.join(kept)}; do
    place=$((place + 1)); mkdir "/mnt/$place"; mount --bind "$path" "/mnt/$place"
done
mount -t tmpfs tmpfs /tmp
place=0
for path in {shlex.join(kept)}; do
    place=$((place + 1)); mkdir -p "$path"; mount --bind "/mnt/$place" "$path"
done
# Not in place of this shell, which as the first process of the host buries the orphans.
slurmd -D -N {node} -f {shlex.quote(str(configuration))} &
wait
"""
    namespace = f"swslurm{os.getpid() % 250 + 1}-{node}"
    unshare = ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
    # `ip netns exec` would hide /sys/fs/cgroup, which slurmd insists on.
    return ["nsenter", f"--net=/run/netns/{namespace}", *unshare, "bash", "-c", script]


@contextlib.contextmanager
def _daemon(command: list[str], log: Path, end: signal.Signals = signal.SIGTERM) -> Iterator[None]:
    with log.open("w") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield
    finally:
        process.send_signal(end)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def _environment(**variables: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _idle() -> int:
    done = subprocess.run(["sinfo", "--noheader", "--Node", "--format=%T"], capture_output=True, text=True)
    return done.stdout.split().count("idle")


def _wait_for(condition, seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come up"
        time.sleep(0.2)
