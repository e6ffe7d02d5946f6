"""The command `sweep`. Each subcommand is one function, registered here."""

import contextlib
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cyclopts import App, CycloptsError, Parameter

from sweep.cli.data import data
from sweep.cli.factors import factors
from sweep.cli.jobs import jobs, logs, stop
from sweep.cli.options import converted
from sweep.cli.plan import plan
from sweep.cli.report import report
from sweep.cli.run import run
from sweep.cli.show import query, status
from sweep.cli.submit import submit
from sweep.cli.track import track
from sweep.cli.ui import ui
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
for command in (plan, run, submit, jobs, logs, stop, status, query, report, ui, track, factors, data):
    app.command(command)

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
    except KeyboardInterrupt:
        print("sweep: interrupted; run the same command again to go on", file=sys.stderr)
        code = INTERRUPTED
    except OSError as error:
        code = _unwritten(error)
    sys.exit(code if isinstance(code, int) else 0)
