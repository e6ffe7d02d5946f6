"""Addresses of MLflow, and the database that a store keeps of its own."""

import contextlib
import os
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from sweep.errors import SweepError
from sweep.ledger import Ledger
from sweep.planning import Plan
from sweep.tracking import log_report, rebuild, tables, tracking_uri
from tests import forks
from tests.servers import Database
from tests.sweep.tracking.runs import publish, runs_of, trials_of

TRIALS = trials_of(0, 1)
SWEEP = Plan.of("test", TRIALS).sweep_id


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    empty = Ledger.create(tmp_path / "store")
    empty.record_sweep(SWEEP, "test", TRIALS)
    publish(empty, TRIALS)
    return empty


def written(ledger: Ledger) -> int:
    return rebuild(ledger, tracking_uri(ledger, None), False, lambda: None)


ANEW = """
import sys
from pathlib import Path
from sweep.errors import SweepError
from sweep.ledger import Ledger
from sweep.tracking import log_report, rebuild, tracking_uri
ledger = Ledger.open(sys.argv[1])
uri = tracking_uri(ledger, sys.argv[2] or None)
if len(sys.argv) > 3:
    print(log_report(ledger, uri, "test", Path(sys.argv[3]), {"number": 1.0}))
try:
    print(rebuild(ledger, uri, False, lambda: None))
except SweepError as error:
    print(error)
"""


def in_a_new_process(ledger: Ledger, *report: Path, uri: str = "") -> list[str]:
    """What a new process prints: MLflow keeps databases open, and addresses in memory, for as long as one lives."""
    done = forks.python(ANEW, ledger.uri, uri, *report)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("", ""),
        ("./mlruns", ""),
        ("mlruns", ""),
        ("file:///tmp/mlruns", ""),
        ("file:mlruns", ""),
        ("x.db", r"; did you mean sqlite:///x\.db\?"),
        ("sqlite://x.db", r"; did you mean sqlite:///x\.db\?"),
        ("sqlite:///", ""),
        ("sqlite:x.db", ""),
        ("sqlite:///:memory:", ""),
        ("sqlite:////tmp", ""),
        ("sqlite:////tmp/a?b.db", "; write a \\? in a path as %3F"),
        ("htp://x", ""),
        ("http://", ""),
        ("http:/host:5000", ""),
        ("https://[::1", ""),
        ("postgresql://", ""),
        ("databricks", ""),
    ],
)
def test_what_is_no_address_is_refused_with_the_form_to_use(ledger: Ledger, address: str, hint: str) -> None:
    with pytest.raises(
        SweepError, match=rf"sqlite:///PATH/mlflow\.db or postgresql://USER@HOST/NAME{hint}$"
    ) as refused:
        tracking_uri(ledger, address)
    assert refused.value.parameters == ("tracking",)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:5000",
        "https://user:password@mlflow.example/prefix",
        "sqlite:///x.db",
        "sqlite:////somewhere/a%3Fb.db",
        "postgresql://me@host/runs",
        "postgresql+psycopg://me:secret@host:5432/runs?sslmode=require",
    ],
)
def test_addresses_are_taken_as_they_are(ledger: Ledger, address: str) -> None:
    assert tracking_uri(ledger, address) == address


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("mysql://host/runs", "tracking needs the package MySQLdb for mysql://host/runs"),
        ("postgresql+nothing://host/runs", "which cannot be read: "),
    ],
)
def test_a_database_that_no_driver_reads_is_refused_before_anything_is_trained(
    ledger: Ledger, address: str, said: str
) -> None:
    with pytest.raises(SweepError, match=re.escape(said)) as refused:
        tracking_uri(ledger, address)
    assert "\n" not in str(refused.value)


def test_an_address_that_is_refused_does_not_show_its_password(ledger: Ledger) -> None:
    with pytest.raises(SweepError) as refused:
        tracking_uri(ledger, "htp://me:hidden@host")
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize("name", ["a?b", "a%20b", "a b", "ü#1"])
def test_the_database_is_in_its_store_whatever_that_is_called(tmp_path: Path, name: str) -> None:
    ledger = Ledger.create(tmp_path / name)
    ledger.record_sweep(SWEEP, "test", TRIALS)
    publish(ledger, TRIALS)
    assert written(ledger) == 2
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name / "mlflow.db").stat().st_size > 0


def test_a_copied_store_leaves_the_original_alone(ledger: Ledger, tmp_path: Path) -> None:
    assert written(ledger) == 2
    report = tmp_path / "report"
    report.mkdir()
    (report / "numbers.json").write_text("{}")
    assert log_report(ledger, tracking_uri(ledger, None), "test", report, {}) is None
    copy = Ledger.open(shutil.copytree(ledger.uri, tmp_path / "copy"))
    before = files(Path(ledger.uri))
    (report / "numbers.json").write_text('{"of": "the copy"}')
    assert in_a_new_process(copy, report) == ["None", "2"]
    assert files(Path(ledger.uri)) == before
    (kept,) = Path(copy.uri).glob("artifacts/test/*/artifacts/report/numbers.json")
    assert kept.read_text() == '{"of": "the copy"}'
    (parent,) = runs_of(copy).parents
    assert parent.info.artifact_uri == kept.parents[1].as_uri()


def test_the_pages_of_a_copied_store_show_its_own_files(ledger: Ledger, tmp_path: Path) -> None:
    assert written(ledger) == 2
    copy = Ledger.open(shutil.copytree(ledger.uri, tmp_path / "copy"))
    before = files(Path(ledger.uri))
    assert list(tables(copy, tracking_uri(copy, None))) == ["test"]
    here = Path(copy.uri, "artifacts").as_uri()
    assert all(str(run.info.artifact_uri).startswith(here) for run in runs_of(copy).parents)
    assert files(Path(ledger.uri)) == before


def test_a_database_knows_how_full_it_is_once_runs_are_written(ledger: Ledger) -> None:
    assert written(ledger) == 2
    with contextlib.closing(sqlite3.connect(Path(ledger.uri, "mlflow.db"))) as connection:
        [(counted,)] = connection.execute("select max(stat) from sqlite_stat1 where tbl = 'runs'").fetchall()
    assert counted.split()[0] == "3", "two trials and their sweep"


def test_a_database_of_another_mlflow_is_one_sentence(ledger: Ledger, tmp_path: Path) -> None:
    assert written(ledger) == 2
    # MLflow checks a database only when it first opens it.
    copy = Ledger.open(shutil.copytree(ledger.uri, tmp_path / "copy"))
    with contextlib.closing(sqlite3.connect(Path(copy.uri, "mlflow.db"))) as connection:
        connection.execute("update alembic_version set version_num = 'of the future'")
        connection.commit()
    with pytest.raises(SweepError, match=r"^MLflow cannot use its database at sqlite:///"):
        tables(copy, tracking_uri(copy, None))


def test_a_database_is_made_without_links_and_leaves_nothing_beside_it(ledger: Ledger, monkeypatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    assert written(ledger) == 2
    assert [path.name for path in Path(ledger.uri).iterdir() if ".tmp-" in path.name] == []


@pytest.mark.parametrize("damage", ["cut short", "garbled"])
def test_a_damaged_database_is_one_sentence_at_once(ledger: Ledger, damage: str) -> None:
    assert written(ledger) == 2
    path = Path(ledger.uri, "mlflow.db")
    content = path.read_bytes()
    path.write_bytes(
        content[: len(content) // 2] if damage == "cut short" else content[:100] + bytes(5000) + content[5100:]
    )
    began = time.monotonic()
    assert in_a_new_process(ledger) == [f"{path} is damaged; move it away, and `sweep track` makes it anew"]
    assert time.monotonic() - began < 60
    path.unlink()
    assert in_a_new_process(ledger) == ["2"]


@pytest.mark.parametrize("signal_", [signal.SIGSTOP, None])
def test_a_postgresql_server_that_does_not_answer_is_one_sentence(
    ledger: Ledger, postgresql: Database, signal_: signal.Signals | None
) -> None:
    uri = postgresql.create(f"silent-{signal_ or 'gone'}")
    with psycopg.connect(uri) as connection:
        (backend,) = connection.execute("select pg_backend_pid()").fetchone() or (0,)
        server = int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])
    try:
        if signal_ is None:
            uri = uri.replace(str(postgresql.port), "1")
        else:
            os.kill(server, signal_)
        (said,) = in_a_new_process(ledger, uri=uri)
    finally:
        os.kill(server, signal.SIGCONT)
    assert said.startswith("MLflow at postgresql://…@127.0.0.1")
    assert "no result is lost, run `sweep track` again once it answers" in said
    assert postgresql.password not in said


SECOND = """
import os, sqlite3, sys
from sweep.ledger import Ledger
os.umask(0o002)
os.setgroups([])
os.setgid(int(sys.argv[2]))
os.setuid(65534)
ledger = Ledger.create(sys.argv[1])
with ledger.lock("0" * 20), ledger.lock("mlflow", wait=True):
    ledger.files.write("sweeps/ab.parquet", b"")
connection = sqlite3.connect(sys.argv[1] + "/mlflow.db")
connection.execute("create table of_the_second_user (x)")
connection.commit()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_a_second_user_of_a_shared_store_is_not_locked_out(tmp_path: Path) -> None:
    group = 4242
    folder = tmp_path / "shared"
    folder.mkdir()
    os.chown(folder, 0, group)
    folder.chmod(0o2775)
    for parent in (*tmp_path.parents, tmp_path):
        if parent.stat().st_uid == os.geteuid() and not parent.stat().st_mode & stat.S_IXOTH:
            parent.chmod(parent.stat().st_mode | stat.S_IXOTH)
    before = os.umask(0o002)
    try:
        ledger = Ledger.create(folder / "store")
        ledger.record_sweep(SWEEP, "test", TRIALS)
        publish(ledger, TRIALS)
        with ledger.lock("0" * 20):
            assert written(ledger) == 2
    finally:
        os.umask(before)
    ours = [path for path in (folder / "store").rglob("*") if path.is_file()]
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in ours} == dict.fromkeys(
        (path.name for path in ours), "0o664"
    )
    subprocess.run([sys.executable, "-c", SECOND, str(folder / "store"), str(group)], check=True)


def test_a_new_database_is_made_without_a_word_of_the_library(tmp_path: Path) -> None:
    program = "import sys; from sweep.tracking.database import prepare; prepare(sys.argv[1])"
    arguments = [sys.executable, "-c", program, f"sqlite:///{tmp_path}/mlflow.db"]
    made = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=120)
    assert (made.stdout, made.stderr) == ("", "")
