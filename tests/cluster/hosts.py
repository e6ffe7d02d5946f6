"""Hosts on one machine: each with its own network address, processes, host name and files.

A host is a set of Linux namespaces. Its file system is an overlay: it reads this machine's files and keeps what it
writes to itself, so hosts share nothing but the network. The network is a bridge in a namespace of its own, with no way
out. Killing a host's first process kills all that runs there at once, as a power cut does. Needs root.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENVIRONMENT = Path(sys.prefix)

_NETWORK = "10.77.0"
_TOOLS = ("ip", "nsenter", "unshare", "mount", "chroot")
_READY_SECONDS = 20.0
_FATAL = ("--fork", "--kill-child")

# Ends the processes of a host that nobody waits for, as a machine's first process does.
_FIRST_PROCESS = "import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nwhile True: signal.pause()"

_SWITCH = "ip link set lo up && ip link add name switch type bridge && ip link set switch up && exec sleep infinity"

_HOST = """
set -e
hostname "$name"
mkdir -p "$folder/written" "$folder/work" "$folder/files"
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/written,workdir=$folder/work" "$folder/files"
cd "$folder/files"
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs tmpfs dev/shm
mount -t tmpfs tmpfs tmp
mount -t tmpfs tmpfs run
mkdir -p root/.ssh root/.ray root/.cache
for private in root/.ssh root/.ray root/.cache; do mount -t tmpfs tmpfs "$private"; done
mkdir -p ".$root"
if [ "$checkout" = yes ]; then mount --bind "$root" ".$root"; else mount -t tmpfs tmpfs ".$root"; fi
mkdir -p ".$environment"
mount --bind "$environment" ".$environment"
ip link set lo up
touch run/ready
exec chroot . "$python" -c "$first"
"""


def missing_part() -> str | None:
    """Why there can be no such hosts here; None if there can."""
    if not sys.platform.startswith("linux"):
        return "hosts are made of Linux namespaces"
    if os.geteuid():
        return "making hosts takes root"
    absent = [tool for tool in _TOOLS if shutil.which(tool) is None]
    return f"{absent[0]} is not installed; scripts/install-cluster-test-packages does that" if absent else None


class Host:
    """One host; `folder` holds what it writes, `checkout` says whether it sees this project's files."""

    def __init__(self, name: str, address: str, folder: Path, checkout: bool) -> None:
        self.name, self.address, self._folder = name, address, folder
        variables = {
            "name": name,
            "folder": str(folder),
            "checkout": "yes" if checkout else "no",
            "root": str(ROOT),
            "environment": str(ENVIRONMENT),
            "python": str(ENVIRONMENT / "bin" / "python"),
            "first": _FIRST_PROCESS,
        }
        self._started: list[subprocess.Popen[bytes]] = []
        folder.mkdir(parents=True)
        with (folder / "log").open("wb") as log:
            self._unshare = subprocess.Popen(
                ["unshare", "--net", "--pid", "--mount", "--uts", "--ipc", *_FATAL, "bash", "-c", _HOST],
                env={**_PLAIN, **variables},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.first = _first_process(self._unshare)
        try:
            _wait_for(self._is_ready, f"the host {name}")
        except TimeoutError:
            self.kill()
            raise

    def command(self, *command: str, variables: Mapping[str, str] | None = None, folder: str = "/root") -> list[str]:
        """A command line of this machine that runs a command on the host."""
        environment = {**_PLAIN, "HOME": "/root", "HOSTNAME": self.name, **(variables or {})}
        words = [f"{name}={value}" for name, value in environment.items()]
        enter = ["nsenter", "--target", str(self.first), "--net", "--pid", "--mount", "--uts", "--ipc", "--root"]
        return [*enter, f"--wd={self.path(folder)}", "--", "env", "-i", *words, *command]

    def run(
        self, *command: str, timeout: float = 120, variables: Mapping[str, str] | None = None, folder: str = "/root"
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        line = self.command(*command, variables=variables, folder=folder)
        return subprocess.run(line, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)

    def start(
        self, *command: str, log: Path, variables: Mapping[str, str] | None = None, folder: str = "/root"
    ) -> "subprocess.Popen[bytes]":
        """Start a command that goes on; what it prints goes to a file of this machine."""
        with log.open("ab") as file:
            started = subprocess.Popen(
                self.command(*command, variables=variables, folder=folder),
                stdout=file,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._started.append(started)
        return started

    def path(self, inside: str) -> Path:
        """Where this machine sees a file of the host."""
        return Path(f"/proc/{self.first}/root") / inside.lstrip("/")

    def processes(self) -> list[str]:
        """Command lines of what runs there."""
        return self.run("ps", "-eo", "args", "--no-headers").stdout.splitlines()

    def kill(self) -> None:
        """Kill all that runs on the host at once, and its network with it."""
        if self._unshare.poll() is None:
            os.kill(self.first, signal.SIGKILL)
            self._unshare.wait()
        for started in self._started:
            started.wait()

    def _is_ready(self) -> bool:
        return self.path("/run/ready").exists()


class Network:
    """Hosts joined by a bridge."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.hosts: dict[str, Host] = {}
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "switch.log").open("wb") as log:
            command = ["unshare", "--net", *_FATAL, "bash", "-c", _SWITCH]
            self._switch = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        self._inside = _first_process(self._switch)
        _wait_for(lambda: self._on_switch("ip", "link", "show", "switch").returncode == 0, "the switch")

    def add(self, name: str, checkout: bool = False) -> Host:
        """A new host, with the next address."""
        number = len(self.hosts) + 1
        host = Host(name, f"{_NETWORK}.{number}", self._folder / name, checkout)
        self.hosts[name] = host
        self._switched("ip", "link", "add", f"port{number}", "type", "veth", "peer", "eth0", "netns", str(host.first))
        self._switched("ip", "link", "set", f"port{number}", "master", "switch", "up")
        for arguments in (["addr", "add", f"{host.address}/24", "dev", "eth0"], ["link", "set", "eth0", "up"]):
            host.run("ip", *arguments).check_returncode()
        return host

    def cut_off(self, host: Host) -> None:
        """Pull a host's plug out of the switch."""
        self._switched("ip", "link", "set", f"port{list(self.hosts).index(host.name) + 1}", "down")

    def close(self) -> None:
        """End all hosts and the network."""
        for host in self.hosts.values():
            host.kill()
        if self._switch.poll() is None:
            os.kill(self._inside, signal.SIGKILL)
            self._switch.wait()

    def _on_switch(self, *command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["nsenter", "--target", str(self._inside), "--net", *command], capture_output=True, text=True
        )

    def _switched(self, *command: str) -> None:
        done = self._on_switch(*command)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr}")


_PLAIN: Mapping[str, str] = {
    "PATH": f"{ENVIRONMENT / 'bin'}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "RAY_USAGE_STATS_ENABLED": "0",
}


def _first_process(unshare: "subprocess.Popen[bytes]") -> int:
    """The process that unshare has forked: the first one inside."""
    children = Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children")
    _wait_for(lambda: bool(children.read_text().split()), "a first process")
    return int(children.read_text().split()[0])


def _wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not start")
        time.sleep(0.05)
