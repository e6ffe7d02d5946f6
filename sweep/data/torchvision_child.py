"""The child process of :mod:`sweep.data.downloads`: KIND FOLDER URL…; its last line says why it failed."""

import http.client
import socket
import sys
import urllib.error
import urllib.request

_PROBE_TIMEOUT = 4  # seconds
_STALL_TIMEOUT = 30  # seconds without a byte


def _silence(url: str) -> str | None:
    """Why ``url`` does not answer; None if it does."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=_PROBE_TIMEOUT):
            return None
    except urllib.error.URLError as error:
        return str(error.reason)
    except (OSError, http.client.HTTPException) as error:
        return str(error)


def _main(kind: str, folder: str, *urls: str) -> None:
    # Before the import of torchvision, which takes seconds.
    silent = {url: reason for url in urls if (reason := _silence(url))}
    if len(silent) == len(urls):
        sys.exit("no mirror answers: " + ", ".join(f"{url.split('/')[2]} ({why})" for url, why in silent.items()))
    socket.setdefaulttimeout(_STALL_TIMEOUT)
    try:
        from torchvision import datasets
    except ImportError as error:
        sys.exit(f"it cannot be imported ({error})")
    dataset = getattr(datasets, kind)
    if hasattr(dataset, "mirrors"):
        dataset.mirrors = [url.rpartition("/")[0] + "/" for url in urls if url not in silent]
    dataset(folder, download=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
