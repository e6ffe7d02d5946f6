"""What Ray's words about a dead worker, and its own, are turned into."""

from pathlib import Path

import pytest

from sweep.schedule.death import death

DIED = "The actor died unexpectedly before finishing this task.\n\tpid: {pid}\n\tip: {ip}\nThe worker process has died."
RAISED = (
    "The actor died because of an error raised in its creation task, ray::A.__init__()\n  File x\nOSError: no libfoo\n"
)
HUNGRY = (
    "1 worker(s) were killed due to the node running low on memory. Memory on it was 7.04GB used / 8.00GB limit (0.9)"
)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """The log of a worker with the number 12."""
    (tmp_path / "worker-abc-01000000-12.err").write_text(
        ":job_id:01000000\n:actor_name:_PackTrainable\nTraceback:\n\n  deep in a library\n"
        "[2026-11-26 14:52:11,1 E 1] noise\nImportError: libfoo.so\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DIED, "the worker process died while training this trial"),
        (HUNGRY, "its worker was killed because the machine ran out of memory (7.04GB used / 8.00GB limit)"),
        ("The actor died because its node has died.", "the node that trained it was lost"),
    ],
)
def test_a_death_is_called_what_ray_knows_it_to_be(error: str, said: str) -> None:
    assert death(error, "here", set(), None).message == said
    assert death(error, "here", {"here"}, None).message == "the node that trained it was lost"


@pytest.mark.parametrize(
    ("error", "last"),
    [
        (RAISED, "OSError: no libfoo"),
        (DIED.format(pid=12, ip="127.0.0.1"), "Traceback: / deep in a library / ImportError: libfoo.so"),
        (DIED.format(pid=12, ip="10.0.0.1"), ""),
        (DIED.format(pid=13, ip="127.0.0.1"), ""),
    ],
)
def test_a_worker_has_the_last_word_where_its_log_is_here(error: str, last: str, logs: Path) -> None:
    assert death(error, None, set(), logs).output == last
