"""What is said to this machine goes to no proxy."""

import http.server
import os
import threading
from collections.abc import Iterator

import pytest
import requests

from sweep.errors import SweepError
from sweep.loopback import spare_loopback
from sweep.submission.ray_jobs import RayJobs, RayOptions

NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


class _Refusal(http.server.BaseHTTPRequestHandler):
    """A proxy that lets nothing through, and a server that is asked itself."""

    def do_GET(self) -> None:
        self.send_response(403 if "://" in self.path else 200)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None: ...


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The proxy that the environment names."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Refusal)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    for name in NAMES:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
        monkeypatch.setenv(name.upper(), "")
        monkeypatch.delenv(name.upper())
    monkeypatch.setenv("HTTP_PROXY", address)
    yield address
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("before", ["", "head.example.org", "a, b"])
def test_loopback_is_spared_and_all_else_stays(proxy: str, before: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", before)
    assert requests.get(proxy, timeout=5).status_code == 403
    spare_loopback()
    spare_loopback()
    assert requests.get(proxy, timeout=5).status_code == 200
    kept = [name.strip() for name in before.split(",") if name]
    assert os.environ["NO_PROXY"].split(",") == [*kept, "localhost", "127.0.0.1", "::1"]
    assert requests.get("http://elsewhere.invalid", timeout=5).status_code == 403


def test_without_a_proxy_nothing_changes(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HTTP_PROXY")
    spare_loopback()
    assert "NO_PROXY" not in os.environ


def test_a_head_behind_a_proxy_is_not_blamed(proxy: str) -> None:
    with pytest.raises(SweepError, match=rf"is not a Ray head, asked through the proxy {proxy}; put .* NO_PROXY"):
        RayJobs(RayOptions("http://head.invalid:8265")).jobs()
