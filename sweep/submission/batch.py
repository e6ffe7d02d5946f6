"""A sweep as a batch job: the command that runs on the cluster, and what the job is known by."""

import getpass
import hashlib
import os
import shlex
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweep.errors import SweepError
from sweep.plan import Plan
from sweep.redaction import redacted
from sweep.studies import STUDIES
from sweep.submission.jobs import Head, Job
from sweep.submission.slurm import Allocation, Submitted, batch_script, submit
from sweep.submission.working_tree import LOCK, SENT_STUDIES, WorkingTree

RESUME = "SWEEP_RESUME"
"""Environment variable of a job: the command that goes on where it is cut off."""

_SCHEMES = ("s3", "gs", "gcs", "abfs", "abfss", "hdfs", "file")
_WORKING_DIR = "${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}"


@dataclass(frozen=True)
class Batch:
    """One study's ``sweep run`` on a cluster: its plan, its store there, and the further arguments of the command."""

    plan: Plan
    study: str
    store: str
    arguments: tuple[str, ...]
    again: str
    """The command that submits it, for whoever is told to do so again."""

    def __post_init__(self) -> None:
        for value in (self.store, *self.arguments, self.again):
            if redacted(value) != value:
                raise SweepError(
                    "a user, key or password in an address or option would be shown to all who can see the job; leave "
                    "them out, and set them in the environment of the head (AWS_ACCESS_KEY_ID, "
                    "MLFLOW_TRACKING_USERNAME, ...)"
                )
        scheme, separator, _ = self.store.partition("://")
        if separator and scheme not in _SCHEMES:
            raise SweepError(f"--store has the scheme {scheme}, but takes a folder or one of {', '.join(_SCHEMES)}")

    @property
    def study_file(self) -> Path | None:
        """The user's own file, where the study is not a built-in one."""
        return None if self.study in STUDIES else Path(self.study)

    @property
    def name(self) -> str:
        """What jobs of this sweep are called: the study and the first digits of the sweep's identity."""
        return f"{self.plan.study}-{self.plan.sweep_id[:8]}"

    def command(self, study: str | None = None) -> list[str]:
        """Arguments of ``sweep`` on the cluster, the study under another name there if one is given."""
        return ["run", study or self.study, "--store", self.store, "--address", "auto", *self.arguments]


def submit_to_ray(batch: Batch, head: Head, install: bool) -> tuple[Job, bool]:
    """Send the working tree and start the batch on a Ray cluster; the job, and whether it is a new one.

    `install` has Ray install the lock on every node. Raises SweepError where the head does not take it.
    """
    tree = WorkingTree.of_this_program()
    file = batch.study_file
    metadata = {
        "study": batch.plan.study,
        "sweep_id": batch.plan.sweep_id,
        "store": batch.store,
        "trials": str(len(batch.plan)),
        "revision": tree.revision,
        "by": _user(),
    }
    entrypoint = shlex.join(
        ["python", "sweep/submission/start.py", *batch.command(f"{SENT_STUDIES}/{file.name}" if file else None)]
    )
    with tempfile.TemporaryDirectory(prefix="sweep-submit-") as folder:
        tree.stage(Path(folder), file)
        runtime_env: dict[str, Any] = {"working_dir": folder, "env_vars": {RESUME: batch.again}}
        if install:
            # Hard links from uv's cache: a tree that has changed is installed again in seconds.
            runtime_env["uv"] = {"packages": [f"-r {_WORKING_DIR}/{LOCK}"], "uv_pip_install_options": []}
        return head.submit(batch.name, entrypoint, runtime_env, metadata)


def submit_to_slurm(batch: Batch, allocation: Allocation) -> Submitted:
    """Submit the batch to Slurm, which runs it from this checkout; script and log go beside the results.

    Raises SweepError for a store without a folder, and where Slurm does not take it.
    """
    if "://" in batch.store:
        raise SweepError(
            "with --slurm the store, script and log lie in one folder that all nodes share; give that folder"
        )
    tree = WorkingTree.of_this_program()
    folder = Path(batch.store) / "slurm"
    file = batch.study_file
    command = ["python", "-m", "sweep", *batch.command(str(file.absolute()) if file else None)]
    # Of one sweep and store one job at a time.
    name = f"{batch.name}-{hashlib.sha256(batch.store.encode()).hexdigest()[:4]}"
    script = batch_script(command, name, folder, tree.root, allocation, {RESUME: batch.again})
    return submit(script, name, folder)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run as a number that has no name.
        return str(os.getuid())


def store_on_cluster(store: str) -> str:
    """A store as the head understands it: a relative folder is one in the home folder there."""
    path = Path(store)
    return store if "://" in store or path.is_absolute() or store.startswith("~") else f"~/{path}"
