"""A server in front of an object store, which refuses to answer as a test asks for."""

import http.client
import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_FRAMING = ("transfer-encoding", "connection", "content-length", "expect")


class Front:
    """Passes requests on to `endpoint`, unless told otherwise; use it as a context manager."""

    def __init__(self, endpoint: str) -> None:
        self.away = False
        """Whether connections end without an answer."""
        self.share = 0.0
        """The share of requests that are answered with 503."""
        self.seconds = 0.0
        """What every answer takes."""
        self.requests = 0
        self._random = random.Random(0)
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass_on(self) -> None:
                body = self._body()
                front.requests += 1
                time.sleep(front.seconds)
                if front.away:
                    self.close_connection = True
                    return
                if front._random.random() < front.share:
                    self.send_response(503)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                connection = http.client.HTTPConnection(endpoint)
                headers = {name: value for name, value in self.headers.items() if name.lower() not in _FRAMING}
                connection.request(self.command, self.path, body, headers | {"Content-Length": str(len(body))})
                answer = connection.getresponse()
                content = answer.read()
                connection.close()
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in _FRAMING:
                        self.send_header(name, value)
                length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
                self.send_header("Content-Length", length or "0")
                self.end_headers()
                self.wfile.write(content)

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length", 0)))
                parts: list[bytes] = []
                while size := int(self.rfile.readline().partition(b";")[0], 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass_on

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Front":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
