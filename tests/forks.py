"""Fresh processes without the seconds of CPU time that imports take: forks of a server that has imported the libraries.

The server does not import this program, Ray or MLflow, which read the environment when they are imported. Each fork
imports those itself, as a new process would.
"""

import io
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing.context import ForkServerContext
from pathlib import Path
from subprocess import CompletedProcess

LIBRARIES = (
    "cyclopts",
    "jinja2",
    "matplotlib.figure",
    "PIL.Image",
    "pyarrow.compute",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "pydantic",
    "rich.progress",
    "scipy.stats",
    "sklearn.datasets",
    "torch",
    "yaml",
)
"""duckdb is not among them: it imports quickly, and prints an error when a fork that inherited it ends."""
_context: list[ForkServerContext] = []


def sweep(*arguments: str | Path, folder: Path, env: Mapping[str, str] | None = None) -> "CompletedProcess[str]":
    """What the command `sweep` prints and returns in a working folder."""
    script = str(Path(sys.executable).with_name("sweep"))
    return _run(
        "from sweep.cli import main; main()", [script, *map(str, arguments)], str(Path(script).parent), folder, env
    )


def python(
    code: str, *arguments: str | Path, folder: Path | None = None, env: Mapping[str, str] | None = None
) -> "CompletedProcess[str]":
    """What `python -c` prints and returns."""
    return _run(code, ["-c", *map(str, arguments)], "", folder or Path.cwd(), env)


def _run(
    code: str, argv: list[str], first: str, folder: Path, env: Mapping[str, str] | None
) -> "CompletedProcess[str]":
    if not _context:
        _context.append(multiprocessing.get_context("forkserver"))
        _context[0].set_forkserver_preload(list(LIBRARIES))
    with tempfile.TemporaryDirectory() as printed:
        environment = dict(os.environ if env is None else env)
        process = _context[0].Process(target=_fork, args=(code, argv, first, str(folder), environment, printed))
        process.start()
        process.join()
        out, err = (Path(printed, name).read_text() for name in ("out", "err"))
    assert process.exitcode is not None
    return CompletedProcess(argv, process.exitcode, out, err)


def _fork(code: str, argv: list[str], first: str, folder: str, env: dict[str, str], printed: str) -> None:
    """Become what a new process would be; runs in the fork."""
    for name, descriptor in (("out", 1), ("err", 2)):
        os.dup2(os.open(Path(printed, name), os.O_WRONLY | os.O_CREAT | os.O_APPEND), descriptor)
    sys.stdout, sys.stderr = (io.TextIOWrapper(io.FileIO(each, "w")) for each in (1, 2))
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    # Pytest puts the checkout in front; a program that is installed from it has it last.
    checkout = str(Path(__file__).parents[1])
    before = [each for each in sys.path if each not in ("", checkout)]
    sys.path[:] = [first, *filter(None, env.get("PYTHONPATH", "").split(os.pathsep)), *before, checkout]
    sys.argv[:] = argv
    exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
