"""A sweep on an object store that loses its lease."""

import time

import pytest

from sweep.errors import SweepError
from sweep.ledger import Ledger
from sweep.ledger.lease import LeaseTimes
from sweep.planning import Plan
from sweep.schedule import ExecutorOptions, PackBook, RunOptions, run_sweep
from sweep.trial import Trial
from tests.servers import ObjectStore


class Thief:
    """A display that deletes the claims of the sweep that it shows."""

    def __init__(self, ledger: Ledger, name: str) -> None:
        self._files, self._folder = ledger.files, f"locks/{name}"
        self.updates = 0

    def update(self, book: PackBook) -> None:
        self.updates += 1
        for claim in self._files.list(self._folder):
            self._files.delete(f"{self._folder}/{claim}")
            time.sleep(1)

    def note(self, line: str) -> None:
        raise AssertionError(line)


def test_a_sweep_that_lost_its_lease_stops_in_one_sentence(
    object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweep.ledger.lease.TIMES", LeaseTimes(0.1, 60, 0.1))
    for name, value in {**object_store.environment, "AWS_ENDPOINT_URL": object_store.url}.items():
        monkeypatch.setenv(name, value)
    plan = Plan.of("test", [Trial("test", dataset="digits", seed=seed) for seed in range(6)])
    ledger = Ledger.create(object_store.unused())
    thief = Thief(ledger, plan.sweep_id)
    options = RunOptions("local", pack_size=1, resources=ExecutorOptions(engine="null", device="cpu", workers=1))
    with pytest.raises(SweepError, match=r"lost its hold on the store s3:\S+, as its claim was deleted; run the same"):
        run_sweep(plan, ledger, options, thief)
    assert thief.updates < 4
    assert len(Ledger.open(ledger.uri).contents.status) < 6
