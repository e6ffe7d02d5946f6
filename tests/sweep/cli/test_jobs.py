"""A cluster's head that answers whether it is there, and nothing else."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sweep.errors import SweepError
from sweep.submission.ray_jobs import RayJobs, RayOptions

VERSION = b'{"version": "4", "ray_version": "2.60.0", "ray_commit": ""}'


@pytest.fixture
def stalled() -> Iterator[str]:
    ended = threading.Event()

    class Stalled(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/api/version":
                ended.wait()
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(VERSION)))
            self.end_headers()
            self.wfile.write(VERSION)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Stalled) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            ended.set()
            server.shutdown()
            thread.join()


def test_a_head_that_stalls_is_not_waited_for(stalled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweep.submission.ray_jobs._ANSWER_SECONDS", 0.5)
    head = RayJobs(RayOptions(stalled))
    began = time.monotonic()
    with pytest.raises(SweepError, match="does not answer any more"):
        head.jobs()
    assert time.monotonic() - began < 20
