"""``sweep submit``: a study as a batch job."""

import shlex
import sys
from dataclasses import replace

from rich.console import Console

from sweep.cli.backends import Chosen, on_backend
from sweep.cli.jobs import follow_job
from sweep.cli.options import Flag
from sweep.cli.plan_options import ALL_TRIALS, AS_USUAL, PlanOptions, RunFlags, Study, arguments
from sweep.own_code import loaded
from sweep.submission import Batch


@on_backend(submits=True)
def submit(
    study: Study,
    /,
    *,
    at: Chosen,
    options: PlanOptions = ALL_TRIALS,
    flags: RunFlags = AS_USUAL,
    follow: Flag = False,
) -> int:
    """Run a study as a batch job, and return at once.

    Submitting the same sweep again finds its job while that waits or runs, and afterwards trains what is missing.

    Parameters
    ----------
    follow
        Show the job's log until it ends, and exit with its code; Ctrl-C leaves it running.
    """
    flags.check(on_ray=True)
    store = at.backend.store(flags.store)
    if flags.track:
        at.backend.check_tracking(flags.tracking, store)
    plan = options.plan(study)
    further = (*arguments(replace(options, imports=())), *arguments(replace(flags, store=AS_USUAL.store)))
    again = shlex.join(["sweep", *sys.argv[1:]])
    job, new = at.backend.submit(Batch(plan, study, store, further, again, options.imports, loaded()))
    console = Console(highlight=False, markup=False, soft_wrap=True)
    said = "submitted" if new else "this sweep is already submitted"
    console.print(f"{job.id}: {said}, {len(plan)} trials of {plan.study}, kept in {store}")
    if follow:
        return follow_job(at, job.id)
    for command in (["logs", "--follow"], ["stop"]):
        console.print(f"  {shlex.join(['sweep', *command, job.id, *at.words])}")
    return 0
