"""What of a checkout is sent with a job."""

import subprocess
import sys
from pathlib import Path

import pytest

from sweep.errors import SweepError
from sweep.submission import start, working_tree
from sweep.submission.working_tree import WorkingTree


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=me", "-c", "user.email=me@example.org")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def tree(tmp_path: Path) -> WorkingTree:
    """A checkout of git's with the parts of this project, and files that are ignored, new and deleted."""
    root = tmp_path / "checkout"
    for name in ("sweep/a.py", "models/b.py", "analysis/c.py", "pyproject.toml", "requirements.lock", "gone.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / ".gitignore").write_text("results/\n")
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "All")
    return WorkingTree(root)


def sent(tree: WorkingTree, folder: Path, study: Path | None = None) -> set[str]:
    folder.mkdir()
    tree.stage(folder, {study.name: study} if study else None)
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


COMMITTED = {"sweep/a.py", "models/b.py", "analysis/c.py", "pyproject.toml", "requirements.lock", ".gitignore"}


def test_what_git_knows_and_does_not_ignore_is_sent(tree: WorkingTree, tmp_path: Path) -> None:
    (tree.root / "gone.py").unlink()
    (tree.root / "sweep" / "new.py").write_text("new")
    (tree.root / ".env").write_text("PASSWORD=secret")
    (tree.root / "results").mkdir()
    (tree.root / "results" / "large").write_text("results")
    (tree.root / "outside").symlink_to(tmp_path)
    study = tmp_path / "my study.yaml"
    study.write_text("study: mine")
    expected = {*COMMITTED, "sweep/new.py", "submitted/my study.yaml"}
    assert sent(tree, tmp_path / "sent", study) == expected


def test_without_git_the_packages_are_sent(tree: WorkingTree, tmp_path: Path) -> None:
    (tree.root / ".git").rename(tmp_path / "elsewhere")
    assert tree.revision == "unknown"
    assert sent(tree, tmp_path / "sent") == COMMITTED - {".gitignore"}


@pytest.mark.parametrize("git_is", ["missing", "refusing"])
def test_where_git_does_not_answer_the_packages_are_sent_whole(
    git_is: str, tree: WorkingTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree.root / "analysis" / "page.css").write_text("body {}")
    (tree.root / "analysis" / "__pycache__").mkdir()
    (tree.root / "analysis" / "__pycache__" / "c.pyc").write_text("")
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    if git_is == "refusing":
        (tmp_path / "bin" / "git").write_text("#!/bin/sh\necho 'fatal: detected dubious ownership' >&2; exit 128\n")
        (tmp_path / "bin" / "git").chmod(0o755)
    assert tree.revision == "unknown"
    assert sent(tree, tmp_path / "sent") == {*COMMITTED, "analysis/page.css"} - {".gitignore"}


def test_the_revision_tells_a_changed_tree_from_its_commit(tree: WorkingTree) -> None:
    commit = tree.revision
    assert len(commit) == 12
    (tree.root / "sweep" / "a.py").write_text("changed")
    assert tree.revision == f"{commit}+changes"


def test_a_tree_that_is_too_large_names_the_largest_file(
    tree: WorkingTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working_tree, "_LARGEST_BYTES", 1 << 20)
    (tree.root / "sweep" / "images.bin").write_bytes(bytes(3 << 20))
    with pytest.raises(SweepError, match=r"holds 3 MiB to be sent, and 1 are allowed; .* sweep/images.bin first"):
        sent(tree, tmp_path / "sent")


def test_this_checkout_can_be_sent() -> None:
    assert (WorkingTree.of_this_program().root / "sweep" / "submission" / "start.py").is_file()


def test_a_program_installed_without_a_checkout_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sweep.__path__", [str(tmp_path / "sweep")])
    with pytest.raises(SweepError, match=r"has no sweep; submit from a clone in which `make setup` was run"):
        WorkingTree.of_this_program()


def test_a_python_without_the_packages_says_what_it_lacks() -> None:
    # Isolated and without site-packages, a Python has the standard library alone.
    begun = subprocess.run(
        [sys.executable, "-I", "-S", str(start.__file__), "run", "quick"], capture_output=True, text=True
    )
    assert begun.returncode == 2
    assert begun.stderr.startswith(f"sweep: {sys.executable} on the head lacks ")
    assert all(name in begun.stderr for name in ("torch", "mlflow", "pyarrow", "--install"))
    assert begun.stderr.count("\n") == 1


def test_a_python_with_the_packages_becomes_the_sweep() -> None:
    begun = subprocess.run([sys.executable, str(start.__file__), "plan", "nosuch"], capture_output=True, text=True)
    assert begun.returncode == 2
    assert begun.stderr.startswith("sweep: ")
    assert "nosuch" in begun.stderr
