"""The tutorial on networks of one's own, as it is written: deep against parallel, lesioned and reported."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import sweep
from sweep.parts import NETWORKS

ROOT = Path(__file__).parents[2]
SMALLER = {
    "seed": 0,
    "epochs": 1,
    "train_samples": 100,
    "val_samples": 50,
    "lesion_draws": 2,
    "path_draws": 4,
}


@pytest.fixture
def forgotten() -> Iterator[None]:
    """The tutorial's network is forgotten again, as other tests count the kinds."""
    yield
    del NETWORKS["separable:KIND"]
    del sys.modules["separable"]


@pytest.mark.usefixtures("unrendered", "forgotten")
def test_a_network_of_ones_own_is_trained_lesioned_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs" / "own-networks.md").read_text()
    network, study = (re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)[0] for language in ("python", "yaml"))
    assert len(network.splitlines()) < 40
    (tmp_path / "separable.py").write_text(network)
    (tmp_path / "separable.yaml").write_text(study)
    monkeypatch.chdir(tmp_path)
    assert len(sweep.plan("separable.yaml")) == 24
    results = sweep.run(
        "separable.yaml",
        store="results/separable",
        factors=SMALLER,
        executor="local",
        track=False,
        progress=False,
    )
    assert results.trials["status"].to_pylist() == ["finished"] * 8
    pairs = results.sql("select depth, max(abs(difference)) as difference from pairs group by depth order by depth")
    assert pairs["difference"].to_pylist()[0] == 0 < pairs["difference"].to_pylist()[1]
    folder = Path("results/separable/report/separable")
    assert "separable network of 4, parallel" in (folder / "report.html").read_text()
    numbers = json.loads((folder / "numbers.json").read_text())
    assert {"equivalence", "lesions", "truncation", "paths", "features"} <= set(numbers["parts"])
