"""The working tree that a job runs: what of the checkout is sent, and which commit it is."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import sweep
from sweep.errors import SweepError

LOCK = "requirements.lock"
SENT = "submitted"
"""Folder of a sent tree for a user's own files."""

_LARGEST_BYTES = 200 * 1024 * 1024
_CODE = ("sweep", "models", "analysis")
_PARTS = (*_CODE, "pyproject.toml", LOCK)


@dataclass(frozen=True)
class WorkingTree:
    """A checkout of this project; `root` is its top."""

    root: Path

    @classmethod
    def of_this_program(cls) -> "WorkingTree":
        """The checkout that this program runs from. Raises SweepError if there is none."""
        root = Path(sweep.__path__[0]).parent
        missing = [part for part in _PARTS if not (root / part).exists()]
        if missing:
            raise SweepError(
                f"a submission sends the checkout that sweep runs from, and {root} has no {missing[0]}; "
                "submit from a clone in which `make setup` was run"
            )
        return cls(root)

    @property
    def revision(self) -> str:
        """The commit, with ``+changes`` where the tree differs from it; ``unknown`` outside version control."""
        commit = self._git("rev-parse", "--short=12", "HEAD")
        if commit is None:
            return "unknown"
        changed = self._git("status", "--porcelain", "--", ".")
        return commit.strip() + ("+changes" if changed else "")

    def stage(self, folder: Path, own_files: Mapping[str, Path] | None = None) -> None:
        """Copy what is sent into an empty folder: tracked files, new code that git does not ignore, a study file.

        Raises SweepError if that is more than a job should carry.
        """
        files = sorted(set(self._files()))
        sizes = {name: (self.root / name).stat().st_size for name in files}
        total = sum(sizes.values())
        if total > _LARGEST_BYTES:
            largest = max(files, key=lambda name: sizes[name])
            raise SweepError(
                f"{self.root} holds {total >> 20} MiB to be sent, and {_LARGEST_BYTES >> 20} are allowed; "
                f"move large files away or have git ignore them, {largest} first"
            )
        for name in files:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.root / name, target)
        for name, path in (own_files or {}).items():
            target = folder / SENT / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)

    def _files(self) -> Iterator[str]:
        tracked = self._git("ls-files", "-z")
        # Elsewhere a new file may be anything, such as a list of passwords.
        new = self._git("ls-files", "-z", "--others", "--exclude-standard", "--", *_CODE)
        if tracked is not None and new is not None:
            names = (name for name in f"{tracked}{new}".split("\0") if name)
            # A tracked file may have been deleted; a link may lead out of the tree.
            yield from (name for name in names if (self.root / name).is_file() and not (self.root / name).is_symlink())
            return
        for part in _PARTS:
            path = self.root / part
            # Includes templates and scripts beside the code, but nothing that Python has compiled from it.
            inside = (each for each in path.rglob("*") if each.is_file() and each.suffix != ".pyc")
            inside = inside if path.is_dir() else [path]
            yield from (str(file.relative_to(self.root)) for file in inside)

    def _git(self, *arguments: str) -> str | None:
        """Git's answer; None if this is not a git checkout, or git is not installed."""
        command = ["git", "-C", str(self.root), *arguments]
        try:
            # A folder inside another project's checkout is not this project's.
            if not (self.root / ".git").exists():
                return None
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            return None
