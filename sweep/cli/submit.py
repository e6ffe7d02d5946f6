"""``sweep submit``: a study as a batch job of a cluster."""

import shlex
import sys
from dataclasses import replace

from rich.console import Console

from sweep.cli.jobs import Address, follow_job
from sweep.cli.options import ALL_TRIALS, AS_USUAL, Flag, PlanOptions, RunFlags, arguments
from sweep.submission import Batch, Head, store_on_cluster, submit_to_ray


def submit(
    study: str,
    /,
    *,
    address: Address = None,
    options: PlanOptions = ALL_TRIALS,
    flags: RunFlags = AS_USUAL,
    install: Flag = False,
    follow: Flag = False,
) -> int:
    """Run a study as a batch job of a cluster: send the working tree, start `sweep run` there, and return.

    The same sweep submitted again is the same job while that runs, and afterwards trains only what is missing.
    A relative --store is taken from the home folder on the head.

    Parameters
    ----------
    study
        A built-in study (grid, quick, lesion, paths, droppath, lesion-quick, ...), or a YAML or TOML file of its form.
    install
        Have Ray install requirements.lock on every node, for a cluster whose nodes lack the project's packages.
    follow
        Show the job's log until it ends, and exit as it does; Ctrl-C leaves it running.
    """
    store = store_on_cluster(flags.store)
    further = [*arguments(options), *arguments(replace(flags, store=AS_USUAL.store))]
    batch = Batch(options.plan(study), study, store, tuple(further), shlex.join(["sweep", *sys.argv[1:]]))
    head = Head(address)
    job, new = submit_to_ray(batch, head, install)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    what = f"{len(batch.plan)} trials of {batch.plan.study}, kept in {store}"
    console.print(f"{job.job_id}: {'submitted' if new else 'this sweep runs already'}, {what}")
    if follow:
        return follow_job(head, job.job_id, address)
    where = f" --address {shlex.quote(address)}" if address else ""
    for command in ("logs --follow", "stop"):
        console.print(f"  sweep {command} {job.job_id}{where}")
    return 0
