"""The batch script of a sweep on Slurm, and what it asks Slurm for."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweep.errors import SweepError
from sweep.submission.backend import option

_NAME = re.compile(r"[A-Za-z0-9._-]+")

# Ray takes whole nodes: `ray symmetric-run` refuses a node where any Ray runs, and ends every Ray of its user there.
_FIXED_OPTIONS = (
    "--ntasks-per-node=1",
    "--exclusive",
    "--dependency=singleton",
    "--signal=B:TERM@120",
    "--requeue",
    "--open-mode=append",
)
# By these a job is found again.
_OWN_OPTIONS = ("--job-name", "-J", "--output", "-o")

_BODY = r"""
# Everything of this Ray cluster is the job's own: token, port, folder. Only its owner can read the token.
token=$shared/job-$SLURM_JOB_ID.token
pid=/tmp/ray-$SLURM_JOB_ID.pid
rm -f "$pid"

# For `sweep jobs`, as Slurm soon forgets a job that has ended.
note=$shared/$SLURM_JOB_NAME-$SLURM_JOB_ID.state
note() { printf '%s %s\n' "$@" > "$note.part" && mv "$note.part" "$note"; }
began=$(date +%s)
note began "$began"
end() {
    code=$?
    # The exit codes of a sweep are for one that began.
    [[ -e $pid ]] || code=${stopped:-70}
    # A sweep that has trained everything, and is about to print its answer, is killed by the signal.
    [[ $code != 241 ]] || code=130
    rm -f "$token" "$pid"
    note began "$began" ended "$(date +%s)" code "$code" || true
    exit "$code"
}
trap end EXIT
trap 'stopped=130; exit' TERM

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
# A sweep that has ended while Ray has not needs none.
trap 'stopped=130; kill -TERM "$(cat "$pid" 2>/dev/null || echo "$step")" || true' TERM
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
    """What a job asks Slurm for. Raises SweepError for values that make no sense."""

    nodes: int = option(1, "Nodes, which are taken whole.")
    gpus_per_node: int = option(0, "GPUs of each node.")
    cpus_per_node: int | None = option(None, "Processors of each node; by default all.")
    time: str | None = option(None, "Time limit, as in sbatch; a sweep that reaches it is submitted again to go on.")
    partition: str | None = option(None, "Partition; by default the site's.")
    account: str | None = option(None, "Account; by default the site's.")
    sbatch: tuple[str, ...] = option(
        (), "A further option of sbatch, such as --sbatch=--constraint=a100; repeatable. These win over all others."
    )

    def __post_init__(self) -> None:
        for name, least in (("nodes", 1), ("gpus_per_node", 0), ("cpus_per_node", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise SweepError(f"--{name.replace('_', '-')} is {value}, but takes an integer of at least {least}")
        for given in self.sbatch:
            if given.partition("=")[0] in _OWN_OPTIONS:
                raise SweepError(f"--sbatch={given} would hide the job from `sweep jobs --backend slurm`; leave it out")

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
        Where log, note and token of the job lie, shared by all nodes.
    tree
        The project with its `.venv`, shared by all nodes.
    environment
        Variables of the sweep; whoever reads the script reads them.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a Slurm job: letters, digits, dots, dashes and underscores")
    options = [f"--job-name={name}", f"--output={folder / name}-%j.log", *allocation.sbatch_options()]
    lines = [
        "#!/bin/bash",
        *(f"#SBATCH {_quoted(option)}" for option in options),
        "",
        "set -euo pipefail",
        f"cd {shlex.quote(str(tree))} && source .venv/bin/activate || exit 70",
        f"shared={shlex.quote(str(folder))}",
        *(f"export {variable}={shlex.quote(value)}" for variable, value in (environment or {}).items()),
        f"sweep=({shlex.join(command)})",
    ]
    return "\n".join(lines) + "\n" + _BODY


def _quoted(option: str) -> str:
    """An option as sbatch reads it on a line of its own: it knows double quotes and backslashes."""
    if re.fullmatch(r"[^\s\"'\\#]+", option):
        return option
    return '"' + option.replace("\\", "\\\\").replace('"', '\\"') + '"'
