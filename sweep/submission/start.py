"""The start of a submitted job on the head: checks that its Python can run a sweep, and becomes the sweep.

Run as a file of the sent tree, by whatever Python the head has, with nothing but the standard library.
"""

import os
import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

WRONG_INPUT = 2
OLDEST = (3, 11)


def missing_packages(project: Path) -> list[str]:
    """Names of the project's direct dependencies that this Python lacks."""
    import tomllib  # missing in a Python that is too old

    dependencies = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    names = [re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0] for requirement in dependencies]
    return [name for name in names if not _is_installed(name)]


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def fault(project: Path) -> str | None:
    """Why this Python cannot run the project; None if it can."""
    if sys.version_info < OLDEST:
        found, needed = (".".join(map(str, part)) for part in (sys.version_info[:2], OLDEST))
        return f"is Python {found}; start Ray on every node with Python {needed} or newer"
    missing = missing_packages(project)
    if missing:
        return f"lacks {', '.join(missing)}; submit with --install, or install requirements.lock on every node"
    return None


def main(arguments: list[str]) -> None:
    """Become ``sweep ARGUMENTS``, or exit if that is not possible."""
    found = fault(Path(__file__).resolve().parents[2])
    if found is not None:
        print(f"sweep: {sys.executable} on the head {found}", file=sys.stderr)
        sys.exit(WRONG_INPUT)
    os.execv(sys.executable, [sys.executable, "-m", "sweep", *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
