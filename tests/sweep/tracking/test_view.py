"""MLflow's UI as a reviewer first sees it, in a real browser: the trials of a study, told apart by what varies."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.browser import BROWSER, SECONDS, browser
from tests.servers import free_port

STUDY = """
study: seen
factors:
  dataset: digits
  depth: [1, 2]
  filters: [1, 2]
  architecture: [sequential, parallel]
  epochs: 1
"""
NULL = ("--executor", "local", "--engine", "null", "--no-report")
LOOK = """
(async () => {
    const rows = () => [...document.querySelectorAll("[role=row]")].map(row => row.innerText);
    // MLflow counts the runs before it draws them.
    const cells = () => rows().join().match(/sequential|parallel/g) ?? [];
    const drawn = () => rows().some(row => /val_loss/.test(row)) && cells().length >= 8;
    const until = Date.now() + 90000;
    while (Date.now() < until && !(/8\\s+matching runs/.test(document.body.innerText) && drawn()))
        await new Promise(done => setTimeout(done, 200));
    return {rows: rows(), text: document.body.innerText};
})()
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight trials of one sweep, tracked."""
    folder = tmp_path_factory.mktemp("seen")
    (folder / "seen.yaml").write_text(STUDY)
    command = ["run", str(folder / "seen.yaml"), "--store", str(folder / "store"), *NULL]
    subprocess.run([sys.executable, "-m", "sweep", *command], check=True, capture_output=True)
    return folder / "store"


def test_the_table_has_a_column_for_all_that_varies(store: Path) -> None:
    client = MlflowClient(tracking_uri=f"sqlite:///{store}/mlflow.db")
    experiment = client.get_experiment_by_name("seen")
    assert experiment is not None
    view = json.loads(experiment.tags["mlflow.sharedViewState.trials"])
    assert view["selectedColumns"] == [
        *(f"params.`{name}`" for name in ("architecture", "depth", "filters")),
        *(f"metrics.`{name}`" for name in ("val_loss", "val_accuracy", "train_loss")),
        "attributes.`Duration`",
    ]
    runs = client.search_runs([experiment.experiment_id], view["searchFilter"], order_by=[f"{view['orderByKey']} ASC"])
    assert len(runs) == 8
    assert all({"architecture", "depth", "filters"} <= set(run.data.params) for run in runs)
    [twin] = [run for run in runs if run.data.tags["pair_id"] == runs[0].data.tags["pair_id"] and run != runs[0]]
    assert {twin.data.tags["architecture"], runs[0].data.tags["architecture"]} == {"sequential", "parallel"}


@contextlib.contextmanager
def served(store: Path) -> Iterator[list[str]]:
    """What `sweep ui` prints first, while it serves; its server is ended with it."""
    port = str(free_port())
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    process = subprocess.Popen(
        [sys.executable, "-m", "sweep", "ui", "--store", str(store), "--port", port],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        printed = [process.stdout.readline().strip() for _ in range(2)]
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                break
            time.sleep(0.2)
        yield printed
    finally:
        os.killpg(process.pid, 15)
        process.communicate(timeout=SECONDS)


async def seen(address: str, profile: Path) -> dict:
    async with asyncio.timeout(2 * SECONDS), browser(profile) as tab:
        await tab.call("Emulation.setDeviceMetricsOverride", width=1700, height=900, deviceScaleFactor=1, mobile=False)
        await tab.call("Page.navigate", url=address)
        await tab.until("Page.loadEventFired")
        return await tab.evaluate(LOOK)


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="neither chromium nor google-chrome is installed")
def test_the_address_that_is_printed_opens_on_the_trials(store: Path, tmp_path: Path) -> None:
    with served(store) as printed:
        name, _, address = printed[1].partition(": ")
        assert name == "trials of seen"
        found = asyncio.run(seen(address, tmp_path / "profile"))
    assert "8 matching runs" in " ".join(found["text"].split())
    shown = " ".join(found["rows"]).split()
    assert {"architecture", "depth", "filters", "val_loss", "Duration"} <= set(shown)
    assert shown.count("sequential") >= 4 <= shown.count("parallel")
    # Neither the sweep's own run nor pages for traces.
    assert "Training runs" in found["text"]
    assert not any(row.startswith("sweep ") for row in found["rows"])
