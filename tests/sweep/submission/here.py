"""A backend that runs a batch in this process, at once: all that another batch system takes, in one module."""

import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, replace
from json import dumps, loads
from pathlib import Path

from sweep.errors import SweepError
from sweep.submission import Backend, Batch, Job
from sweep.submission.backend import option


@dataclass(frozen=True)
class HereOptions:
    """Where jobs are kept, and how they run."""

    folder: str = option("jobs", "Folder with a file for each job.", address=True)
    nodes: int = option(1, "Nodes, of which there is one.")


class Here(Backend):
    """This machine, which has run a job when it says so."""

    Options = HereOptions

    def __init__(self, options: HereOptions) -> None:
        if options.nodes != 1:
            raise SweepError("there is one node; leave --nodes out")
        self._folder = Path(options.folder)
        self.where = f"the folder {options.folder}"

    def store(self, given: str) -> str:
        return given

    def submit(self, batch: Batch) -> tuple[Job, bool]:
        # The command line reads the options of every backend first.
        from sweep.cli import main

        job = Job.waiting(batch, f"{batch.name}-{1 + len(self.jobs())}", "abc")
        self._folder.mkdir(exist_ok=True)
        code, began = 0, time.time()
        with (self._folder / f"{job.id}.log").open("w") as log, redirect_stdout(log), redirect_stderr(log):
            try:
                main(["run", batch.study, "--store", batch.store, "--executor", "local", *batch.arguments])
            except SystemExit as ended:
                code = int(ended.code or 0)
        job = replace(job, state="failed" if code else "done", exit_code=code, started=began, ended=time.time())
        (self._folder / f"{job.id}.json").write_text(dumps(asdict(job)))
        return job, True

    def jobs(self) -> list[Job]:
        return [Job(**loads(path.read_text())) for path in sorted(self._folder.glob("*.json"))]

    def read(self, job: Job) -> str:
        return (self._folder / f"{job.id}.log").read_text()

    def interrupt(self, job: Job) -> None:
        raise AssertionError(f"{job.id} runs while nobody can ask")
