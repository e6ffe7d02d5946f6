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
# These are needed to find a job again.
_OWN_OPTIONS = ("--job-name", "-J", "--output", "-o")


@dataclass(frozen=True)
class Allocation:
    """What a job asks Slurm for. Raises SweepError for values that make no sense."""

    nodes: int = option(1, "Nodes, which are taken whole.")
    gpus_per_node: int = option(0, "GPUs of each node.")
    cpus_per_node: int | None = option(None, "Processors of each node; by default all.")
    time: str | None = option(None, "Time limit, as in sbatch; submit a sweep that reaches it again to resume.")
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
        Of the job; jobs of the same name run one after another.
    folder
        Folder of the job's log, note and token, shared by all nodes.
    tree
        The project with its `.venv`, shared by all nodes.
    environment
        Variables of the sweep; anyone who can read the script can read them.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a name for a Slurm job: letters, digits, dots, dashes and underscores")
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
    return "\n".join(lines) + "\n\n" + Path(__file__).with_name("slurm_job.sh").read_text()


def _quoted(option: str) -> str:
    """An option as sbatch reads it on a line of its own: it knows double quotes and backslashes."""
    if re.fullmatch(r"[^\s\"'\\#]+", option):
        return option
    return '"' + option.replace("\\", "\\\\").replace('"', '\\"') + '"'
