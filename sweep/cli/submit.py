"""``sweep submit``: a study as a batch job of a cluster."""

import shlex
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from sweep.cli.jobs import Address, follow_job
from sweep.cli.options import ALL_TRIALS, AS_USUAL, Flag, PlanOptions, RunFlags, arguments
from sweep.errors import SweepError
from sweep.submission import Allocation, Batch, Head, store_on_cluster, submit_to_ray, submit_to_slurm
from sweep.tracking import sqlite_path


def _shown(default: object) -> str | None:
    return str(default) if default else None


SlurmOptions = Annotated[Allocation, Parameter(name="*", group="With --slurm", negative=(), show_default=_shown)]
DEFAULT_ALLOCATION = Allocation()


def submit(
    study: str,
    /,
    *,
    address: Address = None,
    options: PlanOptions = ALL_TRIALS,
    flags: RunFlags = AS_USUAL,
    install: Flag = False,
    follow: Flag = False,
    slurm: Flag = False,
    allocation: SlurmOptions = DEFAULT_ALLOCATION,
) -> int:
    """Run a study as a batch job of a cluster, and return at once.

    On a Ray cluster: sends the working tree and starts `sweep run` there; a relative --store is taken from the home
    folder on the head. With --slurm: submits a script that runs this checkout, with the store in a shared folder.
    The same sweep submitted again is the same job while that runs, and afterwards trains only what is missing.

    Parameters
    ----------
    study
        A built-in study (grid, quick, lesion, paths, droppath, lesion-quick, ...), or a YAML or TOML file of its form.
    install
        Have Ray install requirements.lock on every node, for a cluster whose nodes lack the project's packages.
    follow
        Show the job's log until it ends, and exit as it does; Ctrl-C leaves it running.
    slurm
        Submit to Slurm, from a login node, instead of a Ray cluster.
    """
    _check_together(address, install, follow, slurm, allocation)
    store = _shared_folder(flags.store) if slurm else store_on_cluster(flags.store)
    flags.check(on_ray=True)
    if flags.track:
        _check_tracking(flags.tracking, store)
    further = [*arguments(options), *arguments(replace(flags, store=AS_USUAL.store))]
    batch = Batch(options.plan(study), study, store, tuple(further), shlex.join(["sweep", *sys.argv[1:]]))
    return _to_slurm(batch, allocation) if slurm else _to_ray(batch, address, install, follow)


def _check_together(address: str | None, install: bool, follow: bool, slurm: bool, allocation: Allocation) -> None:
    if slurm and (address or install or follow):
        raise SweepError("--address, --install and --follow are for Ray clusters; leave them out with --slurm")
    for field in fields(allocation):
        if not slurm and getattr(allocation, field.name) != field.default:
            raise SweepError(f"--{field.name.replace('_', '-')} is for Slurm; add --slurm, or leave it out")


def _shared_folder(store: str) -> str:
    """A store as every node of a Slurm job understands it."""
    return store if "://" in store else str(Path(store).expanduser().absolute())


def _check_tracking(tracking: str | None, store: str) -> None:
    """Raises SweepError for MLflow runs that the job would find no place for, or that would go with its folder."""
    if tracking is None and "://" in store and not store.startswith("file:"):
        raise SweepError(
            f"{store} is an object store, which cannot hold MLflow's database; give --tracking with a server's address "
            "as the head knows it, or turn tracking off with --no-track"
        )
    if tracking is not None and "://" not in tracking:
        raise SweepError(
            f"--tracking is {tracking!r}, but takes a server's address or sqlite:////PATH, as the head has it"
        )
    database = sqlite_path(tracking or "")
    if database is not None and not database.is_absolute():
        raise SweepError(
            f"--tracking is {tracking}, which is relative to wherever the job runs; give an absolute path, such as "
            "sqlite:////home/me/mlflow.db"
        )


def _to_ray(batch: Batch, address: str | None, install: bool, follow: bool) -> int:
    head = Head(address)
    job, new = submit_to_ray(batch, head, install)
    _say(f"{job.job_id}: {_what(batch, new)}")
    if follow:
        return follow_job(head, job.job_id, address)
    where = f" --address {shlex.quote(address)}" if address else ""
    for command in ("logs --follow", "stop"):
        _say(f"  sweep {command} {job.job_id}{where}")
    return 0


def _to_slurm(batch: Batch, allocation: Allocation) -> int:
    job = submit_to_slurm(batch, allocation)
    _say(f"Slurm job {job.job_id}: {_what(batch, not job.was_there)}")
    for command in (f"tail -F {shlex.quote(str(job.log))}", f"squeue --job {job.job_id}", f"scancel {job.job_id}"):
        _say(f"  {command}")
    return 0


def _what(batch: Batch, new: bool) -> str:
    trials = f"{len(batch.plan)} trials of {batch.plan.study}, kept in {batch.store}"
    return f"{'submitted' if new else 'this sweep is there already'}, {trials}"


def _say(line: str) -> None:
    Console(highlight=False, markup=False, soft_wrap=True).print(line)
