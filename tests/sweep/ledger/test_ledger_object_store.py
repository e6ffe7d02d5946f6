"""The ledger on an object store: a server of S3's protocol on loopback."""

import re
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sweep.errors import SweepError
from sweep.ledger import SCHEMAS, Ledger, merge_commits
from sweep.ledger.files import StoreFiles
from sweep.ledger.lease import Lease, LeaseTimes, hold
from sweep.ledger.scan import name_damage, scan
from sweep.trial import Trial
from tests.servers import ObjectStore

moto_server = pytest.importorskip("moto.server")


@pytest.fixture
def endpoint(object_store: ObjectStore) -> str:
    return object_store.endpoint


@pytest.fixture(autouse=True)
def credentials(object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in object_store.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def store(request: pytest.FixtureRequest, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An unused prefix in a bucket; the endpoint stands in the URI, or in the environment if a test asks for that."""
    uri = f"s3://bucket/{request.node.name.translate(dict.fromkeys(b'[]', '-'))}/my%20results"
    if getattr(request, "param", "URI") == "URI":
        return f"{uri}?endpoint_override={endpoint}&scheme=http"
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{endpoint}")
    return uri


def names(ledger: Ledger, folder: str) -> list[str]:
    return sorted(ledger.files.list(folder))


@pytest.mark.parametrize("store", ["URI", "environment"], indirect=True)
def test_create_publish_read_refresh(store: str, results, ids) -> None:
    with pytest.raises(SweepError, match=r"^there is no store at s3://bucket/"):
        Ledger.open(store)
    ledger = Ledger.create(store)
    assert ledger.files.local is None
    reader = Ledger.open(store)
    assert reader.contents.status == {}
    assert ledger.publish(results(range(3)))
    assert reader.publish(results(range(5), loss=2.0))
    ledger.refresh()
    for each in (ledger, reader, Ledger.create(store)):
        each.require_whole()
        rows = each.read("trials").to_pylist()
        assert sorted(row["trial_id"] for row in rows) == ids(range(5))
        assert sorted(row["val_loss"] for row in rows) == [1.0, 1.0, 1.0, 2.0, 2.0]
        assert each.read("curves").num_rows == each.read("measurements").num_rows == 10
    ledger.record_sweep("abc", "s", [Trial("s", seed=0)])
    assert reader.sweeps()["abc"].trial_ids == ids([0])
    with ledger.lock("abc"), reader.lock("another"):
        pass
    assert names(ledger, "locks/abc") == []


def test_damage_is_named_and_made_good(store: str, results, ids) -> None:
    ledger = Ledger.create(store)
    for seed in range(5):
        ledger.publish(results([seed]))
    trials, curves, measurements, commits = (names(ledger, folder) for folder in (*SCHEMAS, "commits"))
    content = ledger.files.read(f"trials/{trials[0]}")
    assert content is not None
    size = ledger.files.list("measurements")[measurements[3]]
    ledger.files.write(f"trials/{trials[0]}", content[:-1])
    ledger.files.delete(f"curves/{curves[1]}")
    ledger.files.write(f"commits/{commits[2]}", b"{")
    ledger.files.write(f"measurements/{measurements[3]}", b"")
    reader = Ledger.open(store)
    assert sorted(reader.contents.status) == ids([4])
    assert sorted(reader.contents.damaged.values()) == sorted(
        [
            f"trials/{trials[0]} has {len(content) - 1} bytes where {len(content)} were written",
            f"curves/{curves[1]} is missing",
            f"commits/{commits[2]} is not the marker that was written",
            f"measurements/{measurements[3]} has 0 bytes where {size} were written",
        ]
    )
    with pytest.raises(SweepError, match=r"^the store s3://bucket/.* is damaged: "):
        reader.require_whole()
    assert reader.publish(results(range(5)))
    whole = Ledger.open(store)
    whole.require_whole()
    assert sorted(whole.read("trials")["trial_id"].to_pylist()) == ids(range(5))


def test_merging_scanning_and_deleting_after_a_day(store: str, results, clock) -> None:
    ledger = Ledger.create(store)
    for seed in range(3):
        ledger.publish(results([seed]))
    old, before, reader = set(ledger.contents.commits), ledger.read("curves"), Ledger.open(store)
    assert merge_commits(ledger, 2) == 3
    late = ledger.publish(results([3], "failed"))
    (merged,) = ledger.contents.commits.keys() - {late}
    assert scan(reader, "curves").to_table().equals(before)
    for each in (ledger, Ledger.open(store), Ledger.create(store)):
        assert each.read("curves").equals(before)
        assert scan(each, "curves").to_table().equals(before)
        assert scan(each, "trials").to_table(columns=["status"])["status"].to_pylist() == ["finished"] * 3 + ["failed"]
    assert names(ledger, "commits") == sorted(f"{name}.json" for name in (*old, merged, late))

    clock.now += 25 * 3600
    again = Ledger.create(store)
    assert names(ledger, "commits") == sorted(f"{name}.json" for name in (merged, late))
    assert names(ledger, "trials") == sorted(f"{name}.parquet" for name in (merged, late))
    assert names(ledger, "measurements") == names(ledger, "curves") == [f"{merged}.parquet"]
    assert again.read("curves").equals(before)

    content = ledger.files.read(f"curves/{merged}.parquet") or b""
    for place in (len(content) // 3, len(content) - 20):
        ledger.files.write(
            f"curves/{merged}.parquet", content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        )
        with pytest.raises((SweepError, OSError)):
            scan(again, "curves").to_table()
        with pytest.raises(SweepError, match=f"curves/{merged}.parquet cannot be read"):
            name_damage(again, "curves")


def test_publishers_at_once(store: str, results, ids) -> None:
    Ledger.create(store)

    def publish(first: int) -> None:
        ledger = Ledger.open(store)
        for seed in range(first, first + 4):
            ledger.publish(results([seed, seed + 1]))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(publish, [0, 2]))
    assert sorted(Ledger.open(store).read("trials")["trial_id"].to_pylist()) == ids(range(7))


def test_a_missing_bucket_is_one_sentence(endpoint: str) -> None:
    uri = f"s3://no-such-bucket/store?endpoint_override={endpoint}&scheme=http"
    with pytest.raises(SweepError, match=r"^the store s3://no-such-bucket/\S* cannot be written: [^\n]*; fix that"):
        Ledger.create(uri)


def nobody() -> str:
    """An address at which nothing listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{unused.getsockname()[1]}"


def test_an_endpoint_that_cannot_be_reached_is_one_sentence_within_seconds() -> None:
    uri = f"s3://bucket/store?endpoint_override={nobody()}&scheme=http"
    start = time.monotonic()
    with pytest.raises(SweepError, match=r"cannot be read: [^\n]*Could not connect to server[^\n]*; fix that"):
        Ledger.create(uri)
    assert time.monotonic() - start < 30


def test_google_storage_that_cannot_be_reached_is_one_sentence_within_seconds(monkeypatch) -> None:
    monkeypatch.setattr("sweep.ledger.files._GCS_SECONDS", 1.0)
    monkeypatch.setattr("sweep.ledger.files._PATIENCE", 1.0)
    start = time.monotonic()
    with pytest.raises(SweepError, match=r"^the store gs://\S* cannot be read: [^\n]*; fix that"):
        Ledger.create(f"gs://anonymous@bucket/store?endpoint_override={nobody()}&scheme=http")
    assert time.monotonic() - start < 30


def test_an_endpoint_that_goes_away_leaves_a_sentence(results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweep.ledger.files._S3_ATTEMPTS", 2)
    monkeypatch.setattr("sweep.ledger.files._PATIENCE", 1.0)
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    from pyarrow import fs

    system = fs.S3FileSystem(endpoint_override=f"{host}:{port}", scheme="http", allow_bucket_creation=True)
    system.create_dir("gone")
    ledger = Ledger.create(f"s3://gone/store?endpoint_override={host}:{port}&scheme=http")
    ledger.publish(results([0]))
    server.stop()
    with pytest.raises(SweepError, match=r"^the store s3://gone/\S* cannot be read: [^\n]*; fix that"):
        ledger.publish(results([1]))
    assert len(ledger.contents.status) == 1


def test_attempts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that accepts and never answers: 100 seconds without bounds, about 15 with them."""
    monkeypatch.setattr("sweep.ledger.files._S3_ATTEMPTS", 1)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        start = time.monotonic()
        files = StoreFiles(f"s3://bucket/a?endpoint_override=127.0.0.1:{mute.getsockname()[1]}&scheme=http")
        with pytest.raises(SweepError, match="Timeout was reached"):
            files.read("store.json")
        assert time.monotonic() - start < 15


ADDER = """
import sys
from sweep.ledger import Ledger
from sweep.ledger.lease import LeaseTimes, hold
ledger = Ledger.open(sys.argv[1])
sys.stdin.readline()
for _ in range(4):
    with hold(ledger.files, "sum", wait=True, times=LeaseTimes(1, 30, 0.05)):
        ledger.files.write("sum", str(int(ledger.files.read("sum") or 0) + 1).encode())
"""


@pytest.mark.parametrize("store", ["URI", "environment"], indirect=True)
def test_processes_hold_a_lease_one_at_a_time(store: str) -> None:
    files = Ledger.create(store).files
    command = [sys.executable, "-c", ADDER, store]
    adders = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for adder in adders:
        assert adder.stdin is not None
        adder.stdin.write("\n")
        adder.stdin.flush()
    for adder in adders:
        _, problems = adder.communicate(timeout=120)
        assert adder.returncode == 0, problems
    assert files.read("sum") == b"12"
    assert files.list("locks/sum") == {}


def test_a_lease_that_lives_is_refused_and_one_that_died_is_taken_over(store: str) -> None:
    times = LeaseTimes(1, 3, 0.1)
    first, second = Ledger.create(store).files, Ledger.open(store).files
    with hold(first, "sweep", times=times) as held:
        sentence = (
            rf"^this sweep is already running on the store {re.escape(first.uri)}, since 20\S+ \S+, on host \S+ as "
        )
        with pytest.raises(SweepError, match=sentence + r"process \d+; wait for it, or end it and run again$"):
            Lease(second, "sweep", times).acquire()
        held.check()
    dead, notes = Lease(first, "sweep", times), list[str]()
    assert dead.attempt()
    with hold(second, "sweep", times=times, note=notes.append) as held:
        with pytest.raises(
            SweepError, match=r"lost its hold on the store s3:\S+, as it could not renew its claim for 2 s"
        ):
            dead.check()
        held.check()
        assert len(first.list("locks/sweep")) == 1
    assert notes == ["this sweep ran a moment ago; wait up to 3 s to see if it still runs"]


def test_a_claim_that_was_deleted_is_lost(store: str) -> None:
    files = Ledger.create(store).files
    lease = Lease(files, "sweep", LeaseTimes())
    assert lease.attempt()
    lease.renew()
    lease.check()
    (claim,) = files.list("locks/sweep")
    files.delete(f"locks/sweep/{claim}")
    lease.renew()
    with pytest.raises(SweepError, match=r", as its claim was deleted; run the same command again, finished trials"):
        lease.check()
    assert files.list("locks/sweep") == {}
