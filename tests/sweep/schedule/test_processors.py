"""A container's quota of processors, under both versions of control groups."""

import os
from pathlib import Path

import pytest

from sweep.schedule.processors import cpu_count

HERE = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def groups(folder: Path, cgroup: str, **files: str) -> int:
    """The processors under these control groups: the text of /proc/self/cgroup, and files with __ for a slash."""
    (folder / "cgroup").write_text(cgroup)
    for name, content in files.items():
        path = folder / "fs" / name.replace("__", "/").replace("cpu_max", "cpu.max").replace("cfs_", "cpu.cfs_")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return cpu_count(folder, folder / "fs")


@pytest.mark.parametrize(
    ("cgroup", "files", "count"),
    [
        ("0::/\n", {"cpu_max": "100000 100000\n"}, 1),
        ("0::/\n", {"cpu_max": "50000 100000\n"}, 1),
        ("0::/\n", {"cpu_max": "max 100000\n"}, HERE),
        ("0::/a/b\n", {"a__cpu_max": "100000 100000\n", "a__b__cpu_max": "max 100000\n"}, 1),
        # A container that sees its own group as the top.
        ("0::/docker/1\n", {"cpu_max": "100000 100000\n"}, 1),
        (
            "4:cpu,cpuacct:/a\n1:name=systemd:/\n",
            {"cpu__a__cfs_quota_us": "100000", "cpu__a__cfs_period_us": "100000"},
            1,
        ),
        ("4:cpu:/\n", {"cpu__cfs_quota_us": "-1\n", "cpu__cfs_period_us": "100000\n"}, HERE),
        ("4:cpuset:/\n0::/\n", {"cpuset__cfs_quota_us": "1", "cpuset__cfs_period_us": "1"}, HERE),
        ("0::/\n", {"cpu_max": "9900000000 100000\n"}, HERE),
        ("", {}, HERE),
    ],
)
def test_a_quota_limits_the_processors(cgroup: str, files: dict[str, str], count: int, tmp_path: Path) -> None:
    assert groups(tmp_path, cgroup, **files) == count


def test_a_system_without_control_groups_has_all_its_processors(tmp_path: Path) -> None:
    assert cpu_count(tmp_path / "none", tmp_path / "none") == HERE
