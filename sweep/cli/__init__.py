"""The command `sweep`. Each subcommand is one function, registered here and imported when it is called."""

import contextlib
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cyclopts import App, CycloptsError, Parameter

from sweep.cli.options import converted
from sweep.errors import SweepError
from sweep.loopback import spare_loopback
from sweep.redaction import redacted


def _version() -> str:
    try:
        return version("deep-parallel-sweep")
    except PackageNotFoundError:
        return "not installed, run from a working tree"


app = App(
    name="sweep",
    help="Sweeps that ask whether deep residual networks can be replaced by shallow parallel ones.",
    version=_version(),
    default_parameter=Parameter(converter=converted),
)
MEANINGS = {
    "plan:plan": "Show what would run, its cost on the processors of this machine or a cluster, and how much of it is "
    "done.",
    "run:run": "Train the missing trials of a study; run the same command again to resume.\n\n"
    "Exit codes: 0 all done, 1 some trials failed, 2 wrong usage or input, 124 the time was up, 130 interrupted.",
    "submit:submit": "Run a study as a batch job, and return at once.\n\n"
    "Submitting the same sweep again finds its job while that waits or runs, and afterwards trains what is missing.",
    "jobs:jobs": "List the sweeps that were submitted as jobs, the latest last.",
    "jobs:logs": "Print what a submitted sweep has printed.\n\nExit code: 0, or with --follow that of the sweep.",
    "jobs:stop": "Stop a submitted sweep as Ctrl-C would: finished packs and checkpoints are kept; submit it again to "
    "resume.",
    "show:status": "Show how many trials of each sweep in a store are finished, diverged, failed or missing.",
    "show:query": "Answer an SQL query over the tables trials, curves, measurements, plan and pairs.",
    "export:export": "Write all results as files for other programs, each trial once.",
    "merge:merge": "Bring the sweeps and results of other stores into one; what is there already is left alone.\n\n"
    "The other stores stay as they are. If it is interrupted, run it again.",
    "report:report": "Write the report of a study: one HTML page, its figures, and all numbers as JSON and Parquet.\n\n"
    "Exit codes: 0 written, 1 written but a control fails, 2 wrong usage or input.",
    "ui:ui": "Serve MLflow's UI of a store at http://127.0.0.1:5000 until Ctrl-C.",
    "track:track": "Write the MLflow runs that a store's trials lack.",
    "factors:factors": "Show the factors of a trial, or one of them: its meaning, values, default, and the parts that "
    "take it.",
    "data:data": "Fetch, verify or import data sets.",
}
"""What each command does, by its place under `sweep.cli`."""

for place, meaning in MEANINGS.items():
    app.command(f"sweep.cli.{place}", name=place.partition(":")[2], help=meaning)

WRONG_INPUT, INTERRUPTED = 2, 130


def _said(error: Exception) -> str:
    """An error in the words of the command line, where every parameter is an option."""
    text = str(error)
    names: tuple[str, ...] = error.parameters if isinstance(error, SweepError) else ()
    options = [f"--{name.replace('_', '-')}" for name in names]
    if len(names) == 1 and text.startswith(f"{names[0]} "):
        return options[0] + text.removeprefix(names[0])
    return f"{text} ({', '.join(options)})" if options else text


def _unwritten(error: OSError) -> int:
    """The exit code after a fault of the output, or of a file that no other module speaks for."""
    # What is still in the buffer would be tried once more as the process ends.
    with contextlib.suppress(OSError, ValueError), Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        # A reader such as `head` closed its pipe.
        sys.stderr.close()
        return 0
    place = "the output" if error.filename is None else error.filename
    print(f"sweep: {redacted(f'{place} cannot be used: {error.strerror or error}')}", file=sys.stderr)
    return WRONG_INPUT


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exits with 0, 1 (failed trials), 2 (wrong input) or 130 (interrupted)."""
    spare_loopback()
    try:
        code = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except (CycloptsError, SweepError) as error:
        print(f"sweep: {redacted(_said(error))}", file=sys.stderr)
        code = WRONG_INPUT
    except SystemExit as ended:
        # Rich ends with 1 where a reader such as `head` has closed its pipe.
        code = 0 if isinstance(ended.__context__, BrokenPipeError) else ended.code
    except KeyboardInterrupt:
        print("sweep: interrupted; run the same command again to go on", file=sys.stderr)
        code = INTERRUPTED
    except OSError as error:
        code = _unwritten(error)
    sys.exit(code if isinstance(code, int) else 0)
