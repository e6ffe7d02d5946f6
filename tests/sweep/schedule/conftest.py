import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sweep.schedule.own_ray import start
from tests.notes import Notes

# isort: split
import ray

_ENVIRONMENT = ("RAY_OVERRIDE_RESOURCES", "CUDA_VISIBLE_DEVICES", "PYTHONPATH", "FAULTY_ENGINES_FOLDER")


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture(scope="module")
def engines_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a link is to the folder of the test that runs, for engines in workers that outlive a test."""
    return tmp_path_factory.mktemp("engines") / "now"


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, engines_folder: Path) -> str:
    """The name of the faulty engine, importable here and in Ray's workers."""
    engines_folder.unlink(missing_ok=True)
    engines_folder.symlink_to(tmp_path)
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setenv("FAULTY_ENGINES_FOLDER", str(engines_folder))
    return "faulty_engines:train"


class KeptRay:
    """A Ray that one sweep after another has as its own: to start and to end one takes seconds."""

    def __init__(self) -> None:
        self._end, self._asked = ray.shutdown, ()

    def start(self, **arguments: Any) -> None:
        """Stand for `own_ray.start`."""
        asked = arguments["num_cpus"], *map(os.environ.get, _ENVIRONMENT)
        if asked != self._asked:
            self.end()
            start(**arguments)
            self._asked = asked

    def end(self) -> None:
        """End it if there is one."""
        self._end()
        self._asked = ()


@pytest.fixture(scope="module")
def kept_ray() -> Iterator[KeptRay]:
    kept = KeptRay()
    yield kept
    kept.end()


@pytest.fixture
def shared_ray(kept_ray: KeptRay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps use the Ray of the test before, if it asked for the same."""
    monkeypatch.setattr("sweep.schedule.cluster.start", kept_ray.start)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
