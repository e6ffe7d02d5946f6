"""Submits a sweep to Slurm: one batch job, one Ray node on each of its nodes, the sweep on the first."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweep.errors import SweepError

_ANSWER_SECONDS = 15.0
_NAME = re.compile(r"[A-Za-z0-9._-]+")
# Jobs that will still train, or do.
_STATES = "PENDING,CONFIGURING,RUNNING,SUSPENDED"

# Ray takes whole nodes: `ray symmetric-run` refuses a node where any Ray runs, and ends every Ray of its user there.
_FIXED_OPTIONS = (
    "--ntasks-per-node=1",
    "--exclusive",
    "--dependency=singleton",
    "--signal=B:TERM@120",
    "--requeue",
    "--open-mode=append",
)

_BODY = r"""
# Everything of this Ray cluster is the job's own: token, port, folder. Only its owner can read the token.
token=$shared/job-$SLURM_JOB_ID.token
pid=/tmp/ray-$SLURM_JOB_ID.pid
rm -f "$pid"
trap 'rm -f "$token" "$pid"' EXIT
(umask 077 && python -c 'import secrets; print(secrets.token_hex(32), end="")' > "$token")
unset RAY_AUTH_TOKEN
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$token
export RAY_TMPDIR=/tmp/ray-$SLURM_JOB_ID RAY_USAGE_STATS_ENABLED=0
export RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=300

# The batch script runs on the first node. Many sites give a node's own name a loopback address as well.
head=$(getent ahostsv4 "$(hostname)" | awk '!/^127[.]/ {print $1; exit}') || true
head=${head:-$(hostname --all-ip-addresses | awk '{print $1}')}
export RAY_ADDRESS=$head:$((20000 + SLURM_JOB_ID % 10000))

node='
    trap "rm -rf $RAY_TMPDIR" EXIT
    # The other nodes end this soon after the first.
    ((SLURM_NODEID)) && export RAY_gcs_rpc_server_reconnect_timeout_s=10
    ray symmetric-run --address "$RAY_ADDRESS" --min-nodes "$SLURM_JOB_NUM_NODES" \
        --num-cpus="${SLURM_CPUS_PER_TASK:-$SLURM_CPUS_ON_NODE}" --num-gpus="${SLURM_GPUS_ON_NODE:-0}" -- "$@"
'
# Leaves its process id, then becomes the sweep, whose log is the job's; what Ray says of its nodes goes beside it.
entry='echo $$ > "$0" && log=$1 && shift && exec "$@" >> "$log" 2>&1'
log=$(readlink /proc/$$/fd/1)
srun --nodes="$SLURM_JOB_NUM_NODES" --ntasks="$SLURM_JOB_NUM_NODES" --cpu-bind=none --output="$log.ray" \
    bash -c "$node" node bash -c "$entry" "$pid" "$log" "${sweep[@]}" &
step=$!

# Slurm's warning before the time limit goes to the sweep alone, which then has Ray's help to end in order.
trap 'kill -TERM "$(cat "$pid" 2>/dev/null || echo "$step")"' TERM
while true; do
    code=0
    wait "$step" || code=$?
    # A signal ends the wait before the step.
    kill -0 "$step" 2>/dev/null || break
done
test -e "$pid" || echo "The sweep did not begin; $log.ray says why." >&2
exit "$code"
"""


@dataclass(frozen=True)
class Allocation:
    """What a job asks Slurm for. Raises SweepError for numbers that make no sense."""

    nodes: int = 1
    """Nodes, which are taken whole."""

    gpus_per_node: int = 0
    """GPUs of each node."""

    cpus_per_node: int | None = None
    """Processors of each node; by default all."""

    time: str | None = None
    """Time limit, as in sbatch; a sweep that reaches it is submitted again to go on."""

    partition: str | None = None
    """Partition; by default the site's."""

    account: str | None = None
    """Account; by default the site's."""

    sbatch: tuple[str, ...] = ()
    """A further option of sbatch, such as --sbatch=--constraint=a100; repeatable. These win over all others."""

    def __post_init__(self) -> None:
        for name, least in (("nodes", 1), ("gpus_per_node", 0), ("cpus_per_node", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                option = name.replace("_", "-")
                raise SweepError(f"--{option} is {value}, but takes an integer of at least {least}")

    def sbatch_options(self) -> list[str]:
        """The options of sbatch that ask for this."""
        given = {
            "nodes": self.nodes,
            "gpus-per-node": self.gpus_per_node or None,
            "cpus-per-task": self.cpus_per_node,
            "time": self.time,
            "partition": self.partition,
            "account": self.account,
        }
        asked = [f"--{option}={value}" for option, value in given.items() if value is not None]
        return [*_FIXED_OPTIONS, *asked, *self.sbatch]


@dataclass(frozen=True)
class Submitted:
    """A job that Slurm has; `script` and `log` are in the shared folder."""

    job_id: str
    script: Path
    log: Path
    was_there: bool
    """Whether a job of this name was pending or running already, so that none was submitted."""


def batch_script(
    command: Sequence[str],
    name: str,
    folder: Path,
    tree: Path,
    allocation: Allocation,
    environment: Mapping[str, str] | None = None,
) -> str:
    """The batch script that runs a sweep on its own Ray cluster.

    Parameters
    ----------
    command
        A sweep with `--address auto`, such as `python -m sweep run grid --address auto --store ...`.
    name
        Of the job; jobs of one name run one after another.
    folder
        Where the log and the token of the job lie, shared by all nodes.
    tree
        The project with its `.venv`, shared by all nodes.
    environment
        Variables of the sweep; whoever reads the script reads them.
    """
    options = [f"--job-name={_checked(name)}", f"--output={_log(folder, name, '%j')}", *allocation.sbatch_options()]
    lines = [
        "#!/bin/bash",
        *(f"#SBATCH {_quoted(option)}" for option in options),
        "",
        "set -euo pipefail",
        f"cd {shlex.quote(str(tree))}",
        "source .venv/bin/activate",
        f"shared={shlex.quote(str(folder))}",
        *(f"export {variable}={shlex.quote(value)}" for variable, value in (environment or {}).items()),
        f"sweep=({shlex.join(command)})",
    ]
    return "\n".join(lines) + "\n" + _BODY


def submit(script: str, name: str, folder: Path) -> Submitted:
    """Submit a script of `batch_script`, unless a job of its name is pending or running.

    Raises SweepError where Slurm is not there, refuses, or does not answer.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = _write(script, folder / f"{_checked(name)}.sh")
    except OSError as error:
        raise SweepError(
            f"{folder} cannot be written: {error}; take a store in a folder that all nodes share"
        ) from None
    there = running(name)
    # With several Slurm clusters their name follows the number.
    job_id = there or _slurm("sbatch", "--parsable", str(path)).partition(";")[0]
    return Submitted(job_id, path, _log(folder, name, job_id), there is not None)


def running(name: str) -> str | None:
    """The number of this user's job of that name that is running, or else pending; None where there is none."""
    states = f"--states={_STATES}"
    listed = _slurm("squeue", "--noheader", "--me", f"--name={_checked(name)}", states, "--format=%A %T").splitlines()
    jobs = sorted((state != "RUNNING", int(job_id)) for job_id, state in (line.split() for line in listed))
    return str(jobs[0][1]) if jobs else None


def _slurm(program: str, *arguments: str) -> str:
    """What one of Slurm's programs prints."""
    if shutil.which(program) is None:
        raise SweepError(f"{program} is not on this machine; submit from a login node of the Slurm cluster")
    try:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=_ANSWER_SECONDS)
    except subprocess.TimeoutExpired:
        raise SweepError(
            f"Slurm does not answer {program} within {_ANSWER_SECONDS:.0f} seconds; see with `scontrol ping` whether "
            "it is up, and submit again, which adds no second job"
        ) from None
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        if program == "squeue":
            raise SweepError(
                f"Slurm does not answer: {said[0].strip()}; submit from a login node, and see with `scontrol ping` "
                "whether it is up"
            )
        raise SweepError(f"Slurm refuses: {said[0].strip()}; change what the job asks for and submit again")
    return done.stdout.strip()


def _write(script: str, path: Path) -> Path:
    """Replace a file at once, so that nobody submits half a script."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        file.write(script)
        file.flush()
        os.fsync(file.fileno())
    temporary = Path(file.name)
    temporary.chmod(0o755)
    return temporary.replace(path)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a Slurm job: letters, digits, dots, dashes and underscores")
    return name


def _log(folder: Path, name: str, job_id: str) -> Path:
    return folder / f"{name}-{job_id}.log"


def _quoted(option: str) -> str:
    """An option as sbatch reads it on a line of its own: it knows double quotes and backslashes."""
    if re.fullmatch(r"[^\s\"'\\#]+", option):
        return option
    return '"' + option.replace("\\", "\\\\").replace('"', '\\"') + '"'
