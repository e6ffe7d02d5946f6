"""A sweep whose object store does not answer for a while, or not always."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from sweep.engine import null
from sweep.errors import SweepError
from sweep.ledger import Ledger
from sweep.planning import Plan
from sweep.result import Event, Setting
from sweep.schedule import ExecutorOptions, PackBook, RunOptions, run_sweep
from sweep.trial import Trial
from tests.front import Front
from tests.servers import ObjectStore

PLAN = Plan.of("test", [Trial("test", dataset="digits", seed=seed) for seed in range(8)])
OPTIONS = RunOptions("local", pack_size=1, resources=ExecutorOptions(engine="null", device="cpu", workers=1))


@pytest.fixture
def front(object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    with Front(object_store.endpoint) as front:
        for name, value in {**object_store.environment, "AWS_ENDPOINT_URL": front.url}.items():
            monkeypatch.setenv(name, value)
        yield front


TO_SILENCE: list[Front] = []


def train(trials: Sequence[Trial], setting: Setting) -> Iterator[Event]:
    """An engine that trains nothing and first silences the store."""
    while TO_SILENCE:
        TO_SILENCE.pop().away = True
    yield from null.train(trials, setting)


class Watch:
    """A display that brings a silent store back a second after it has been told of the silence."""

    def __init__(self, front: Front) -> None:
        self.front, self.notes = front, list[str]()

    def update(self, book: PackBook) -> None:
        """Nothing is shown."""

    def _back(self) -> None:
        self.front.away = False

    def note(self, line: str) -> None:
        self.notes.append(line)
        if self.front.away:
            threading.Timer(1.0, self._back).start()


def test_a_sweep_waits_for_a_store_that_is_away_and_says_so(object_store: ObjectStore, front: Front) -> None:
    ledger, watch = Ledger.create(object_store.unused()), Watch(front)
    TO_SILENCE.append(front)
    engine = f"{train.__module__}:{train.__name__}"
    outcome = run_sweep(PLAN, ledger, replace(OPTIONS, resources=replace(OPTIONS.resources, engine=engine)), watch)
    assert outcome.status == {"finished": len(PLAN)}
    assert len(Ledger.open(ledger.uri).contents.status) == len(PLAN)
    silent, back = watch.notes
    assert silent.startswith(f"the store {ledger.uri} does not answer (")
    assert silent.endswith("); waiting for up to 45 s")
    assert back == f"the store {ledger.uri} answers again"


def test_a_store_that_refuses_every_fifth_request_costs_nothing(object_store: ObjectStore, front: Front) -> None:
    ledger = Ledger.create(object_store.unused())
    front.share = 0.2
    assert run_sweep(PLAN, ledger, OPTIONS, Watch(front)).status == {"finished": len(PLAN)}
    assert len(Ledger.open(ledger.uri).contents.status) == len(PLAN)


def test_a_store_that_stays_away_ends_the_wait_in_one_sentence(
    object_store: ObjectStore, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweep.ledger.files._PATIENCE", 1.0)
    ledger = Ledger.create(object_store.unused())
    front.away = True
    with pytest.raises(
        SweepError, match=rf"^the store {ledger.uri} cannot be read: [^\n]+; fix that or choose another"
    ):
        Ledger.open(ledger.uri)


def test_what_is_refused_for_good_is_not_asked_for_again(front: Front) -> None:
    with pytest.raises(SweepError, match="cannot be written"):
        Ledger.create("s3://no-such-bucket/store")
    assert front.requests < 20


def test_status_asks_a_slow_store_for_little_at_a_time(
    object_store: ObjectStore, front: Front, capsys: pytest.CaptureFixture[str]
) -> None:
    from sweep.cli.show import status

    ledger = Ledger.create(object_store.unused())
    run_sweep(PLAN, ledger, OPTIONS, Watch(front))
    front.requests, front.seconds = 0, 0.05
    status(store=ledger.uri)
    assert "8" in capsys.readouterr().out
    assert front.requests < 40
