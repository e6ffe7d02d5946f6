"""Real servers for tests, on loopback, each started once where it is asked for.

An object store that speaks S3, PostgreSQL, and an MLflow server over it. A test that asks for one that is not installed
is skipped.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

_START_SECONDS = 90


@dataclass(frozen=True)
class ObjectStore:
    """A server of S3's protocol, with a bucket named bucket."""

    endpoint: str
    """HOST:PORT, without encryption."""
    environment: dict[str, str] = field(
        default_factory=lambda: {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
    )
    """Credentials, as its users need them in their environment."""

    @property
    def url(self) -> str:
        """What AWS_ENDPOINT_URL is to be."""
        return f"http://{self.endpoint}"

    def unused(self) -> str:
        """The URI of a store that nobody has used."""
        return f"s3://bucket/{uuid.uuid4().hex}"


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """An S3 server in a process of its own: whoever plays AWS by moto in this one forgets all buckets of this one."""
    pytest.importorskip("moto.server", reason="moto[server], an S3 server, is not installed")
    store = ObjectStore(f"127.0.0.1:{free_port()}")
    log = tmp_path_factory.mktemp("object-store") / "log"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", store.endpoint.rpartition(":")[2]]
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    bucket = urllib.request.Request(f"{store.url}/bucket", method="PUT")
    try:
        _wait_for(lambda: urllib.request.urlopen(bucket, timeout=2).close(), process, log)
        yield store
    finally:
        process.kill()
        process.wait()


@dataclass(frozen=True)
class Database:
    """A PostgreSQL server that asks for a password."""

    port: int
    user: str = "sweep"
    password: str = "pass/word:secret@1"

    def uri(self, database: str = "postgres") -> str:
        """Where to connect to one of its databases, with the password."""
        return f"postgresql://{self.user}:{quote(self.password, safe='')}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        """Make a database; its URI."""
        import psycopg

        with psycopg.connect(self.uri(), autocommit=True) as connection:
            connection.execute(f'create database "{database}"'.encode())
        return self.uri(database)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Database]:
    """A PostgreSQL server with a folder of its own."""
    psycopg = pytest.importorskip("psycopg", reason="psycopg, PostgreSQL's client, is not installed")
    programs = _postgresql_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    account = _account()
    folder = Path(tempfile.mkdtemp(prefix="sweep-postgresql-"))
    database = Database(free_port())
    (folder / "password").write_text(database.password)
    for path in (folder, folder / "password"):
        os.chown(path, account.pw_uid, account.pw_gid)
    options = ["-U", database.user, "--auth=scram-sha-256", f"--pwfile={folder}/password", "--no-sync", "--locale=C"]
    log = folder / "log"
    initdb = [str(programs / "initdb"), "-D", f"{folder}/data", "--encoding=UTF8", *options]
    assert _start_as(account, initdb, log).wait() == 0, log.read_text()
    listen = ["-h", "127.0.0.1", "-p", str(database.port), "-k", str(folder), "-F"]
    process = _start_as(account, [str(programs / "postgres"), "-D", f"{folder}/data", *listen], log)
    try:
        _wait_for(lambda: psycopg.connect(database.uri(), connect_timeout=2).close(), process, log)
        yield database
    finally:
        # Sessions that are left open are ended.
        process.send_signal(signal.SIGINT)
        process.wait(30)
        shutil.rmtree(folder)


class MlflowServer:
    """An MLflow server over a database, which can be stopped and started again at the same address."""

    def __init__(self, database: str, folder: Path) -> None:
        self.database = database
        """The URI of the database, with its password."""
        self._folder, self._port = folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        environment = {**os.environ, "MLFLOW_BACKEND_STORE_URI": self.database, "DO_NOT_TRACK": "true"}
        environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
        options = ["--host", "127.0.0.1", "--port", str(self._port), "--workers", "1"]
        artifacts = ["--artifacts-destination", str(self._folder / "artifacts")]
        log = self._folder / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", *options, *artifacts],
                stdout=output,
                stderr=output,
                env=environment,
                cwd=self._folder,
                start_new_session=True,
            )
        _wait_for(lambda: urllib.request.urlopen(f"{self.uri}/health", timeout=2).close(), self._process, log)

    def stop(self) -> None:
        """Kill the server with all its processes."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


@pytest.fixture(scope="session")
def mlflow_server(postgresql: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """An MLflow server over PostgreSQL, which hands artifacts on to a folder."""
    server = MlflowServer(postgresql.create("mlflow"), tmp_path_factory.mktemp("mlflow"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _postgresql_programs() -> Path | None:
    """The folder of `initdb`, which Debian does not put on the path."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    return folders[-1] if folders else None


def _account() -> pwd.struct_passwd:
    """Who is to run PostgreSQL, which refuses to be run by root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.skip("PostgreSQL refuses to be run by root, and there is no other account")


def _start_as(account: pwd.struct_passwd, command: list[str], log: Path) -> "subprocess.Popen[bytes]":
    """Start a process of the account's, in a folder that it can read."""
    with log.open("ab") as output:
        if account.pw_uid == os.geteuid():
            return subprocess.Popen(command, stdout=output, stderr=output, cwd="/")
        user, group = account.pw_uid, account.pw_gid
        return subprocess.Popen(command, stdout=output, stderr=output, cwd="/", user=user, group=group, extra_groups=[])


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


def _wait_for(knock: Callable[[], None], process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            knock()
        except Exception as error:  # whatever a server that is not there yet leads to
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text(errors="replace")[-2000:]) from error
            time.sleep(0.2)
        else:
            return
