"""Addresses that are no head, or none that answers."""

import http.server
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from sweep.errors import SweepError
from sweep.ray_token import use_token
from sweep.submission import Batch, ray_jobs
from sweep.submission.ray_jobs import RayJobs, RayOptions
from tests.servers import free_port


class _Page(http.server.BaseHTTPRequestHandler):
    """Some web server that is not Ray's."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>Welcome</html>")

    def log_message(self, format: str, *arguments: object) -> None: ...


@pytest.fixture
def web_server() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def silent() -> Iterator[str]:
    """A port where a connection is taken and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def curt() -> Iterator[str]:
    """A port that speaks another protocol than HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1024)
                    connection.sendall(b"\x00\x00\x06\x04gRPC\r\n")

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def ask(address: str | None) -> None:
    """Ask a head for its jobs."""
    RayJobs(RayOptions(address)).jobs()


def test_no_answer_is_one_sentence_within_seconds(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_jobs, "_KNOCK_SECONDS", 0.5)
    began = time.monotonic()
    with pytest.raises(SweepError, match=r"^no Ray head answers at http://\S+ \(no answer in time\); check --address"):
        ask(silent)
    assert time.monotonic() - began < 5


def test_a_closed_port_says_why() -> None:
    with pytest.raises(SweepError, match=r"^no Ray head answers at http://\S+ \(Connection refused\); check --address"):
        ask(f"127.0.0.1:{free_port()}")


def test_another_server_is_no_head(web_server: str, curt: str) -> None:
    for address in (web_server, curt):
        with pytest.raises(SweepError, match=rf"^what answers at http://{address} is not a Ray head; .* port 8265"):
            ask(address)


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        ("head", "http://head:8265"),
        ("10.0.0.1:99", "http://10.0.0.1:99"),
        ("[::1]", "http://[::1]:8265"),
        ("http://head:8265/", "http://head:8265"),
        ("https://head", "https://head"),
        (None, "http://127.0.0.1:8265"),
    ],
)
def test_addresses_are_completed(given: str | None, understood: str, monkeypatch: pytest.MonkeyPatch) -> None:
    knocked: list[str] = []

    def knock(address: str) -> None:
        knocked.append(address)
        raise SweepError("seen")

    monkeypatch.delenv("RAY_API_SERVER_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setattr(ray_jobs, "_knock", knock)
    with pytest.raises(SweepError, match="seen"):
        ask(given)
    assert knocked == [understood]


@pytest.mark.parametrize("address", ["ray://head:10001", "http://me:secret@head:8265", "grpc://head"])
def test_an_address_of_another_kind_is_refused(address: str) -> None:
    with pytest.raises(SweepError, match=r"^--address ") as refused:
        RayJobs(RayOptions(address))
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("store", "there"),
    [
        ("results", "~/results"),
        ("./a/b", "~/a/b"),
        ("~/r", "~/r"),
        ("/shared/r", "/shared/r"),
        ("s3://b/r", "s3://b/r"),
    ],
)
def test_a_relative_store_is_in_the_home_folder_of_the_head(store: str, there: str) -> None:
    assert RayJobs(RayOptions()).store(store) == there


@pytest.mark.parametrize(
    "secret", ["s3://key:secret@bucket/x", "https://me:secret@mlflow", "postgresql://me:secret@db/x"]
)
def test_credentials_in_an_address_are_refused(secret: str, small_plan: Callable) -> None:
    with pytest.raises(SweepError, match=r"would be shown to all") as refused:
        Batch(small_plan(), "quick", "results", ("--tracking", secret), "sweep submit")
    with pytest.raises(SweepError, match=r"would be shown to all"):
        Batch(small_plan(), "quick", secret, (), "sweep submit")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("where", ["environment", "named file", "home"])
def test_a_token_is_used_where_there_is_one(where: str, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    # As in a process that has not imported Ray yet.
    monkeypatch.delitem(sys.modules, "ray", raising=False)
    use_token()
    assert "RAY_AUTH_MODE" not in os.environ
    if where == "environment":
        monkeypatch.setenv("RAY_AUTH_TOKEN", "0" * 32)
    elif where == "named file":
        monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    else:
        (tmp_path / ".ray").mkdir()
        (tmp_path / ".ray" / "auth_token").write_text("0" * 32)
    use_token()
    assert os.environ["RAY_AUTH_MODE"] == "token"
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    use_token()
    assert os.environ["RAY_AUTH_MODE"] == "disabled"
